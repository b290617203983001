import type { Decision } from './decision.ts';

/** What may be shown of a decision, stored or printed: no parameters, nothing that is held. */
export function decisionRecord(decision: Decision, micros: number): Record<string, unknown> {
  const { id, at, tenant, sequence, agent, tool, action, verdict, taken, reasons, candidates } = decision;
  return {
    decision_id: id,
    time: new Date(at).toISOString(),
    tenant,
    sequence,
    agent,
    tool,
    action,
    verdict,
    taken,
    reasons,
    candidates: candidates.map(({ policy, revision, outcome }) => ({ policy, revision, verdict: outcome?.verdict })),
    micros,
  };
}
