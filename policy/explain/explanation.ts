/** What an explanation consists of; text and JSON are made from it. */
import type { Reason, Verdict } from '../decision/types.ts';
import type { Place } from './rule-index.ts';

/** What would change the outcome of one condition. */
export interface Remedy {
  /** What the call has; without the value where it is not to be shown. */
  given?: string;
  /** What to send instead. */
  call?: string;
  /** What to change in the resources; whoever does that changes it for every other call too. */
  change?: string;
}

export interface ExplainedReason extends Reason, Remedy {
  /** The rule, by its name. */
  rulePlace?: Place;
  /** The field that decided: a condition, or a field of another resource. */
  place?: Place;
  /** Why the rule applies to this call, where that is not plain. */
  applies?: string[];
}

/** A rule that could have permitted the call. */
export interface NearRule extends Remedy {
  policy: string;
  rule: string;
  rulePlace: Place;
  place?: Place;
  why: string;
}

export interface ExplainedCall {
  tenant: string;
  agent: string;
  tool: string;
  action: string;
  chain?: string[];
}

export interface Explanation {
  call: ExplainedCall;
  /** What the policy says. */
  verdict: Verdict;
  /** What the gateway does. */
  taken: Verdict;
  reasons: ExplainedReason[];
  /** Where no rule permits the call. */
  nearest: NearRule[];
  notes: string[];
}
