/** One resource against those that are there already, as compiling all of them would find it, at the price of one. */
import type { Finding } from '../errors.ts';
import { describeResource, type LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, AgentRegistration, AgentTenant, AgentTool } from '../resources/types.generated.ts';
import { toolIdOf } from './action-contract.ts';
import { activePolicies } from './active-policies.ts';
import { policyId } from './bind-policy.ts';
import { checkBudgets } from './budget-parameters.ts';
import { type Check, type CheckOptions, policiesNamed, severityOf } from './check-severity.ts';
import { DEFAULT_PLATFORM_NAMESPACE } from './compile.ts';
import { CompileCache } from './compile-cache.ts';
import type { CompilePass } from './compile-pass.ts';
import { findingAt } from './finding-at.ts';
import { OpenApiDocuments, resolveTool } from './openapi-tools.ts';
import { checkReferences } from './references.ts';
import {
  agentIdOf,
  DEFAULT_NAMESPACE,
  type SortedResources,
  sortResources,
  type TenantResources,
} from './tenant-resources.ts';
import { toolParts } from './tool-parts.ts';

/**
 * What is wrong with `resource`, which is valid by itself and has its defaults, among the resources of its tenant, all
 * AgentTenants and the platform's (`around`; its own older version may be there). Severity `error` is certain: nothing
 * that is applied afterwards makes it right, unless `curable` says otherwise. What it does to other resources is not
 * looked at. The sorting of `around` is remembered by its identity.
 */
export function checkResource(
  resource: LoadedResource,
  around: readonly LoadedResource[],
  options: CheckOptions,
): Finding[] {
  const platformNamespace = options.platformNamespace ?? DEFAULT_PLATFORM_NAMESPACE;
  const name = describeResource(resource);
  const sorted = sortedWithoutPolicies(around, platformNamespace);
  const place = placeOf(resource, around, platformNamespace);
  const tenant = sorted.tenants.get(place.tenant) ?? emptyTenant(place.tenant, around, platformNamespace);
  const cache = options.cache ?? new CompileCache();
  const check: Check = { resource, around, tenant, sorted, platformNamespace, options, cache };
  const found = [...place.findings, ...findingsOf(check)].filter((finding) => finding.resource === name);
  return found.map((finding) => ({ ...finding, severity: severityOf(finding, check) }));
}

function findingsOf(check: Check): Finding[] {
  switch (check.resource.object.kind) {
    case 'AgentPolicy':
      return policyFindings(check as unknown as Check<AgentPolicy>);
    case 'AgentRegistration':
      return registrationFindings(check as unknown as Check<AgentRegistration>);
    case 'AgentTool':
      return toolFindings(check as unknown as Check<AgentTool>);
    case 'AgentTenant':
      return tenantFindings(check as unknown as Check<AgentTenant>);
    default:
      return [];
  }
}

function policyFindings({ resource, around, tenant, sorted, platformNamespace, ...rest }: Check<AgentPolicy>) {
  const overridden = new Set(
    resource.object.spec.rules.flatMap(({ overrides = [] }) =>
      (overrides ?? []).map((reference) => reference.split('/').slice(0, 2).join('/')),
    ),
  );
  overridden.delete(policyId(resource.object));
  const policies = [resource, ...policiesNamed(overridden, around)];
  const ofPlatform = ({ object }: LoadedResource) => object.metadata.namespace === platformNamespace;
  const pass: CompilePass = {
    options: { digest: rest.options.digest, platformNamespace },
    cache: rest.cache,
    sorted: { ...sorted, platformPolicies: policies.filter(ofPlatform) },
    platformNamespace,
    findings: [],
    rejected: new Set(),
  };
  activePolicies({ ...tenant, policies: policies.filter((policy) => !ofPlatform(policy)) }, pass);
  // A policy of the platform meets the contracts of tenants that are not looked at here.
  return pass.findings.filter(({ severity }) => severity === 'error' || !ofPlatform(resource));
}

