import type { GatewayAcknowledgement } from '../../../operator/model/gateway-report.ts';
import { type AgentChange, GatewayTable } from '../../../operator/serving/gateway-table.ts';
import { FakeClock } from '../../gateway/bundles/fake-clock.ts';
import { TENANT, toldBy } from './told-by.ts';

const MINUTE = 60_000;

function says(sequence: number, more: Partial<GatewayAcknowledgement> = {}): GatewayAcknowledgement {
  const digest = 'ab'.repeat(32);
  return { version: 1, instance: 'i', tenant: { name: 'n' }, state: 'active', sequence, digest, ...more };
}

function open(options: Partial<ConstructorParameters<typeof GatewayTable>[0]> = {}) {
  const clock = new FakeClock(0);
  const table = new GatewayTable({ clock, ...options });
  const told: AgentChange[] = [];
  table.subscribe((change) => told.push(change));
  return { clock, table, told };
}

test('the latest word of every pod counts', () => {
  const { table } = open();
  table.record(toldBy('a', 'p'), says(1));
  table.record(toldBy('a', 'q'), says(3));
  table.record(toldBy('b', 'r'), says(3));
  table.record(toldBy('a', 'p'), says(2));
  expect(table.ofAgent(TENANT, 'a').map(({ podName, acknowledgement }) => [podName, acknowledgement.sequence])).toEqual(
    [
      ['p', 2],
      ['q', 3],
    ],
  );
  expect([1, 2, 3, 4].map((sequence) => table.acknowledged(TENANT, 'a', sequence))).toEqual([2, 2, 1, 0]);
  expect(table.acknowledged({ name: 'n', uid: 'another' }, 'a', 1)).toBe(0);
});

test('neither a stale gateway, nor one without a bundle, nor one that is ahead enforces a sequence', () => {
  const { table } = open();
  table.record(toldBy('a', 'p'), says(9, { state: 'stale' }));
  table.record(toldBy('a', 'q'), { version: 1, instance: 'i', tenant: { name: 'n' }, state: 'none' });
  table.record(toldBy('a', 'r'), says(9, { head: 'aGVhZA==' }));
  expect(table.acknowledged(TENANT, 'a', 1)).toBe(0);
});

test('an agent is told once for many, and not for what is the same', async () => {
  const { clock, table, told } = open();
  for (let pod = 0; pod < 50; pod++) table.record(toldBy('a', `p${pod}`), says(1));
  table.record(toldBy('b', 'q'), says(1));
  expect(told).toEqual([]);
  await clock.advance(100);
  expect(told.map(({ registration }) => registration)).toEqual(['n/a', 'n/b']);
  for (let pod = 0; pod < 50; pod++) table.record(toldBy('a', `p${pod}`), says(1));
  await clock.advance(100);
  expect(told).toHaveLength(2);
});

test('a pod that changes its agent leaves the one before, and both are told', async () => {
  const { clock, table, told } = open();
  table.record(toldBy('a', 'p'), says(1, { head: 'aGVhZA==' }));
  await clock.advance(100);
  const moved = { ...toldBy('a', 'p'), tenant: { name: 'n', uid: 'another' } };
  table.record(moved, says(1));
  await clock.advance(100);
  expect(told.map(({ tenant: { uid } }) => uid)).toEqual([TENANT.uid, TENANT.uid, 'another']);
  expect([table.ofAgent(TENANT, 'a').length, table.ofAgent(moved.tenant, 'a').length, table.size]).toEqual([0, 1, 1]);
  expect(table.claims(TENANT)).toEqual([]);
  table.record(toldBy('b', 'p'), says(1));
  await clock.advance(100);
  expect(told.slice(3).map(({ agentId }) => agentId)).toEqual(['a', 'b']);
});

test('an older word that arrives later is not taken', () => {
  const { clock, table } = open();
  const now = clock.monotonic();
  expect(table.record(toldBy('a', 'p'), says(2), now)).toBe(true);
  expect(table.record(toldBy('a', 'p'), says(1), now - 1)).toBe(false);
  expect(table.acknowledged(TENANT, 'a', 2)).toBe(1);
});

test('silent gateways count no more, and are dropped and told', async () => {
  const { clock, table, told } = open();
  table.record(toldBy('a', 'p'), says(1));
  await clock.advance(10 * MINUTE);
  table.record(toldBy('a', 'q'), says(1));
  await clock.advance(5 * MINUTE + 1);
  expect(table.acknowledged(TENANT, 'a', 1)).toBe(1);
  expect(table.size).toBe(2);
  told.length = 0;
  table.sweep();
  await clock.advance(100);
  expect([table.size, told.length]).toEqual([1, 1]);
});

test('a pod that is gone is dropped, but not before the index can know it', async () => {
  const { clock, table } = open({ isGone: ({ podName }) => podName === 'p' });
  table.record(toldBy('a', 'p'), says(1));
  table.record(toldBy('a', 'q'), says(1));
  table.sweep();
  expect(table.size).toBe(2);
  const stop = new AbortController();
  const running = table.run(stop.signal);
  await clock.advance(30_001);
  await clock.advance(30_001);
  expect(table.ofAgent(TENANT, 'a').map(({ podName }) => podName)).toEqual(['q']);
  stop.abort();
  await running;
});

test('heads that gateways present are kept once each, the newest first, and go with their gateways', async () => {
  const { clock, table } = open();
  table.record(toldBy('a', 'p'), says(9, { head: 'b25l' }));
  table.record(toldBy('a', 'q'), says(9, { head: 'b25l' }));
  table.record(toldBy('b', 'r'), says(9, { head: 'dHdv' }));
  expect(table.claims(TENANT).map(({ head }) => head)).toEqual(['dHdv', 'b25l']);
  table.record(toldBy('b', 'r'), says(10));
  expect(table.claims(TENANT).map(({ head }) => head)).toEqual(['b25l']);
  for (let pod = 0; pod < 40; pod++) table.record(toldBy('c', `p${pod}`), says(9, { head: `h${pod}h` }));
  expect(table.claims(TENANT)).toHaveLength(16);
  expect(table.claims(TENANT)[0]?.head).toBe('h39h');
  await clock.advance(16 * MINUTE);
  table.sweep();
  expect(table.claims(TENANT)).toEqual([]);
});

test('is bounded: who is known goes on, others are not taken until there is room', async () => {
  const { clock, table } = open({ maxEntries: 2 });
  table.record(toldBy('a', 'p'), says(1));
  table.record(toldBy('a', 'q'), says(1));
  expect(table.record(toldBy('a', 'r'), says(1))).toBe(false);
  expect(table.record(toldBy('a', 'q'), says(2))).toBe(true);
  await clock.advance(16 * MINUTE);
  expect(table.record(toldBy('a', 'r'), says(1))).toBe(true);
});
