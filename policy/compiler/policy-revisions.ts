/** What a rollout has to know of policies before anything is compiled: the digest of each version as it stands. */
import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy } from '../resources/types.generated.ts';
import { boundRevision, findingsOf, inForce, lookupIn } from './active-policies.ts';
import { policyId } from './bind-policy.ts';
import { DEFAULT_PLATFORM_NAMESPACE } from './compile.ts';
import { CompileCache } from './compile-cache.ts';
import type { CompileOptions, PolicyState } from './compile-options.ts';
import type { CompilePass } from './compile-pass.ts';
import { type GivenResources, sortedOf, type TenantResources } from './tenant-resources.ts';

export interface RevisionFacts {
  /** `sha256:…`, also of a policy that is rejected. */
  revision: string;
  /** An error makes the policy unusable as it stands: `compile` would leave it out. */
  rejected: boolean;
  findings: readonly Finding[];
}

/**
 * The revision of every AgentPolicy that is in the tenant or binds it (those of the platform), and of the `others`:
 * further versions of such policies, e.g. the stable ones. By the resource itself, because several versions share an
 * id. A policy whose name is taken by an older one takes no part and has no entry.
 *
 * What the caller knows to be still true (the policy and all tools of the tenant are the same objects) is not looked at.
 * A compilation of the same objects with the same cache afterwards finds all of this done.
 */
export function policyRevisions(
  resources: GivenResources,
  tenantName: string,
  options: CompileOptions,
  others: readonly LoadedResource<AgentPolicy>[] = [],
  known: (policy: LoadedResource<AgentPolicy>) => RevisionFacts | undefined = () => undefined,
): Map<LoadedResource<AgentPolicy>, RevisionFacts> {
  const platformNamespace = options.platformNamespace ?? DEFAULT_PLATFORM_NAMESPACE;
  const cache = options.cache ?? new CompileCache();
  const sorted = sortedOf(resources, platformNamespace);
  const tenant = sorted.tenants.get(tenantName) ?? emptyTenant(tenantName);
  const pass: CompilePass = { options, cache, sorted, platformNamespace, findings: [], rejected: new Set() };
  const policies = [...sorted.platformPolicies, ...tenant.policies];
  const states = new Map<string, PolicyState>();
  for (const policy of others) states.set(policyId(policy.object), { stable: policy });
  for (const policy of policies) {
    const id = policyId(policy.object);
    states.set(id, { ...states.get(id), candidate: { policy, stage: 'shadow' } });
  }
  for (const [id, state] of states) states.set(id, inForce(state));
  const lookup = lookupIn(states, pass);
  const revisions = new Map<LoadedResource<AgentPolicy>, RevisionFacts>();
  for (const policy of [...policies, ...others]) {
    const before = known(policy);
    if (before !== undefined) {
      revisions.set(policy, before);
      continue;
    }
    const bound = boundRevision(policy, tenant, lookup, pass);
    const { revision, rejected } = bound;
    revisions.set(policy, { revision, rejected, findings: findingsOf(bound, policy) });
  }
  return revisions;
}

function emptyTenant(name: string): TenantResources {
  return { name, registrations: new Map(), tools: new Map(), policies: [] };
}