function registrationFindings({ resource, tenant, cache }: Check<AgentRegistration>): Finding[] {
  const id = agentIdOf(resource.object);
  const holder = tenant.registrations.get(id);
  const { tenant: _, ...others } = tenant;
  const together = { ...others, registrations: new Map([...tenant.registrations, [id, resource]]) };
  return [
    ...duplicate(resource, holder, 'agentId', id),
    ...checkReferences(together, cache),
    ...checkBudgets(together, cache),
  ];
}

function toolFindings({ resource, around, tenant, cache }: Check<AgentTool>): Finding[] {
  const id = toolIdOf(resource.object);
  const taken = duplicate(resource, tenant.tools.get(id), 'toolId', id);
  const { tool, findings, usable } = resolveTool(resource, new OpenApiDocuments(around));
  const unmapped: Finding[] = [];
  toolParts(new Map([[id, tool]]), usable ? new Set() : new Set([tool]), cache, unmapped);
  return [...taken, ...findings, ...unmapped];
}

function tenantFindings({ resource, tenant, cache }: Check<AgentTenant>): Finding[] {
  return checkBudgets({ ...tenant, tenant: resource, registrations: new Map() }, cache);
}

function duplicate(
  resource: LoadedResource,
  holder: LoadedResource | undefined,
  field: 'agentId' | 'toolId',
  id: string,
): Finding[] {
  if (holder === undefined || describeResource(holder) === describeResource(resource)) return [];
  const message = `${field} "${id}" is already taken by ${describeResource(holder)}; the older one keeps it.`;
  const path = ['spec', field];
  return [findingAt(resource, 'AEGIS_DUPLICATE_ID', 'error', path, message)];
}

const sortings = new WeakMap<readonly LoadedResource[], { platformNamespace: string; sorted: SortedResources }>();

/** Policies are many and are only looked up by name here. */
function sortedWithoutPolicies(around: readonly LoadedResource[], platformNamespace: string): SortedResources {
  const known = sortings.get(around);
  if (known?.platformNamespace === platformNamespace) return known.sorted;
  const others = around.filter(({ object }) => object.kind !== 'AgentPolicy');
  const sorted = sortResources(others, platformNamespace);
  sortings.set(around, { platformNamespace, sorted });
  return sorted;
}

/** The tenant that the resource belongs to, and what is wrong with that. */
function placeOf(
  resource: LoadedResource,
  around: readonly LoadedResource[],
  platformNamespace: string,
): { tenant: string; findings: Finding[] } {
  const { kind, metadata } = resource.object;
  const name = describeResource(resource);
  const tenants = around.filter((each) => each.object.kind === 'AgentTenant' && describeResource(each) !== name);
  if (kind === 'AgentTenant') {
    return { tenant: metadata.name, findings: sortResources([...tenants, aged(resource)], platformNamespace).findings };
  }
  // Anything that is in no other way special shows where its namespace belongs.
  const { namespace = DEFAULT_NAMESPACE } = metadata;
  if (namespace === platformNamespace) return { tenant: platformNamespace, findings: [] };
  const probe = { ...resource, object: { ...resource.object, kind: 'AgentRegistration', spec: {} } } as LoadedResource;
  const { tenants: sorted, findings } = sortResources([...tenants, probe], platformNamespace);
  const home = [...sorted.values()].find(({ registrations }) => registrations.size > 0);
  const own = findings.map((finding) =>
    finding.resource === describeResource(probe) ? { ...finding, resource: name } : finding,
  );
  return { tenant: home?.name ?? namespace, findings: own };
}

/** One that has no age yet is younger than all others. */
function aged(resource: LoadedResource): LoadedResource {
  const { object } = resource;
  if (object.metadata.creationTimestamp !== undefined) return resource;
  return { ...resource, object: { ...object, metadata: { ...object.metadata, creationTimestamp: '9999' } } };
}

function emptyTenant(name: string, around: readonly LoadedResource[], platformNamespace: string): TenantResources {
  const catalogue = around.filter(
    ({ object }) => object.kind === 'AgentTool' && object.metadata.namespace === platformNamespace,
  ) as unknown as LoadedResource<AgentTool>[];
  const tools = new Map(catalogue.map((tool) => [toolIdOf(tool.object), tool]));
  return { name, registrations: new Map(), tools, policies: [] };
}
