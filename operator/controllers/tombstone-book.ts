import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { StateEntries } from '../model/committed.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { TombstonedRegistration } from '../serving/tenant-directory.ts';
import type { RegistrationObject } from './accepted-registrations.ts';

/** Registrations that are gone and still refused, by namespace, as the leader committed them. */
export class TombstoneBook {
  readonly #byTenant = new Map<string, readonly (TombstonedRegistration & { namespace: string })[]>();

  update(tenant: TenantIdentity, entries: StateEntries): void {
    const found = [...entries.values()].flatMap(({ accepted, tombstone }) => {
      if (tombstone === undefined) return [];
      const registration = accepted as AgentRegistration & RegistrationObject;
      const { metadata, spec } = registration;
      const agentId = spec.agentId ?? metadata.name;
      return [{ agentId, tenant, registration, namespace: metadata.namespace ?? 'default' }];
    });
    if (found.length === 0) this.#byTenant.delete(tenant.uid);
    else this.#byTenant.set(tenant.uid, found);
  }

  agentsOf(tenant: TenantIdentity): ReadonlySet<string> {
    return new Set(this.#byTenant.get(tenant.uid)?.map(({ agentId }) => agentId));
  }

  of(namespace: string): readonly TombstonedRegistration[] {
    return [...this.#byTenant.values()].flat().filter((each) => each.namespace === namespace);
  }
}
