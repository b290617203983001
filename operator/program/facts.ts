/** What metrics show of resources and evidence, read at every scrape. */
import type { AgentPolicy } from '../../policy/resources/types.generated.ts';
import type { Intake } from '../controllers/intake.ts';
import type { TenantRecord } from '../controllers/tenant-record.ts';
import type { EvidenceTable } from '../serving/evidence-table.ts';
import type { EvidenceFacts } from '../telemetry/metrics/evidence-metrics.ts';
import type { ResourceCount } from '../telemetry/metrics/reconcile-metrics.ts';

interface Status {
  observedGeneration?: number;
  conditions?: { type: string; status: string }[];
}

/** As kstatus sees them. */
export function resourceCounts(intake: Intake): ResourceCount[] {
  const counts = new Map<string, ResourceCount>();
  for (const { kind, object } of intake.values()) {
    const state = stateOf((object as { status?: Status }).status ?? {}, object.metadata.generation);
    const key = `${kind} ${state}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { kind, state, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
}

function stateOf({ observedGeneration, conditions = [] }: Status, generation = 0): ResourceCount['state'] {
  const is = (type: string): boolean => conditions.some((each) => each.type === type && each.status === 'True');
  if (observedGeneration !== generation) return 'reconciling';
  if (is('Stalled')) return 'stalled';
  return is('Ready') && !is('Reconciling') ? 'ready' : 'reconciling';
}

/** Of the newest revision of every policy that gateways compared with another one. */
export function* evidenceFacts(records: Iterable<TenantRecord>, evidence: EvidenceTable): Iterable<EvidenceFacts> {
  for (const { scope, outcome } of records) {
    for (const { current, plan } of outcome.plan.results.values()) {
      const { metadata } = current.loaded.object as AgentPolicy;
      const revision = plan?.state.revision;
      if (current.kind !== 'AgentPolicy' || revision === undefined) continue;
      const policy = `${metadata.namespace ?? 'default'}/${metadata.name}`;
      const sums = evidence.sums(scope.identity, policy).get(revision);
      if (sums === undefined) continue;
      const { decisions, wouldDeny, wouldAllow, otherwise, errors } = sums;
      yield { policy, calls: decisions, wouldDeny, wouldAllow, otherwise, errors };
    }
  }
}
