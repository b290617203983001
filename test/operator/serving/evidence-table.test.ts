import fc from 'fast-check';
import type {
  CandidateCount,
  EgressObservation,
  GatewayReport,
  ViolationCount,
} from '../../../operator/model/gateway-report.ts';
import { EvidenceTable, type ViolationIncrement } from '../../../operator/serving/evidence-table.ts';
import type { AegisError } from '../../../policy/errors.ts';
import { FakeClock } from '../../gateway/bundles/fake-clock.ts';
import { TENANT, toldBy } from './told-by.ts';

const NOW = Date.parse('2026-11-22T08:00:00.000Z');
const POLICY = 'n/cap';
const HOUR = 3_600_000;
const at = (ms: number) => new Date(NOW + ms).toISOString();

function count(revision: string | null, calls: number, more: Partial<CandidateCount> = {}): CandidateCount {
  return { policy: POLICY, revision, calls, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0, ...more };
}

function violation(calls: number, more: Partial<ViolationCount> = {}): ViolationCount {
  const names = { policy: POLICY, rule: 'r', tool: 't', action: 'a', code: 'CONDITION_FAILED', verdict: 'deny' };
  return { ...names, calls, ...more };
}

function report(candidates: CandidateCount[], more: Partial<GatewayReport> = {}): GatewayReport {
  const fields = { instance: 'i', boot: 'boot-1', since: at(1), violations: [], overflow: 0 };
  return { version: 1, ...fields, candidates, ...more };
}

function open(options: Partial<ConstructorParameters<typeof EvidenceTable>[0]> = {}) {
  const clock = new FakeClock(NOW);
  const told: { registration: string; increments: readonly ViolationIncrement[] }[] = [];
  const onViolations = (registration: string, increments: readonly ViolationIncrement[]) =>
    told.push({ registration, increments });
  return { clock, told, table: new EvidenceTable({ clock, onViolations, ...options }) };
}

const codeOf = (work: () => void): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    return (error as AegisError).code;
  }
};

const question = (stageEnteredAt = at(0), revision = 'new', stable: string | null = 'old') => ({
  policy: POLICY,
  revision,
  stable,
  stageEnteredAt,
});

test('a report replaces the one before of the same boot, another boot adds to it', () => {
  const { table } = open();
  table.record(toldBy('a', 'p'), report([count('new', 10, { wouldDeny: 1 })]));
  table.record(toldBy('a', 'p'), report([count('new', 15, { wouldDeny: 2 })]));
  table.record(toldBy('a', 'p'), report([count('new', 4)], { boot: 'boot-2' }));
  table.record(toldBy('b', 'q'), report([count('new', 1, { errors: 1 }), count('old', 3)]));
  const sums = table.sums(TENANT, POLICY);
  expect(sums.get('new')).toEqual({ decisions: 20, agents: 2, wouldDeny: 2, wouldAllow: 0, otherwise: 0, errors: 1 });
  expect(sums.get('old')).toMatchObject({ decisions: 3, agents: 1 });
  expect(table.sums({ name: 'n', uid: 'other' }, POLICY).size).toBe(0);
});

test('counters that go down within one boot are refused as a whole, ones that are left out stay', () => {
  const { table } = open();
  table.record(toldBy('a', 'p'), report([count('new', 10)], { violations: [violation(2)], overflow: 3 }));
  for (const lower of [
    report([count('new', 9)], { overflow: 3 }),
    report([count('new', 10), count('old', 1)], { violations: [violation(1)], overflow: 3 }),
    report([count('new', 12)], { overflow: 2 }),
  ]) {
    expect(codeOf(() => table.record(toldBy('a', 'p'), lower))).toBe('AEGIS_SERVING_COUNTERS');
  }
  table.record(toldBy('a', 'p'), report([count('old', 1)], { overflow: 3 }));
  expect(table.sums(TENANT, POLICY).get('new')?.decisions).toBe(10);
  expect(table.sums(TENANT, POLICY).get('old')?.decisions).toBe(1);
});

