import { NumberLiteral } from '../../policy/number-literal.ts';
import type { CallInfo, CallOutcome } from '../telemetry/call-hooks.ts';
import type { Decision } from './decision.ts';

/** What else is known of the call. */
export interface RecordDetails {
  via?: CallInfo['via'];
  outcome?: CallOutcome;
}

/** A number, or the decimal as text where a number would not be exact. */
export function costOf({ cost }: Decision): number | string | undefined {
  if (cost instanceof NumberLiteral) return cost.toString();
  return typeof cost === 'number' || typeof cost === 'string' ? cost : undefined;
}

export function outcomeRecord({ status, bytes, millis, error }: CallOutcome): Record<string, unknown> {
  return { status, bytes, ms: Math.round(millis * 1000) / 1000, ...(error !== undefined && { error }) };
}

/** What may be shown of a decision, stored or printed: no parameters, nothing that is held. */
export function decisionRecord(
  decision: Decision,
  micros: number,
  details: RecordDetails = {},
): Record<string, unknown> {
  const { id, at, tenant, sequence, agent, tool, action, verdict, taken, reasons, candidates, limits } = decision;
  const { via, outcome } = details;
  const cost = costOf(decision);
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
    ...(limits !== undefined && { limits: limits.map((limit) => limit.id) }),
    ...(cost !== undefined && { cost }),
    micros,
    ...(via !== undefined && { via }),
    ...(outcome !== undefined && { outcome: outcomeRecord(outcome) }),
  };
}
