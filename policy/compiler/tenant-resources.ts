/** Sorts loaded resources into tenants and refuses duplicates; a shared catalogue of tools belongs to every tenant. */
import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, AgentRegistration, AgentTenant, AgentTool } from '../resources/types.generated.ts';
import { toolIdOf } from './action-contract.ts';
import { findingAt } from './finding-at.ts';
import { OpenApiDocuments, resolveTool } from './openapi-tools.ts';

export interface TenantResources {
  name: string;
  uid?: string;
  tenant?: LoadedResource<AgentTenant>;
  /** By agentId. */
  registrations: Map<string, LoadedResource<AgentRegistration>>;
  /** By toolId, the catalogue's included. */
  tools: Map<string, LoadedResource<AgentTool>>;
  /** The tenant's own. */
  policies: LoadedResource<AgentPolicy>[];
}

export interface SortedResources {
  tenants: Map<string, TenantResources>;
  platformPolicies: LoadedResource<AgentPolicy>[];
  /** Tools left without a mapping because of their OpenAPI document. */
  unusable: ReadonlySet<LoadedResource<AgentTool>>;
  findings: Finding[];
}

export const DEFAULT_NAMESPACE = 'default';

/** As they are, or sorted already for several uses of the same resources. */
export type GivenResources = readonly LoadedResource[] | SortedResources;

export function sortedOf(resources: GivenResources, platformNamespace: string): SortedResources {
  return 'tenants' in resources ? resources : sortResources(resources, platformNamespace);
}

export function agentIdOf(registration: AgentRegistration): string {
  return registration.spec.agentId ?? registration.metadata.name;
}

const ofKind = <T extends LoadedResource['object']>(resources: readonly LoadedResource[], kind: string) =>
  resources.filter((resource) => resource.object.kind === kind) as unknown as LoadedResource<T>[];

/** Younger ones lose: later creationTimestamp first, then later position. */
function byAge<T extends LoadedResource>(resources: T[]): T[] {
  const created = (resource: T): string => resource.object.metadata.creationTimestamp ?? '';
  return [...resources].sort((a, b) => (created(a) < created(b) ? -1 : created(a) > created(b) ? 1 : 0));
}

export function sortResources(resources: readonly LoadedResource[], platformNamespace: string): SortedResources {
  const findings: Finding[] = [];
  const tenants = new Map<string, TenantResources>();
  const tenantOf = namespaceOwners(resources, tenants, findings);
  const strangers = new Map<string, TenantResources>();
  /** A namespace that only bears the name of a tenant is not part of it: its resources go nowhere. */
  const tenantFor = (resource: LoadedResource): TenantResources => {
    const namespace = resource.object.metadata.namespace ?? DEFAULT_NAMESPACE;
    const owner = tenantOf.get(namespace);
    if (owner !== undefined || tenants.get(namespace)?.tenant === undefined) {
      return tenantNamed(tenants, owner ?? namespace);
    }
    const message = `The AgentTenant "${namespace}" does not list the namespace "${namespace}", so this resource belongs to no tenant.`;
    findings.push(findingAt(resource, 'AEGIS_DUPLICATE_ID', 'error', ['metadata', 'namespace'], message));
    return tenantNamed(strangers, namespace);
  };
  const catalogue = new Map<string, LoadedResource<AgentTool>>();
  const inPlatform = (resource: LoadedResource): boolean => resource.object.metadata.namespace === platformNamespace;

  const documents = new OpenApiDocuments(resources);
  const unusable = new Set<LoadedResource<AgentTool>>();
  const tools = byAge(ofKind<AgentTool>(resources, 'AgentTool')).map((named) => {
    const { tool, findings: problems, usable } = resolveTool(named, documents);
    findings.push(...problems);
    if (!usable) unusable.add(tool);
    return tool;
  });
  for (const tool of tools.filter(inPlatform)) addUnique(catalogue, toolIdOf(tool.object), tool, 'toolId', findings);
  for (const tool of tools.filter((candidate) => !inPlatform(candidate))) {
    const id = toolIdOf(tool.object);
    const taken = catalogue.has(id) ? catalogue : tenantFor(tool).tools;
    addUnique(taken, id, tool, 'toolId', findings);
  }
  for (const registration of byAge(ofKind<AgentRegistration>(resources, 'AgentRegistration'))) {
    addUnique(tenantFor(registration).registrations, agentIdOf(registration.object), registration, 'agentId', findings);
  }
  const platformPolicies: LoadedResource<AgentPolicy>[] = [];
  const seen = new Map<string, LoadedResource<AgentPolicy>>();
  for (const policy of byAge(ofKind<AgentPolicy>(resources, 'AgentPolicy'))) {
    const key = `${policy.object.metadata.namespace ?? DEFAULT_NAMESPACE}/${policy.object.metadata.name}`;
    if (!addUnique(seen, key, policy, 'name', findings)) continue;
    if (inPlatform(policy)) platformPolicies.push(policy);
    else tenantFor(policy).policies.push(policy);
  }
  for (const tenant of tenants.values()) {
    // sorted, because revision digests and findings must not depend on the order of files or watch events
    tenant.tools = new Map([...tenant.tools, ...catalogue].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return { tenants, platformPolicies, unusable, findings };
}

function tenantNamed(tenants: Map<string, TenantResources>, name: string): TenantResources {
  const existing = tenants.get(name);
  if (existing !== undefined) return existing;
  const created: TenantResources = { name, registrations: new Map(), tools: new Map(), policies: [] };
  tenants.set(name, created);
  return created;
}

function namespaceOwners(
  resources: readonly LoadedResource[],
  tenants: Map<string, TenantResources>,
  findings: Finding[],
): Map<string, string> {
  const owners = new Map<string, string>();
  for (const loaded of byAge(ofKind<AgentTenant>(resources, 'AgentTenant'))) {
    const { name, uid } = loaded.object.metadata;
    const tenant = tenantNamed(tenants, name);
    tenant.tenant = loaded;
    if (uid !== undefined) tenant.uid = uid;
    // without a list, the namespace of the same name
    (loaded.object.spec.namespaces ?? [name]).forEach((namespace, index) => {
      const owner = owners.get(namespace);
      if (owner === undefined) owners.set(namespace, name);
      else if (owner !== name) {
        const message = `Namespace "${namespace}" already belongs to tenant "${owner}".`;
        findings.push(findingAt(loaded, 'AEGIS_DUPLICATE_ID', 'error', ['spec', 'namespaces', index], message));
      }
    });
  }
  return owners;
}

function addUnique<T extends LoadedResource>(
  map: Map<string, T>,
  id: string,
  resource: T,
  field: 'toolId' | 'agentId' | 'name',
  findings: Finding[],
): boolean {
  if (!map.has(id)) {
    map.set(id, resource);
    return true;
  }
  const path = field === 'name' ? ['metadata', 'name'] : ['spec', field];
  const message = `${field} "${id}" is already taken by another resource; the older one keeps it.`;
  findings.push(findingAt(resource, 'AEGIS_DUPLICATE_ID', 'error', path, message));
  return false;
}
