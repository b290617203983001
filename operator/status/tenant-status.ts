import type { AgentTenant, TenantBundleStatus } from '../../policy/resources/types.generated.ts';
import { acceptanceAspects } from './acceptance-aspects.ts';
import { conditionsOf } from './aspect.ts';
import { present, safeCount, safeLong, safeName, safeTime } from './safe-values.ts';
import type { TenantView } from './views.ts';

const TEXTS = {
  lastGood: 'The last good version stays in use.',
  none: 'The tenant has its defaults.',
  published: 'The newest bundle is committed.',
};

const MAX_NAMESPACES = 4096;

/** Status of an AgentTenant. Only the times of `previous` matter. */
export function tenantStatus(
  view: TenantView,
  previous: AgentTenant['status'] | undefined,
  now: number,
): NonNullable<AgentTenant['status']> {
  const { generation, namespaces, agents, policies, frozen, bundle, problem, pending = false, deleting } = view;
  // a problem of the tenant is its own, even while the bundle before it still serves
  const published = bundle !== undefined && problem === undefined && !pending;
  const chain = acceptanceAspects(view, published, TEXTS, now);
  const judgement = { generation, chain, ready: ready(view), deleting };
  return {
    observedGeneration: generation,
    conditions: conditionsOf(judgement, previous?.conditions, now),
    namespaces: listed(namespaces),
    agents: safeCount(agents),
    policies: safeCount(policies),
    frozen,
    ...(bundle !== undefined && { bundle: bundleStatus(bundle) }),
  };
}

function ready({ frozen, namespaces }: TenantView): { reason: string; message: string } {
  if (frozen)
    return { reason: 'Frozen', message: 'Frozen: no new content is published; suspension and revocation still are.' };
  if (namespaces.length === 0) return { reason: 'NoNamespaces', message: 'The tenant owns no namespace.' };
  return { reason: 'Published', message: 'The newest bundle is committed.' };
}

/** As many names as fit, and how many more there are. */
function listed(namespaces: readonly string[]): string {
  let text = '';
  for (const [index, name] of namespaces.entries()) {
    const next = text === '' ? name : `${text}, ${name}`;
    const rest = namespaces.length - index;
    if (next.length > MAX_NAMESPACES - 32) return `${text} and ${rest} more`;
    text = next;
  }
  return text;
}

function bundleStatus({ digest, sequence, keyId, issuedAt, expiresAt }: NonNullable<TenantView['bundle']>) {
  return present({
    digest: safeName(digest, 71),
    sequence: safeLong(sequence),
    keyId: safeName(keyId, 128),
    issuedAt: safeTime(issuedAt),
    expiresAt: safeTime(expiresAt),
  }) satisfies TenantBundleStatus;
}