describe('evidence for a stage', () => {
  test('leaves out what was counted before it', () => {
    const { table } = open();
    table.record(toldBy('a', 'p'), report([count('new', 10, { wouldDeny: 5 })]));
    const stage = question(at(HOUR));
    expect(table.evidence(TENANT, stage).decisions).toBe(0);
    table.record(toldBy('a', 'p'), report([count('new', 12, { wouldDeny: 5 })]));
    expect(table.evidence(TENANT, stage)).toMatchObject({ decisions: 2, agents: 1, wouldDeny: 0 });
  });

  test('leaves it out too where a gateway tells of it only afterwards, as to a new leader', async () => {
    const { clock, table } = open();
    await clock.advance(HOUR);
    table.lead();
    const stage = question(at(HOUR - 1));
    table.evidence(TENANT, stage);
    const older = { since: at(1), boot: 'older' };
    table.record(toldBy('a', 'p'), report([count('new', 10)], older));
    expect(table.evidence(TENANT, stage).decisions).toBe(0);
    table.record(toldBy('a', 'p'), report([count('old', 7)], older));
    table.record(toldBy('a', 'p'), report([count('new', 11), count('old', 8)], older));
    expect(table.evidence(TENANT, stage).decisions).toBe(2);
    // unless it began within the stage, or nobody else can have been told
    table.record(toldBy('a', 'q'), report([count('new', 10)], { since: at(HOUR - 1) }));
    table.record(toldBy('a', 'r'), report([count('new', 10)], { since: at(HOUR + 1) }));
    expect(table.evidence(TENANT, stage).decisions).toBe(22);
  });

  test('counts from the first word on where a revision is in no stage before, or everything has been told again', async () => {
    const { clock, table } = open();
    table.lead();
    const older = { since: at(-HOUR) };
    const early = { ...question(at(1)), first: true };
    table.evidence(TENANT, early);
    table.record(toldBy('a', 'p'), report([count('new', 10)], older));
    expect(table.evidence(TENANT, early).decisions).toBe(10);
    await clock.advance(HOUR);
    const late = { ...question(at(HOUR)), policy: 'n/other' };
    table.evidence(TENANT, late);
    table.record(toldBy('a', 'p'), report([{ ...count('new', 4), policy: 'n/other' }], older));
    expect(table.evidence(TENANT, late).decisions).toBe(4);
  });

  test('of a gateway that told us before counts from what it had told', () => {
    const { table } = open();
    table.record(toldBy('a', 'p'), report([count('old', 3)]));
    table.evidence(TENANT, question(at(5)));
    table.record(toldBy('a', 'p'), report([count('new', 2)]));
    table.record(toldBy('a', 'p'), report([count('old', 4)]));
    expect(table.evidence(TENANT, question(at(5))).decisions).toBe(3);
  });

  test('begins anew with another stage, revision or stable one', () => {
    const { table } = open();
    const stage = question();
    table.evidence(TENANT, stage);
    table.record(toldBy('a', 'p'), report([count('new', 10)]));
    expect(table.evidence(TENANT, stage).decisions).toBe(10);
    expect(table.evidence(TENANT, question(at(5))).decisions).toBe(0);
    expect(table.evidence(TENANT, stage).decisions).toBe(0);
  });

  test('counts the other way round where the revision enforces and is compared with the stable one', () => {
    const { table } = open();
    table.evidence(TENANT, question());
    table.record(toldBy('a', 'p'), report([count('old', 10, { wouldAllow: 3, wouldDeny: 1, otherwise: 2 })]));
    table.record(toldBy('b', 'q'), report([count('new', 10, { wouldDeny: 4 })]));
    expect(table.evidence(TENANT, question())).toEqual({
      decisions: 20,
      agents: 2,
      wouldDeny: 7,
      wouldAllow: 1,
      otherwise: 2,
      errors: 0,
    });
    const first = question(at(0), 'new', null);
    expect(table.evidence(TENANT, first).decisions).toBe(0);
    table.record(toldBy('a', 'p'), report([count(null, 2, { wouldDeny: 2 })]));
    expect(table.evidence(TENANT, first)).toMatchObject({ decisions: 2, wouldAllow: 2 });
  });
});

