import { isMissingReference } from './finding-reasons.ts';
import type { PolicyView } from './views.ts';

/** ms for which something that is named and does not exist may still come: the order of a GitOps sync is not given. */
export const REFERENCE_GRACE = 5 * 60_000;

/** What of any view time has a say in. */
export interface Timed extends Partial<Pick<PolicyView, 'findings' | 'missing'>> {
  conflict?: string;
}

/** When time alone changes the status that the view gives, ms since the epoch; undefined: it does not. */
export function wakeAt({ missing, conflict, findings = [] }: Timed, now: number): number | undefined {
  if (missing === undefined || conflict !== undefined) return undefined;
  const worse = findings.some((finding) => finding.severity === 'error' && !isMissingReference(finding));
  const end = missing.since + REFERENCE_GRACE;
  return worse || end <= now ? undefined : end;
}
