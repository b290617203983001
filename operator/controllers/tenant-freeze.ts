/** Whether a tenant is frozen, and what its head says of it. */
import type { Freeze, Manifest } from '../../policy/bundle/manifest.ts';
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import type { Intaken } from '../model/intaken.ts';

export type Frozen = Exclude<Freeze, { mode: 'None' }>;

/**
 * While it lasts. The moment of its beginning names it, so it stays the one of the head; so does the exception of a head
 * that is only renewed, for those who have missed it.
 * @param spec of the AgentTenant in the version that counts.
 * @param tenant as it is now: a version that is invalid ends no freeze, not even where an older one that knew of none
 *   stands in for it.
 */
export function freezeOf(
  spec: AgentTenant['spec'] | undefined,
  tenant: Intaken | undefined,
  head: Pick<Manifest, 'freeze'> | undefined,
  now: number,
): Frozen | undefined {
  const current = head === undefined || head.freeze.mode === 'None' ? undefined : head.freeze;
  const freeze = spec?.freeze;
  if (freeze == null) return tenant !== undefined && !tenant.valid && !tenant.deleting ? current : undefined;
  if (freeze.until != null && Date.parse(freeze.until) <= now) return undefined;
  const { since = new Date(now).toISOString(), exception } = current ?? {};
  return {
    mode: freeze.gateways ?? 'Keep',
    reason: freeze.reason ?? 'frozen',
    since,
    ...(exception !== undefined && { exception }),
  };
}

export function withoutException({ mode, reason, since }: Frozen): Frozen {
  return { mode, reason, since };
}

/** The head says something else of the freeze than what holds. */
export function freezeDiffers({ freeze: current }: Pick<Manifest, 'freeze'>, freeze: Frozen | undefined): boolean {
  if (freeze === undefined || current.mode === 'None') return current.mode !== (freeze?.mode ?? 'None');
  return current.mode !== freeze.mode || current.reason !== freeze.reason;
}