test('one loud agent is no evidence for all; a cap never makes a difference weigh less', () => {
  const { table } = open({ maxCallsPerAgent: 100 });
  table.evidence(TENANT, question());
  for (const pod of ['p', 'q', 'r']) table.record(toldBy('a', pod), report([count('new', 1000, { wouldDeny: 10 })]));
  table.record(toldBy('b', 's'), report([count('new', 5)]));
  expect(table.evidence(TENANT, question())).toMatchObject({ decisions: 105, agents: 2, wouldDeny: 30 });
});

test('is bounded: ended boots make room, and what they counted stays', async () => {
  const { clock, table } = open({ maxBoots: 2 });
  table.evidence(TENANT, question());
  table.record(toldBy('a', 'p'), report([count('new', 10)]));
  table.record(toldBy('a', 'q'), report([count('new', 5)]));
  expect(codeOf(() => table.record(toldBy('a', 'r'), report([count('new', 1)])))).toBe('AEGIS_SERVING_BUSY');
  await clock.advance(HOUR + 1);
  table.record(toldBy('a', 'q'), report([count('new', 6)]));
  table.record(toldBy('a', 'r'), report([count('new', 1)]));
  expect(table.size).toBe(2);
  expect(table.evidence(TENANT, question()).decisions).toBe(17);
});

test('forgets what is gone', () => {
  const { table } = open();
  table.evidence(TENANT, question());
  table.record(toldBy('a', 'p'), report([count('new', 10)]));
  table.retain((tenant, policy) => tenant === TENANT.uid && policy !== POLICY);
  expect(table.evidence(TENANT, question()).decisions).toBe(0);
  expect(table.size).toBe(1);
  table.retain(() => false);
  expect([table.size, table.sums(TENANT, POLICY).size]).toEqual([0, 0]);
});

test('violations are told by what is new, and never those that somebody else may have been told', async () => {
  const { clock, table, told } = open();
  const send = (violations: ViolationCount[], more: Partial<GatewayReport> = {}) =>
    table.record(toldBy('a', 'p'), report([], { violations, ...more }));
  send([violation(5)]);
  send([violation(5)]);
  send([violation(7), violation(1, { action: 'b' })]);
  const older = { boot: 'boot-0', since: at(-1) };
  send([violation(100)], older);
  send([violation(101)], older);
  send([violation(9, { action: 'c' })], older);
  await clock.advance(HOUR);
  send([violation(3, { action: 'd' })], older);
  expect(told.map(({ increments }) => increments.map(({ action, calls }) => [action, calls]))).toEqual([
    [['a', 5]],
    [
      ['a', 2],
      ['b', 1],
    ],
    [['a', 1]],
    [['d', 3]],
  ]);
  expect(told[0]?.registration).toBe('n/a');
});

test('everything that is known of a boot can be passed on, in reports of the size that is taken', () => {
  const { table } = open();
  const all = Array.from({ length: 700 }, (_, i) => violation(i + 1, { rule: `r${i}` }));
  for (let start = 0; start < 700; start += 200) {
    table.record(
      toldBy('a', 'p'),
      report([count('new', 1)], { violations: all.slice(start, start + 200), overflow: 1 }),
    );
  }
  const [key = ''] = table.bootKeys();
  const reports = table.reports(key);
  expect(reports.map(({ report: one }) => one.violations.length)).toEqual([256, 256, 188]);
  const other = open().table;
  for (const { by, report: one } of reports) other.record(by, one);
  const sorted = (from: EvidenceTable) =>
    from
      .reports(key)
      .flatMap(({ report: one }) => one.violations)
      .sort((a, b) => a.calls - b.calls);
  expect(sorted(other)).toEqual(all);
  expect(table.reports('nobody')).toEqual([]);
});

