import type { DecisionResult, Obligations, Outcome, Reason, RiskTier, Verdict } from '../../policy/decision/types.ts';
import type { LimitRefusal, Reservation } from '../limits/limit-store.ts';

/** What the gateway made of one call. */
export interface Decision {
  id: string;
  tenant: string;
  /** Sequence of the bundle that decided; 0 where none is active. */
  sequence: number;
  /** ms since the epoch. */
  at: number;
  agent: string;
  tool: string;
  action: string;
  /** What the policy says. */
  verdict: Verdict;
  /** What the gateway does: only `allow` and `sanitize` let the call pass. */
  taken: Verdict;
  /** Why `taken`. */
  reasons: Reason[];
  /** What must be done for the call to pass; empty where it does not. */
  obligations: Obligations;
  candidates: DecisionResult['candidates'];
  /** The parameters to forward, where sanitising changed them. */
  params?: Record<string, unknown>;
  /** Why nobody can be asked, or where the request for approval stands. */
  approval?: { status: 'unavailable'; risk: RiskTier; rules: string[] };
  /** Estimated cost of the call, as the tool's contract (or the caller of a decision endpoint) states it. */
  cost?: unknown;
  /** The limits that refused. */
  limits?: LimitRefusal[];
  /** Held amounts; whoever forwards settles or releases them. */
  reservation?: Reservation;
}

export function passes(decision: Pick<Decision, 'taken'>): boolean {
  return decision.taken === 'allow' || decision.taken === 'sanitize';
}

export function noObligations(): Obligations {
  return { redact: [], set: [], limits: [], approval: null };
}

/** The contract's shape of a decision (design section 6): `enforced` is what the gateway does. */
export function toResult(decision: Decision): DecisionResult {
  const enforced: Outcome = {
    verdict: decision.taken,
    reasons: decision.reasons,
    obligations: decision.obligations,
  };
  return { decision_id: decision.id, enforced, candidates: decision.candidates };
}
