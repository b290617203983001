import type { LoadedResource } from '../../policy/resources/resource.ts';
import { type KubeObject, keyOf } from '../kube/types.ts';
import { loadedObject } from '../model/loaded-object.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { DirectoryAgent, TenantDirectory, TombstonedRegistration } from '../serving/tenant-directory.ts';
import type { AcceptedRegistrations } from './accepted-registrations.ts';
import type { TenantParts, Tenants } from './tenants.ts';

export interface DirectoryOptions {
  tenants: Tenants;
  registrations: AcceptedRegistrations;
  tombstones(namespace: string): readonly TombstonedRegistration[];
}

const MAX_TENANTS = 1000;
const NOTHING: Pick<TenantParts, 'own' | 'platform' | 'documents'> = { own: [], platform: [], documents: [] };

/** Who is who, for the bundle API and the webhook, from what this replica has read. */
export class Directory implements TenantDirectory {
  readonly #options: DirectoryOptions;
  /** By tenant, so that the webhook's checks recognise what they have seen. */
  readonly #around = new Map<string, { parts: readonly unknown[]; resources: readonly LoadedResource[] }>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#options.tenants.synced;
  }

  get synced(): boolean {
    return this.#options.tenants.synced;
  }

  tenantOf(namespace: string): TenantIdentity | undefined {
    return this.#options.tenants.scopeOf(namespace)?.identity;
  }

  registration(key: string): DirectoryAgent | undefined {
    const registration = this.#options.registrations.get(key);
    if (registration === undefined) return undefined;
    const { metadata, spec } = registration;
    const tenant = this.tenantOf(metadata.namespace ?? 'default');
    if (tenant === undefined) return undefined;
    const agentId = spec.agentId ?? metadata.name;
    return this.#takenByAnother(key, agentId, tenant) ? undefined : { agentId, tenant };
  }

  tombstones(namespace: string): readonly TombstonedRegistration[] {
    const { registrations, tenants, tombstones } = this.#options;
    // an id that is somebody's again is no longer refused: whoever only had it before has no part in that
    const isTaken = ({ agentId, tenant }: TombstonedRegistration): boolean => {
      const own = tenants.scope(tenant)?.namespaces ?? [];
      for (const { metadata } of registrations.claiming(agentId))
        if (own.includes(metadata.namespace ?? '')) return true;
      return false;
    };
    return tombstones(namespace).filter((each) => !isTaken(each));
  }

  /** What a resource of this namespace stands beside: its tenant's resources, the platform's, and all AgentTenants. */
  around(namespace: string | undefined): readonly LoadedResource[] {
    const { tenants } = this.#options;
    const scope = namespace === undefined ? undefined : tenants.scopeOf(namespace);
    const name = scope?.identity.name ?? '';
    const { own, platform, documents } = scope === undefined ? NOTHING : tenants.parts(scope);
    const valid = [...own, ...platform].filter((item) => item.valid).map(({ loaded }) => loaded);
    const parts = [...valid, ...tenants.allTenants(), ...documents];
    const known = this.#around.get(name);
    if (known?.parts.length === parts.length && parts.every((part, index) => part === known.parts[index])) {
      return known.resources;
    }
    const resources = [
      ...valid,
      ...tenants.allTenants(),
      ...documents.map((object: KubeObject) => loadedObject(object)),
    ];
    if (this.#around.size > MAX_TENANTS) this.#around.clear();
    this.#around.set(name, { parts, resources });
    return resources;
  }

  /**
   * The older of two registrations keeps the id, in whichever namespaces of the tenant they are; of two that are equally
   * old (the API server counts seconds) the one that the planner takes.
   */
  #takenByAnother(key: string, agentId: string, tenant: TenantIdentity): boolean {
    const { registrations, tenants } = this.#options;
    const own = registrations.get(key);
    const scope = tenants.scope(tenant);
    for (const other of registrations.claiming(agentId)) {
      if (other === own || !scope?.namespaces.includes(other.metadata.namespace ?? 'default')) continue;
      if (own === undefined || comesBefore(other, own)) return true;
    }
    return false;
  }
}

/** The order in which the planner takes resources: the older first. */
export function comesBefore(a: KubeObject, b: KubeObject): boolean {
  const [at, bt] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return at === bt ? keyOf(a) < keyOf(b) : at < bt;
}