test('a pod has few boots; what the ended ones counted stays, and they are not heard again', () => {
  const { table } = open();
  table.evidence(TENANT, question());
  for (let boot = 0; boot < 10; boot++)
    table.record(toldBy('a', 'p'), report([count('new', 1)], { boot: `boot-${boot}` }));
  expect(table.size).toBe(4);
  expect(table.evidence(TENANT, question()).decisions).toBe(10);
  const late = report([count('new', 5)], { boot: 'boot-0' });
  expect(codeOf(() => table.record(toldBy('a', 'p'), late))).toBe('AEGIS_SERVING_COUNTERS');
  // a pod that comes to another tenant leaves what it counted where it was
  table.record(toldBy('b', 'p', { name: 'm', uid: 'm' }), report([count('new', 7)], { boot: 'boot-9' }));
  expect(table.evidence(TENANT, question()).decisions).toBe(10);
  expect(table.size).toBe(4);
});

const arrival = fc.record({
  pod: fc.constantFrom('p', 'q'),
  boot: fc.constantFrom('boot-1', 'boot-2'),
  /** How much the gateway counts before it reports. */
  more: fc.nat({ max: 5 }),
  how: fc.constantFrom('once', 'twice', 'late'),
});

test('never more than gateways have counted, however reports repeat and overtake each other', () => {
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 40 }), (arrivals) => {
      const { table, told } = open();
      table.evidence(TENANT, question());
      const truth = new Map<string, number>();
      const taken = new Map<string, number>();
      const send = (pod: string, boot: string, calls: number): void => {
        const code = codeOf(() =>
          table.record(
            toldBy(pod, pod),
            report([count('new', calls, { wouldDeny: calls })], { boot, violations: [violation(calls)] }),
          ),
        );
        const key = `${pod} ${boot}`;
        expect(code).toBe(calls < (taken.get(key) ?? 0) ? 'AEGIS_SERVING_COUNTERS' : 'taken');
        taken.set(key, Math.max(calls, taken.get(key) ?? 0));
      };
      for (const { pod, boot, more, how } of arrivals) {
        const key = `${pod} ${boot}`;
        const before = truth.get(key) ?? 0;
        truth.set(key, before + more);
        send(pod, boot, before + more);
        if (how === 'twice') send(pod, boot, before + more);
        if (how === 'late') send(pod, boot, before);
      }
      const all = [...truth.values()].reduce((sum, calls) => sum + calls, 0);
      const agents = new Set([...truth].filter(([, calls]) => calls > 0).map(([key]) => key[0]));
      expect(table.evidence(TENANT, question())).toMatchObject({
        decisions: all,
        wouldDeny: all,
        agents: agents.size,
      });
      const events = told.flatMap(({ increments }) => increments.map(({ calls }) => calls));
      expect(events.reduce((sum, calls) => sum + calls, 0)).toBe(all);
    }),
  );
});

const reached = (
  destination: string,
  connections: number,
  more: Partial<EgressObservation> = {},
): EgressObservation => ({
  destination,
  port: 5432,
  protocol: 'tcp',
  connections,
  refused: false,
  ...more,
});

test('where the pods of a registration connect to, summed over its gateways, most often first', () => {
  const { table } = open();
  table.record(toldBy('a', 'p'), report([], { egress: [reached('db', 3), reached('8.8.8.8', 1)] }));
  // What a report leaves out has not changed, and an older gateway tells nothing.
  table.record(toldBy('a', 'p'), report([], { egress: [reached('db', 4)] }));
  table.record(toldBy('a', 'q'), report([], { egress: [reached('db', 2), reached('db', 9, { refused: true })] }));
  table.record(toldBy('a', 'r'), report([]));
  table.record(toldBy('b', 's'), report([], { egress: [reached('other', 1)] }));
  expect(table.egressOf('n/a')).toEqual([reached('db', 9, { refused: true }), reached('db', 6), reached('8.8.8.8', 1)]);
  expect(table.egressOf('n/b')).toEqual([reached('other', 1)]);
  expect(table.egressOf('n/c')).toEqual([]);
  const less = () => table.record(toldBy('a', 'p'), report([], { egress: [reached('db', 1)] }));
  expect(codeOf(less)).toBe('AEGIS_SERVING_COUNTERS');
});

