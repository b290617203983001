import fc from 'fast-check';
import { compareCandidate } from '../../../gateway/reports/compare-candidate.ts';
import { EgressCounts } from '../../../gateway/reports/egress-counts.ts';
import { countCalls, countEgress } from '../../../gateway/reports/start-reports.ts';
import type { CallInfo } from '../../../gateway/telemetry/call-hooks.ts';
import { type Reason, VERDICTS, type Verdict } from '../../../policy/decision/types.ts';
import { MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { decisionOf } from '../telemetry/decisions.ts';
import { compared, INFO, newCounts, POLICY, REVISION, refused } from './counts.ts';

test('every pair of verdicts', () => {
  const rows = VERDICTS.map((enforced) =>
    VERDICTS.map((other) => compareCandidate(enforced, compared(enforced, other).candidates[0] as never)),
  );
  const [w, l, o, n] = ['wouldDeny', 'wouldAllow', 'otherwise', 'none'];
  expect(rows).toEqual([
    [n, o, w, w, w],
    [o, n, w, w, w],
    [l, l, n, o, o],
    [l, l, o, n, o],
    [l, l, o, o, n],
  ]);
});

test('a candidate that gives no verdict could not be evaluated', () => {
  const counts = newCounts();
  counts.decided(compared('allow'), INFO);
  counts.decided(compared('deny', 'perhaps' as Verdict), INFO);
  expect(counts.untold().report.candidates).toEqual([
    { policy: POLICY, revision: REVISION, calls: 2, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 2 },
  ]);
});

test('calls are compared per policy and revision, by what the policy says', () => {
  const counts = newCounts();
  counts.decided(compared('allow', 'deny'), INFO);
  counts.decided(compared('allow', 'deny'), INFO);
  counts.decided(compared('allow', 'allow'), INFO);
  // a limit refused it: that is not the policy's word
  counts.decided({ ...compared('allow', 'allow'), taken: 'rate_limited' }, INFO);
  counts.decided(compared('deny', 'allow', POLICY, null), INFO);
  counts.decided(compared('allow', 'sanitize', 'fintech/other'), INFO);
  const none = { wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 };
  expect(counts.untold().report.candidates).toEqual([
    { policy: POLICY, revision: REVISION, ...none, calls: 4, wouldDeny: 2 },
    { policy: POLICY, revision: null, ...none, calls: 1, wouldAllow: 1 },
    { policy: 'fintech/other', revision: REVISION, ...none, calls: 1, otherwise: 1 },
  ]);
});

test('calls on the data path only', () => {
  const seen = (via: CallInfo['via']): boolean => {
    const counts = newCounts();
    counts.decided(compared('allow', 'deny'), { ...INFO, via });
    counts.decided(refused(), { ...INFO, via });
    const { candidates, violations } = counts.untold().report;
    expect(candidates.length).toBe(violations.length);
    return candidates.length > 0;
  };
  const ways = ['prefix', 'port', 'proxy', 'http', 'tls', 'ext-authz', 'decisions'] as const;
  expect(ways.filter(seen)).toEqual(['prefix', 'port', 'proxy', 'http', 'tls', 'ext-authz']);
});

test('refused calls per rule, once each, without values', () => {
  const counts = newCounts();
  const [reason] = refused().reasons as [Reason];
  const decision = refused({ reasons: [reason, { ...reason, param: 'memo' }] });
  counts.decided(decision, INFO);
  counts.decided(refused({ taken: 'approval_needed', verdict: 'approval_needed' }), INFO);
  counts.decided(refused({ taken: 'rate_limited', reasons: [{ code: 'LIMIT_EXCEEDED', message: 'x' }] }), INFO);
  counts.decided(decisionOf({ taken: 'allow' }), INFO);
  const names = { policy: POLICY, rule: 'cap-payments', tool: 'stripe-payments', action: 'create_payment' };
  const { violations } = counts.untold().report;
  expect(violations).toEqual([
    { ...names, code: 'ABOVE_MAXIMUM', verdict: 'deny', calls: 1 },
    { ...names, code: 'ABOVE_MAXIMUM', verdict: 'approval_needed', calls: 1 },
    { ...names, policy: '', rule: '', code: 'LIMIT_EXCEEDED', verdict: 'rate_limited', calls: 1 },
  ]);
  expect(JSON.stringify(violations)).not.toContain('4711');
});

test('names that a caller made up go nowhere', () => {
  const counts = newCounts();
  for (let i = 0; i < 50; i++) {
    counts.decided(refused({ tool: `made-up-${i}` }), INFO);
    counts.decided(refused({ action: `made-up-${i}` }), INFO);
    counts.decided(
      refused({ reasons: [{ code: `bad ${i}`, message: '', policy: `no policy ${i}`, rule: 'r' }] }),
      INFO,
    );
  }
  const { violations } = counts.untold().report;
  expect(violations.map(({ tool, action, policy, code, calls }) => [tool, action, policy, code, calls])).toEqual([
    ['', '', POLICY, 'ABOVE_MAXIMUM', 50],
    ['stripe-payments', '', POLICY, 'ABOVE_MAXIMUM', 50],
    ['stripe-payments', 'create_payment', '', 'OTHER', 50],
  ]);
});

test('what has changed is told until it was told, as it is then', () => {
  const counts = newCounts();
  expect(counts.hasUntold()).toBe(false);
  counts.decided(compared('allow', 'deny'), INFO);
  counts.decided(compared('allow', 'allow', 'fintech/other'), INFO);
  const first = counts.untold();
  counts.decided(compared('allow', 'deny'), INFO);
  first.told();
  expect(counts.hasUntold()).toBe(true);
  const second = counts.untold();
  expect(second.report.candidates).toMatchObject([{ policy: POLICY, calls: 2 }]);
  expect(first.report.candidates).toMatchObject([{ calls: 1 }, { calls: 1 }]);
  second.told();
  expect(counts.hasUntold()).toBe(false);
  expect(counts.untold().report).toMatchObject({ candidates: [], violations: [] });
  counts.forgetTold();
  expect(counts.untold().report.candidates).toMatchObject([{ calls: 1 }, { calls: 2 }]);
});

test('a report is bounded; the rest is in the next one', () => {
  const counts = newCounts();
  for (let i = 0; i < 600; i++) counts.decided(compared('allow', 'deny', `fintech/p-${i}`), INFO);
  const policies = new Set<string>();
  for (const size of [256, 256, 88]) {
    const { report, told } = counts.untold();
    expect(report.candidates).toHaveLength(size);
    for (const { policy } of report.candidates) policies.add(policy);
    told();
  }
  expect([policies.size, counts.hasUntold()]).toEqual([600, false]);
});

test('who was told longest ago comes first: under load nothing is left out for ever', () => {
  const counts = newCounts();
  const all = Array.from({ length: 600 }, (_, i) => compared('allow', 'deny', `fintech/p-${i}`));
  const told = new Set<string>();
  for (let round = 0; round < 3; round++) {
    for (const decision of all) counts.decided(decision, INFO);
    const untold = counts.untold();
    expect(untold.full).toBe(true);
    for (const { policy } of untold.report.candidates) told.add(policy);
    untold.told();
  }
  expect(told.size).toBe(600);
});

test('what has no room is counted, and told', () => {
  const counts = newCounts({ maxKeys: 3 });
  for (let i = 0; i < 10; i++) counts.decided(compared('allow', 'deny', `fintech/p-${i}`), INFO);
  for (let i = 0; i < 5; i++) counts.decided(refused({}, `rule-${i}`), INFO);
  const { report, told } = counts.untold();
  expect([report.candidates.length, report.violations.length, report.overflow]).toEqual([3, 3, 9]);
  told();
  expect(counts.hasUntold()).toBe(false);
  counts.decided(compared('allow', 'deny', 'fintech/p-9'), INFO);
  expect(counts.untold().report).toMatchObject({ candidates: [], overflow: 10 });
});

test('once it is full of what is over, it begins anew under another name, and only when all was told', () => {
  let ticks = 0;
  const counts = newCounts({ maxKeys: 2, ticks: () => ticks });
  for (let i = 0; i < 3; i++) counts.decided(compared('allow', 'deny', `fintech/p-${i}`), INFO);
  counts.untold().told();
  ticks = 3_600_000;
  counts.renew();
  expect(counts.untold().report.boot).toBe('boot-0001');
  counts.decided(compared('allow', 'deny', 'fintech/p-1'), INFO);
  ticks++;
  counts.renew();
  expect(counts.untold().report.boot).toBe('boot-0001');
  counts.untold().told();
  counts.renew();
  expect(counts.untold().report).toMatchObject({ boot: 'boot-0002', candidates: [], overflow: 0 });
  expect(counts.hasUntold()).toBe(false);
  counts.decided(compared('allow', 'deny', 'fintech/p-2'), INFO);
  expect(counts.untold().report.candidates).toMatchObject([{ policy: 'fintech/p-2', calls: 1 }]);
});

test('news: the first difference of a candidate, the first refusal by a rule', () => {
  const counts = newCounts();
  let news = 0;
  const end = counts.onNews(() => news++);
  const after = (decision: Parameters<typeof counts.decided>[0]): number => {
    counts.decided(decision, INFO);
    return news;
  };
  expect(after(compared('allow', 'allow'))).toBe(0);
  expect(after(compared('allow', 'deny'))).toBe(1);
  expect(after(compared('allow', 'deny'))).toBe(1);
  expect(after(compared('deny', 'allow'))).toBe(2);
  expect(after(compared('deny', 'allow'))).toBe(2);
  expect(after(refused())).toBe(3);
  expect(after(refused())).toBe(3);
  end();
  expect(after(refused({}, 'other'))).toBe(3);
});

test('metrics of what was compared', () => {
  const registry = new MetricsRegistry();
  const { source, now, ticks, newBoot } = {
    source: { get: () => undefined, list: () => [] },
    now: () => 0,
    ticks: () => 0,
    newBoot: () => 'b',
  };
  const counts = countCalls(registry, { source, now, ticks, newBoot, maxKeys: 1 });
  counts.decided(compared('allow', 'deny'), INFO);
  counts.decided(compared('allow', 'allow'), INFO);
  counts.decided(compared('allow', undefined, 'fintech/other'), INFO);
  const text = registry.text();
  expect(text).toContain(`aegis_gateway_candidate_calls_total{policy="${POLICY}",difference="would_deny"} 1\n`);
  expect(text).toContain(`aegis_gateway_candidate_calls_total{policy="${POLICY}",difference="none"} 1\n`);
  expect(text).toContain('aegis_gateway_candidate_calls_total{policy="fintech/other",difference="error"} 1\n');
  expect(text).toContain('aegis_gateway_report_overflow_total 1\n');
});

test('property: whatever a bundle answers as candidates, counting never throws, and counts add up', () => {
  const verdict = fc.constantFrom(...VERDICTS);
  const candidate = fc.oneof(
    fc.anything(),
    fc.record({
      policy: fc.oneof(fc.constantFrom(POLICY, 'a/b'), fc.string()),
      revision: fc.oneof(fc.constantFrom(REVISION, null), fc.anything()),
      outcome: fc.oneof(fc.record({ verdict: fc.oneof(verdict, fc.string()) }), fc.constantFrom(undefined, null, 3)),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(verdict, fc.array(candidate, { maxLength: 4 })), { maxLength: 20 }), (calls) => {
      const counts = newCounts({ maxKeys: 4 });
      for (const [given, candidates] of calls) {
        counts.decided(decisionOf({ verdict: given, taken: given, candidates: candidates as never }), INFO);
      }
      const { candidates } = counts.untold().report;
      expect(candidates.length).toBeLessThanOrEqual(4);
      for (const { calls: all, wouldDeny, wouldAllow, otherwise, errors } of candidates) {
        expect(wouldDeny + wouldAllow + otherwise + errors).toBeLessThanOrEqual(all);
      }
    }),
  );
});

const DESTINATION = { destination: '8.8.8.8', port: 5432, protocol: 'tcp', refused: false } as const;

test('destinations past the gateway are told with the calls, and only where they are observed', () => {
  expect(newCounts().untold().report).not.toHaveProperty('egress');
  const egress = new EgressCounts({ ticks: () => 0 });
  const counts = newCounts({ egress });
  let news = 0;
  const end = counts.onNews(() => news++);
  expect(counts.untold().report.egress).toEqual([]);
  egress.seen(DESTINATION);
  egress.seen(DESTINATION);
  egress.seen({ ...DESTINATION, refused: true });
  expect(news).toBe(2);
  expect(counts.hasUntold()).toBe(true);
  const { report, told } = counts.untold();
  expect(report.egress).toEqual([
    { ...DESTINATION, connections: 2 },
    { ...DESTINATION, refused: true, connections: 1 },
  ]);
  told();
  expect(counts.hasUntold()).toBe(false);
  counts.forgetTold();
  expect(counts.untold().report.egress).toHaveLength(2);
  end();
  egress.seen({ ...DESTINATION, port: 1 });
  expect(news).toBe(2);
});

test('another boot begins anew with the destinations too, so that nothing counts twice', () => {
  let now = 0;
  const egress = new EgressCounts({ ticks: () => now, max: 1 });
  const counts = newCounts({ egress, ticks: () => now });
  egress.seen(DESTINATION);
  egress.seen({ ...DESTINATION, port: 1 });
  const first = counts.untold();
  expect(first.report.overflow).toBe(1);
  first.told();
  now = 2 * 60 * 60_000;
  counts.renew();
  egress.seen({ ...DESTINATION, port: 1 });
  const { report } = counts.untold();
  expect(report.boot).not.toBe(first.report.boot);
  expect(report).toMatchObject({ overflow: 0, egress: [{ port: 1, connections: 1 }] });
});

test('connections past the gateway have a metric, with no name in it', () => {
  const registry = new MetricsRegistry();
  const egress = countEgress(registry, { ticks: () => 0 });
  egress.seen(DESTINATION);
  egress.seen({ ...DESTINATION, destination: 'secret.example', refused: true });
  expect(registry.text()).toContain('aegis_gateway_egress_connections_total{protocol="tcp",refused="false"} 1');
  expect(registry.text()).toContain('aegis_gateway_egress_connections_total{protocol="tcp",refused="true"} 1');
  expect(registry.text()).not.toContain('secret');
});
