import fc from 'fast-check';
import type { GatewayAcknowledgement, GatewayReport } from '../../../operator/model/gateway-report.ts';
import { EvidenceTable } from '../../../operator/serving/evidence-table.ts';
import { GatewayTable } from '../../../operator/serving/gateway-table.ts';
import { type Leader, leaderOf } from '../../../operator/serving/leader.ts';
import { Relay, type RelayBatch } from '../../../operator/serving/relay.ts';
import { RelayReceiver } from '../../../operator/serving/relay-receiver.ts';
import { AegisError } from '../../../policy/errors.ts';
import { FakeClock, settle } from '../../gateway/bundles/fake-clock.ts';
import { TENANT, toldBy } from './told-by.ts';

const NOW = Date.parse('2026-11-22T08:00:00.000Z');

function says(sequence: number): GatewayAcknowledgement {
  const digest = 'ab'.repeat(32);
  return { version: 1, instance: 'i', tenant: { name: 'n' }, state: 'active', sequence, digest };
}

function counted(calls: number): GatewayReport {
  const candidate = { policy: 'n/p', revision: 'new', calls, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 };
  const fields = { instance: 'i', boot: 'boot-0001', since: new Date(NOW + 1).toISOString(), overflow: 0 };
  return { version: 1, ...fields, candidates: [candidate], violations: [] };
}

/** Replicas without a network between them; `cut` ones cannot be reached. */
function openReplicas(count: number) {
  const clock = new FakeClock(NOW);
  const world = { leader: undefined as number | undefined, cut: false, batches: [] as RelayBatch[], skipped: 0 };
  const stop = new AbortController();
  const replicas = Array.from({ length: count }, (_, self) => {
    const gateways = new GatewayTable({ clock });
    const reports = new EvidenceTable({ clock });
    const receiver = new RelayReceiver({
      client: { post: () => Promise.reject(new Error('not asked')) },
      clock,
      username: 'system:serviceaccount:aegis-system:aegis-operator',
      gateways,
      reports,
      leads: () => world.leader === self,
      onSkipped: (items) => {
        world.skipped += items;
      },
    });
    const relay = new Relay({
      gateways,
      reports,
      clock,
      random: () => 0,
      leader: (): Leader | undefined =>
        world.leader === undefined
          ? undefined
          : { self: world.leader === self, term: `${world.leader}`, address: `${world.leader}` },
      async send(address, batch) {
        if (world.cut) throw new AegisError('AEGIS_SERVING_RELAY', 'cut off');
        world.batches.push(batch);
        replicas[Number(address)]?.receiver.receive(JSON.parse(JSON.stringify(batch)));
      },
    });
    return { gateways, reports, receiver, relay, running: relay.run(stop.signal) };
  });
  const at = (index: number) => replicas[index] as (typeof replicas)[number];
  const end = async () => {
    stop.abort();
    await Promise.all(replicas.map(({ running }) => running));
  };
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) await clock.advance(100);
  };
  return { world, clock, replicas, at, end, pass };
}

test('what a follower is told is with the leader within a moment, many in one batch', async () => {
  const { world, at, end, pass } = openReplicas(2);
  world.leader = 1;
  await pass(600);
  for (let pod = 0; pod < 100; pod++) at(0).gateways.record(toldBy('a', `p${pod}`), says(3));
  at(0).reports.record(toldBy('a', 'p0'), counted(7));
  await pass(200);
  expect(at(1).gateways.acknowledged(TENANT, 'a', 3)).toBe(100);
  expect(at(1).reports.sums(TENANT, 'n/p').get('new')?.decisions).toBe(7);
  expect(world.batches.length).toBeLessThanOrEqual(2);
  expect([at(0).relay.waiting, world.skipped]).toEqual([0, 0]);
  await end();
});

test('nothing is lost while nobody leads or can be reached; a new leader is told everything', async () => {
  const { world, at, end, pass } = openReplicas(3);
  at(0).gateways.record(toldBy('a', 'p'), says(1));
  await pass(2_000);
  world.leader = 1;
  world.cut = true;
  await pass(2_000);
  at(0).gateways.record(toldBy('a', 'p'), says(2));
  at(0).gateways.record(toldBy('a', 'q'), says(2));
  await pass(1_000);
  world.cut = false;
  await pass(6_000);
  expect(at(1).gateways.acknowledged(TENANT, 'a', 2)).toBe(2);
  world.leader = 2;
  await pass(6_000);
  expect(at(2).gateways.acknowledged(TENANT, 'a', 2)).toBe(2);
  await end();
});