test('where they connect to is told for the registration that the pod belongs to now, as long as it is remembered', () => {
  const { table } = open();
  const by = toldBy('a', 'p');
  table.record(by, report([], { egress: [reached('db', 3)] }));
  table.record({ ...by, registration: 'n/b' }, report([]));
  expect(table.egressOf('n/a')).toEqual([]);
  expect(table.egressOf('n/b')).toEqual([reached('db', 3)]);
  for (let boot = 2; boot <= 6; boot++) table.record(by, report([], { boot: `boot-${boot}` }));
  expect(table.egressOf('n/b')).toEqual([]);
  table.record(by, report([], { boot: 'boot-6', egress: [reached('db', 1)] }));
  table.retain(() => false);
  expect(table.egressOf('n/a')).toEqual([]);
});

test('where they connect to is told of the gateways that run now: not of pods that ended, nor of a start before', () => {
  const runs = new Set(['uid-of-p', 'uid-of-q']);
  const { table } = open({ runs: ({ podUid }) => runs.has(podUid) });
  table.record(toldBy('a', 'p'), report([], { egress: [reached('db', 3)] }));
  table.record(toldBy('a', 'q'), report([], { boot: 'boot-2', since: at(9), egress: [reached('cache', 1)] }));
  // passed on by a replica that has heard of it earlier
  table.record(toldBy('a', 'q'), report([], { egress: [reached('former', 9)] }));
  expect(table.egressOf('n/a')).toEqual([reached('db', 3), reached('cache', 1)]);
  runs.delete('uid-of-p');
  expect(table.egressOf('n/a')).toEqual([reached('cache', 1)]);
});

test('whatever happens, these are the sums over the latest gateway of each pod', () => {
  const step = fc.record({
    pod: fc.constantFrom('p', 'q', 'r'),
    boot: fc.integer({ min: 1, max: 7 }),
    registration: fc.constantFrom('n/a', 'n/b', 'm/a'),
    tenant: fc.constantFrom(TENANT, { name: 'm', uid: 'tenant-of-m' }),
    to: fc.constantFrom('db', 'cache'),
    retains: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { table } = open();
      steps.forEach(({ pod, boot, registration, tenant, to, retains }, index) => {
        if (retains && index % 5 === 0) table.retain((uid) => uid === TENANT.uid);
        const egress = [reached(to, index)];
        codeOf(() =>
          table.record({ ...toldBy('a', pod, tenant), registration }, report([], { boot: `boot-${boot}`, egress })),
        );
      });
      const sums = new Map<string, number>();
      const latest = new Map([...table.bootKeys()].map((key) => [key.split('/')[0], key]));
      for (const key of latest.values()) {
        for (const { by, report: told } of table.reports(key)) {
          for (const { destination, connections } of told.egress ?? []) {
            const at = `${by.registration} ${destination}`;
            sums.set(at, (sums.get(at) ?? 0) + connections);
          }
        }
      }
      const found = ['n/a', 'n/b', 'm/a'].flatMap((name) =>
        table.egressOf(name).map(({ destination, connections }) => [`${name} ${destination}`, connections] as const),
      );
      expect(new Map(found)).toEqual(sums);
    }),
  );
});

test('so many destinations of a gateway, and of a registration, are kept', () => {
  const { table } = open();
  for (const [pod, names] of [
    ['p', 'a'],
    ['q', 'b'],
  ] as const) {
    for (let first = 0; first < 512; first += 256) {
      const egress = Array.from({ length: 256 }, (_, index) => reached(`${names}${first + index}`, 1));
      table.record(toldBy('a', pod), report([], { egress }));
    }
    expect(table.reports(`uid-of-${pod}/boot-1`).flatMap(({ report: { egress = [] } }) => egress)).toHaveLength(256);
  }
  expect(table.egressOf('n/a')).toHaveLength(256);
});

test('another replica is told the same', () => {
  const [here, there] = [open().table, open().table];
  here.record(toldBy('a', 'p'), report([], { egress: [reached('db', 3)] }));
  for (const { by, report: told } of here.reports('uid-of-p/boot-1')) there.record(by, told);
  expect(there.egressOf('n/a')).toEqual([reached('db', 3)]);
});
