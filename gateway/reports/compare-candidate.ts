import type { Verdict } from '../../policy/decision/types.ts';
import { VERDICTS } from '../../policy/decision/types.ts';
import type { Decision } from '../enforcement/decision.ts';

/** How the other revision of one policy would have changed a verdict. */
export type Difference = 'none' | 'wouldDeny' | 'wouldAllow' | 'otherwise' | 'errors';

function lets(verdict: Verdict): boolean {
  return verdict === 'allow' || verdict === 'sanitize';
}

/** A candidate that gives no verdict could not be evaluated. What the gateway does beside the policy does not count. */
export function compareCandidate(enforced: Verdict, candidate: Decision['candidates'][number]): Difference {
  const other: unknown = candidate.outcome?.verdict;
  if (!VERDICTS.includes(other as Verdict)) return 'errors';
  if (other === enforced) return 'none';
  if (lets(enforced) === lets(other as Verdict)) return 'otherwise';
  return lets(enforced) ? 'wouldDeny' : 'wouldAllow';
}