test('a gateway that spoke with the leader itself in the meantime is not set back', async () => {
  const { world, clock, at, end, pass } = openReplicas(2);
  at(0).gateways.record(toldBy('a', 'p'), says(1));
  at(0).reports.record(toldBy('a', 'p'), counted(5));
  await clock.advance(1_000);
  at(1).gateways.record(toldBy('a', 'p'), says(2));
  at(1).reports.record(toldBy('a', 'p'), counted(9));
  world.leader = 1;
  await pass(1_000);
  expect(at(1).gateways.acknowledged(TENANT, 'a', 2)).toBe(1);
  expect(at(1).reports.sums(TENANT, 'n/p').get('new')?.decisions).toBe(9);
  expect(world.skipped).toBe(2);
  await end();
});

describe('the receiver', () => {
  const refusal = (body: unknown): string => {
    const { world, at, end } = openReplicas(1);
    world.leader = 0;
    try {
      at(0).receiver.receive(body);
      return 'taken';
    } catch (error) {
      return (error as AegisError).code;
    } finally {
      void end();
    }
  };

  test('takes nothing where it does not lead', () => {
    const { at, end } = openReplicas(1);
    expect(() => at(0).receiver.receive({ version: 1, items: [] })).toThrow(
      expect.objectContaining({ code: 'AEGIS_SERVING_NOT_LEADER' }),
    );
    void end();
  });

  test('refuses what is no batch, and skips what is no item', () => {
    expect(refusal(null)).toBe('AEGIS_SERVING_BODY');
    expect(refusal({ version: 1, items: {} })).toBe('AEGIS_SERVING_BODY');
    expect(refusal({ version: 2, items: [] })).toBe('AEGIS_SERVING_BODY');
    const { tenant, ...rest } = toldBy('a', 'p');
    for (const item of [
      null,
      {},
      { by: rest, age: 0, acknowledgement: says(1) },
      { by: { tenant, ...rest, more: 1 }, age: 0, acknowledgement: says(1) },
      { by: { tenant, ...rest }, age: -1, acknowledgement: says(1) },
      { by: { tenant, ...rest }, age: 0, acknowledgement: {} },
      { by: { tenant, ...rest }, report: {} },
    ]) {
      expect(refusal({ version: 1, items: [item] })).toBe('taken');
    }
  });
});

test('who leads is read from the Lease', () => {
  const holder = (address?: string) => ({
    identity: 'pod-1',
    transitions: 4,
    annotations: address === undefined ? {} : { 'aegis.dev/address': address },
  });
  expect(leaderOf(undefined, 'pod-1', 8443)).toBeUndefined();
  expect(leaderOf(holder('10.0.0.1:9443'), 'pod-2', 8443)).toEqual({
    self: false,
    term: '4 pod-1',
    address: '10.0.0.1:9443',
  });
  expect(leaderOf(holder('[fd00::1]'), 'pod-1', 8443)).toMatchObject({ self: true, address: '[fd00::1]:8443' });
  for (const wrong of [undefined, '', 'evil.example/path', 'user@host', 'a b', 'host:port']) {
    expect(leaderOf(holder(wrong), 'pod-1', 8443)?.address).toBeUndefined();
  }
});

const event = fc.oneof(
  { weight: 5, arbitrary: fc.record({ to: fc.nat({ max: 2 }), pod: fc.constantFrom('p', 'q', 'r') }) },
  { weight: 2, arbitrary: fc.record({ leader: fc.option(fc.nat({ max: 2 }), { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.record({ cut: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 20 }) }) },
);

test('once quiet, the leader knows the last word of every gateway, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
      const { world, clock, at, end, pass } = openReplicas(3);
      const last = new Map<string, number>();
      let sequence = 0;
      for (const one of events) {
        if ('to' in one) {
          sequence++;
          last.set(one.pod, sequence);
          at(one.to).gateways.record(toldBy('a', one.pod), says(sequence));
          at(one.to).reports.record(toldBy('a', one.pod), counted(sequence));
          await clock.advance(1);
        } else if ('leader' in one) world.leader = one.leader;
        else if ('cut' in one) world.cut = one.cut;
        else await clock.advance(one.pass * 100);
      }
      world.cut = false;
      world.leader ??= 0;
      await pass(6_000);
      await settle();
      const leader = at(world.leader);
      const known = leader.gateways
        .ofAgent(TENANT, 'a')
        .map((entry) => [entry.podName, entry.acknowledgement.sequence]);
      expect(Object.fromEntries(known)).toEqual(Object.fromEntries(last));
      for (const [pod, calls] of last) {
        const [told] = leader.reports.reports(`uid-of-${pod}/boot-0001`);
        expect(told?.report.candidates[0]?.calls).toBe(calls);
      }
      await end();
    }),
    { numRuns: 60 },
  );
});
