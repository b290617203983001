import type { LoadedResource } from '../../policy/resources/resource.ts';

/** What a resource is compared with. Kept up to date by whoever watches the cluster. */
export interface ResourcesAround {
  /** Everything has been read once; until then nothing may be concluded from absence. */
  readonly synced: boolean;
  /**
   * Resources of the tenant that the namespace belongs to, those of the operator's namespace, the ConfigMaps that its
   * tools name, and all AgentTenants; undefined: for an AgentTenant, all AgentTenants are enough. As they are applied,
   * invalid ones left out. The same array as long as nothing in it has changed, because its sorting is remembered.
   */
  around(namespace: string | undefined): readonly LoadedResource[];
}
