/** Which namespace belongs to which tenant. Pure: from AgentTenants and namespaces, in any order, always the same. */
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';

export interface TenancyInput {
  /** Valid AgentTenants (their last good version). */
  tenants: readonly AgentTenant[];
  /** Namespaces that exist: uid by name. */
  namespaces: ReadonlyMap<string, string>;
}

export interface TenantScope {
  identity: TenantIdentity;
  /** Absent where no AgentTenant speaks for it: the tenant is the namespace. */
  tenant?: AgentTenant;
  /** Namespaces that it owns, sorted. Those of an AgentTenant need not exist. */
  namespaces: readonly string[];
}

export interface Tenancy {
  /** By name. */
  scopes: ReadonlyMap<string, TenantScope>;
  /** Owner of each namespace; none: it only bears the name of a tenant that does not list it. */
  ownerOf: ReadonlyMap<string, string>;
  /** By name of the AgentTenant that asked for what another one has. */
  conflicts: ReadonlyMap<string, string>;
}

/**
 * An AgentTenant owns the namespaces that it lists (without a list, the one of its own name); of two that list the same,
 * the older keeps it. Every other namespace is a tenant of its own, unless an AgentTenant has taken that name.
 */
export function tenancyOf({ tenants, namespaces }: TenancyInput): Tenancy {
  const ownerOf = new Map<string, string>();
  const scopes = new Map<string, TenantScope>();
  const conflicts = new Map<string, string>();
  for (const tenant of [...tenants].sort(byAge)) {
    const { name, uid = '' } = tenant.metadata;
    const own: string[] = [];
    for (const namespace of tenant.spec.namespaces ?? [name]) {
      const owner = ownerOf.get(namespace);
      if (owner === undefined) {
        ownerOf.set(namespace, name);
        own.push(namespace);
      } else if (owner !== name) {
        conflicts.set(name, `Namespace "${namespace}" already belongs to tenant "${owner}".`);
      }
    }
    scopes.set(name, { identity: { name, uid }, tenant, namespaces: own.sort() });
  }
  for (const [name, uid] of namespaces) {
    if (ownerOf.has(name) || scopes.has(name)) continue;
    ownerOf.set(name, name);
    scopes.set(name, { identity: { name, uid }, namespaces: [name] });
  }
  return { scopes, ownerOf, conflicts };
}

function byAge({ metadata: a }: AgentTenant, { metadata: b }: AgentTenant): number {
  const [at, bt] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  if (at !== bt) return at < bt ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
