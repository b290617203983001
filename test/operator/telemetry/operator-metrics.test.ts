import fc from 'fast-check';
import type { EvidenceFacts } from '../../../operator/telemetry/metrics/evidence-metrics.ts';
import { OperatorMetrics } from '../../../operator/telemetry/operator-metrics.ts';

let now = 100_000;
const make = (): OperatorMetrics =>
  new OperatorMetrics({
    version: '1.2.3',
    started: 1_700_000_000_000,
    monotonic: () => now,
    health: { ready: () => ({ ok: true, reasons: [] }), live: () => ({ ok: false, reasons: ['x'] }) },
  });

/** Samples by their series. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('watches and queues are read when somebody asks; times are seconds', () => {
  const metrics = make();
  const queue = { depth: 3, delayed: 1, inFlight: 2, oldestAge: 1500, longestRun: 250, retries: 7 };
  metrics.kube.addQueue('tenants', () => queue);
  metrics.kube.addWatch('AgentPolicy', () => ({
    synced: true,
    lastContact: 97_500,
    relists: 1,
    reconnects: 4,
    objects: 10,
  }));
  metrics.kube.addWatch('Pod', () => ({
    synced: false,
    lastContact: undefined,
    relists: 0,
    reconnects: 0,
    objects: 0,
  }));
  let found = samples(metrics.text());
  expect(found.get('aegis_operator_queue_depth{queue="tenants"}')).toBe(3);
  expect(found.get('aegis_operator_queue_delayed{queue="tenants"}')).toBe(1);
  expect(found.get('aegis_operator_queue_in_flight{queue="tenants"}')).toBe(2);
  expect(found.get('aegis_operator_queue_oldest_age_seconds{queue="tenants"}')).toBe(1.5);
  expect(found.get('aegis_operator_queue_longest_run_seconds{queue="tenants"}')).toBe(0.25);
  expect(found.get('aegis_operator_queue_retries_total{queue="tenants"}')).toBe(7);
  expect(found.get('aegis_operator_watch_staleness_seconds{kind="AgentPolicy"}')).toBe(2.5);
  expect(found.get('aegis_operator_watch_objects{kind="AgentPolicy"}')).toBe(10);
  expect(found.get('aegis_operator_watch_synced{kind="Pod"}')).toBe(0);
  // nothing is known of how old it is
  expect(found.has('aegis_operator_watch_staleness_seconds{kind="Pod"}')).toBe(false);
  queue.depth = 0;
  now += 1000;
  found = samples(metrics.text());
  expect(found.get('aegis_operator_queue_depth{queue="tenants"}')).toBe(0);
  expect(found.get('aegis_operator_watch_staleness_seconds{kind="AgentPolicy"}')).toBe(3.5);
});

test('requests, reconciles, commits, webhook', () => {
  const metrics = make();
  metrics.kube.requested({ verb: 'get', code: '2xx', ms: 20 });
  metrics.kube.requested({ verb: 'get', code: 404, ms: 20 });
  metrics.kube.requested({ verb: 'watch', code: 410, ms: 240_000 });
  metrics.kube.leads(true);
  metrics.kube.event('dropped', 2);
  metrics.reconcile.reconciled('tenant', 'done', 40);
  metrics.reconcile.statusWritten('AgentPolicy', 'written');
  metrics.reconcile.readResources(() => [{ kind: 'AgentPolicy', state: 'stalled', count: 2 }]);
  metrics.publish.committed('content', 310);
  metrics.publish.committed('renewal');
  metrics.publish.conflict();
  metrics.publish.repaired('shard');
  metrics.publish.step('sign', 3);
  metrics.publish.readTenants(() => [{ tenant: 'fintech', sequence: 9, expiresAt: 5000, agents: 3, policies: 4 }]);
  metrics.webhook.admitted('AgentTool', 'refused', 5);
  metrics.webhook.rotated('serving');
  metrics.webhook.addCertificate('serving', () => 1_700_000_000_000);
  metrics.webhook.addCertificate('ca', () => undefined);
  const found = samples(metrics.text());
  for (const [series, value] of Object.entries({
    'aegis_operator_api_requests_total{verb="get",code="2xx"}': 1,
    'aegis_operator_api_requests_total{verb="get",code="404"}': 1,
    'aegis_operator_api_requests_total{verb="watch",code="410"}': 1,
    'aegis_operator_api_request_duration_seconds_count{verb="get"}': 2,
    aegis_operator_leader: 1,
    'aegis_operator_events_total{result="dropped"}': 2,
    'aegis_operator_reconcile_duration_seconds_sum{controller="tenant",result="done"}': 0.04,
    'aegis_operator_status_writes_total{kind="AgentPolicy",result="written"}': 1,
    'aegis_operator_resources{kind="AgentPolicy",state="stalled"}': 2,
    aegis_operator_publish_latency_seconds_sum: 0.31,
    aegis_operator_publish_latency_seconds_count: 1,
    'aegis_operator_publish_latency_seconds_bucket{le="0.25"}': 0,
    'aegis_operator_publish_latency_seconds_bucket{le="0.5"}': 1,
    'aegis_operator_commits_total{kind="content"}': 1,
    'aegis_operator_commits_total{kind="renewal"}': 1,
    aegis_operator_commit_conflicts_total: 1,
    'aegis_operator_repairs_total{object="shard"}': 1,
    'aegis_operator_publish_step_duration_seconds_count{step="sign"}': 1,
    'aegis_operator_bundle_sequence{tenant="fintech"}': 9,
    'aegis_operator_bundle_expiry_timestamp_seconds{tenant="fintech"}': 5,
    'aegis_operator_admission_duration_seconds_count{kind="AgentTool",result="refused"}': 1,
    'aegis_operator_certificate_rotations_total{certificate="serving"}': 1,
    'aegis_operator_certificate_expiry_timestamp_seconds{certificate="serving"}': 1_700_000_000,
    aegis_operator_ready: 1,
    aegis_operator_live: 0,
    [`aegis_operator_build_info{version="1.2.3",node="${process.versions.node}"}`]: 1,
  })) {
    expect([series, found.get(series)]).toEqual([series, value]);
  }
  // how long a watch is open says nothing about the API server
  expect(found.has('aegis_operator_api_request_duration_seconds_count{verb="watch"}')).toBe(false);
  expect(found.has('aegis_operator_certificate_expiry_timestamp_seconds{certificate="ca"}')).toBe(false);
});

test('a part that fails takes no other metric along', () => {
  const metrics = make();
  const fail = (): never => {
    throw new Error('no');
  };
  metrics.kube.addQueue('broken', fail);
  metrics.kube.addWatch('Broken', fail);
  metrics.publish.readTenants(fail);
  metrics.reconcile.readResources(fail);
  metrics.evidence.readEvidence(fail);
  metrics.webhook.addCertificate('ca', fail);
  const text = metrics.text();
  expect(text).toContain('aegis_operator_leader 0\n');
  expect(text).not.toContain('roken');
});

test('names and units are as Prometheus wants them', () => {
  const metrics = make();
  metrics.kube.requested({ verb: 'get', code: 200, ms: 1 });
  const described = [...metrics.text().matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(described.length).toBeGreaterThan(10);
  for (const [, name = '', kind = ''] of described) {
    expect(name).toMatch(/^(aegis_operator|process|nodejs)_[a-z_]+$/);
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
    expect(name).not.toMatch(/_(ms|milliseconds|minutes)/);
    if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});

test('evidence: bounded, those with differences first, and nothing lost in the sum', () => {
  const count = fc.nat({ max: 1000 });
  const facts = fc.record({ calls: count, wouldDeny: count, wouldAllow: count, otherwise: count, errors: count });
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 450 }), (all) => {
      const metrics = make();
      const named: EvidenceFacts[] = all.map((each, index) => ({ ...each, policy: `ns/p${index}` }));
      metrics.evidence.readEvidence(() => named);
      const found = [...samples(metrics.text())].filter(([series]) => series.startsWith('aegis_operator_candidate_'));
      expect(found.length).toBeLessThanOrEqual(201 * 5);
      const sum = (result: string): number =>
        found
          .filter(([series]) => series.includes(`result="${result}"`))
          .reduce((total, [, value]) => total + value, 0);
      expect(sum('calls')).toBe(all.reduce((total, { calls }) => total + calls, 0));
      expect(sum('would_allow')).toBe(all.reduce((total, { wouldAllow }) => total + wouldAllow, 0));
      expect(sum('error')).toBe(all.reduce((total, { errors }) => total + errors, 0));
    }),
    { numRuns: 30 },
  );
});
