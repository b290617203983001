import type { CandidateCount } from '../model/gateway-report.ts';

/** Calls that were compared, and how they differed. */
export type Counts = Pick<CandidateCount, 'calls' | 'wouldDeny' | 'wouldAllow' | 'otherwise' | 'errors'>;

export const NO_COUNTS: Counts = { calls: 0, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 };

function combine(a: Counts, b: Counts, with_: (a: number, b: number) => number): Counts {
  return {
    calls: with_(a.calls, b.calls),
    wouldDeny: with_(a.wouldDeny, b.wouldDeny),
    wouldAllow: with_(a.wouldAllow, b.wouldAllow),
    otherwise: with_(a.otherwise, b.otherwise),
    errors: with_(a.errors, b.errors),
  };
}

export function addCounts(a: Counts | undefined, b: Counts): Counts {
  return combine(a ?? NO_COUNTS, b, (x, y) => Math.min(x + y, Number.MAX_SAFE_INTEGER));
}

export function countsSince(now: Counts, before: Counts): Counts {
  return combine(now, before, (x, y) => Math.max(0, x - y));
}

/** Each count by itself, so that a cap makes differences weigh more, never less. */
export function cappedCounts(counts: Counts, max: number): Counts {
  return combine(counts, NO_COUNTS, (x) => Math.min(x, max));
}

/** As seen from the other revision. */
export function swapped(counts: Counts): Counts {
  return { ...counts, wouldDeny: counts.wouldAllow, wouldAllow: counts.wouldDeny };
}
