/** Resources → per tenant, one canonical data slice per agent and the tenant's own part. Pure and deterministic. */
import { canonicalJson } from '../bundle/canonical-json.ts';
import type { LimitObligation } from '../decision/types.ts';
import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy } from '../resources/types.generated.ts';
import { type ActivePolicy, agentSliceText, type SlicePart, type Stage } from './agent-slice.ts';
import { findConflicts } from './analysis/conflicts.ts';
import { policyId } from './bind-policy.ts';
import { chainLinks } from './chain-links.ts';
import { CompileCache, type SliceFile } from './compile-cache.ts';
import { limitObligation } from './compile-rule.ts';
import { findingAt } from './finding-at.ts';
import { type PolicyLookup, resolveOverrides } from './overrides.ts';
import { bindRevision, type PolicyRevision } from './policy-revision.ts';
import { Problems } from './problem.ts';
import { checkReferences } from './references.ts';
import { scopeOf } from './scope.ts';
import { type SortedResources, sortResources, type TenantResources } from './tenant-resources.ts';
import { toolContractText } from './tool-contract.ts';

export interface PolicyState {
  stable?: LoadedResource<AgentPolicy>;
  candidate?: { policy: LoadedResource<AgentPolicy>; stage: Stage };
}

export interface CompileOptions {
  /** Hex SHA-256 of a text's UTF-8 bytes. */
  digest(text: string): string;
  /** The operator's own namespace; its policies bind every tenant and may only restrict. Default `aegis-system`. */
  platformNamespace?: string;
  /** Which revisions of a policy take part. Default: the resource itself is stable (stages are ignored). */
  stateOf?(policy: LoadedResource<AgentPolicy>): PolicyState;
  /** Agents suspended by an emergency action, beside those whose registration says so. */
  suspended?(tenant: string, agentId: string): boolean;
  everEnforced?(tenant: string, agentId: string, toolId: string): boolean;
  cache?: CompileCache;
}

export interface CompiledTenant {
  name: string;
  uid?: string;
  /** Canonical JSON of the tenant's part. */
  part: SliceFile;
  /** Canonical JSON slice per agentId. */
  agents: Map<string, SliceFile>;
  /** Policies that take part, with the revision digest of each. */
  policies: { id: string; revision: string; source: LoadedResource<AgentPolicy> }[];
}

export interface Compilation {
  tenants: CompiledTenant[];
  findings: Finding[];
  /** Policies that were left out because of an error, by id. */
  rejected: string[];
}

export const DEFAULT_PLATFORM_NAMESPACE = 'aegis-system';

const encoder = new TextEncoder();

/**
 * Compiles all tenants. Resources must have passed validation (`policy/validation`) and carry their defaults. A policy
 * with an error takes no part; the others do.
 */
export function compile(resources: readonly LoadedResource[], options: CompileOptions): Compilation {
  const platform = options.platformNamespace ?? DEFAULT_PLATFORM_NAMESPACE;
  const cache = options.cache ?? new CompileCache();
  const sorted = sortResources(resources, platform);
  const names = [...sorted.tenants.keys()].filter((name) => hasContent(sorted.tenants.get(name))).sort();
  const findings = [...sorted.findings];
  const rejected = new Set<string>();
  const tenants = names.map((name) => {
    const tenant = sorted.tenants.get(name) as TenantResources;
    return compileTenant(tenant, { options, cache, sorted, platform, findings, rejected });
  });
  cache.turn();
  return { tenants, findings: distinctFindings(findings), rejected: [...rejected].sort() };
}

function hasContent(tenant: TenantResources | undefined): boolean {
  return (
    tenant !== undefined && (tenant.registrations.size > 0 || tenant.policies.length > 0 || tenant.tenant !== undefined)
  );
}

/** A platform policy is bound once per tenant; its findings count once. */
function distinctFindings(findings: readonly Finding[]): Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    seen.set(`${finding.code}\n${finding.resource}\n${finding.field}\n${finding.message}`, finding);
  }
  return [...seen.values()];
}

interface Pass {
  options: CompileOptions;
  cache: CompileCache;
  sorted: SortedResources;
  platform: string;
  findings: Finding[];
  rejected: Set<string>;
}

function compileTenant(tenant: TenantResources, pass: Pass): CompiledTenant {
  const { cache, findings } = pass;
  const policies = activePolicies(tenant, pass);
  findings.push(...checkReferences(tenant, cache));
  const { uid } = tenant;
  const identity = canonicalJson({ name: tenant.name, ...(uid === undefined ? {} : { uid }) });
  return {
    name: tenant.name,
    ...(uid === undefined ? {} : { uid }),
    part: cache.sliceOf(tenant.name, [identity], () => ({ bytes: encoder.encode(identity) })),
    agents: agentSlices(tenant, policies, pass),
    policies: policies.flatMap(({ id, stable, candidate }) =>
      [stable, candidate?.revision]
        .filter((revision) => revision !== undefined)
        .map(({ revision, source }) => ({ id, revision, source })),
    ),
  };
}

function agentSlices(tenant: TenantResources, policies: readonly ActivePolicy[], pass: Pass): Map<string, SliceFile> {
  const { options, cache } = pass;
  const registrations = new Map([...tenant.registrations].map(([id, { object }]) => [id, object]));
  const suspended = (id: string): boolean =>
    registrations.get(id)?.spec.suspended === true || (options.suspended?.(tenant.name, id) ?? false);
  const parts = toolParts(tenant, cache, pass.findings);
  const byAgent = policiesByAgent(policies, registrations.keys());
  const limits = (tenant.tenant?.object.spec.budget?.limits ?? []).map(
    (limit): LimitObligation => limitObligation(limit, `tenant/${limit.name}`),
  );
  const slices = new Map<string, SliceFile>();
  for (const [agentId, registration] of [...registrations].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const chain = chainLinks(agentId, registrations, suspended);
    const tools = (registration.spec.tools ?? []).flatMap(({ toolId, actions }) => {
      const part = parts.get(toolId);
      return part === undefined ? [] : [actions === undefined ? part : restricted(part, actions)];
    });
    const own = byAgent.get(agentId) ?? [];
    const everEnforced = (toolId: string): boolean => options.everEnforced?.(tenant.name, agentId, toolId) ?? false;
    const inputs = [
      registration,
      tenant.tenant?.object,
      suspended(agentId),
      canonicalJson(chain),
      ...tools.flatMap(({ toolId }) => [tenant.tools.get(toolId)?.object, everEnforced(toolId)]),
      ...own.flatMap(({ stable, candidate }) => [stable, candidate?.revision, candidate?.stage]),
    ];
    const make = (): SliceFile => ({
      findings: tools.flatMap((tool) => conflictsOf(tool, own)),
      bytes: encoder.encode(
        agentSliceText({
          agentId,
          registration,
          suspended: suspended(agentId),
          chain,
          tools,
          policies: own,
          tenantLimits: limits,
          everEnforced,
        }),
      ),
    });
    const file = cache.sliceOf(`${tenant.name}/${agentId}`, inputs, make);
    pass.findings.push(...(file.findings ?? []));
    slices.set(agentId, file);
  }
  return slices;
}

function conflictsOf(tool: SlicePart, policies: readonly ActivePolicy[]): Finding[] {
  const revisions = policies.flatMap(({ stable }) =>
    stable !== undefined && (stable.scope.tools === undefined || stable.scope.tools.has(tool.toolId)) ? [stable] : [],
  );
  return [...tool.actions.values()].flatMap((contract) => findConflicts(contract, revisions));
}

function toolParts(tenant: TenantResources, cache: CompileCache, findings: Finding[]): Map<string, SlicePart> {
  const parts = new Map<string, SlicePart>();
  for (const [toolId, tool] of tenant.tools) {
    const contract = toolContractText(toolId, tool, findings);
    if (contract !== undefined) parts.set(toolId, { toolId, actions: cache.contractsOf(tool), contract });
  }
  return parts;
}

function restricted(part: SlicePart, actions: readonly string[]): SlicePart {
  return { ...part, actions: new Map([...part.actions].filter(([action]) => actions.includes(action))) };
}

function policiesByAgent(policies: readonly ActivePolicy[], agentIds: Iterable<string>): Map<string, ActivePolicy[]> {
  const byAgent = new Map<string, ActivePolicy[]>([...agentIds].map((id) => [id, []]));
  for (const policy of policies) {
    const scopes = [policy.stable?.scope, policy.candidate?.revision.scope].filter((scope) => scope !== undefined);
    const everyone = scopes.some(({ agents }) => agents === undefined);
    const ids = everyone ? byAgent.keys() : new Set(scopes.flatMap(({ agents }) => [...(agents ?? [])]));
    for (const id of ids) byAgent.get(id)?.push(forAgent(policy, id));
  }
  return byAgent;
}

/** A revision whose scope does not cover the agent takes no part for it. */
function forAgent(policy: ActivePolicy, agentId: string): ActivePolicy {
  const covers = ({ scope }: PolicyRevision): boolean => scope.agents === undefined || scope.agents.has(agentId);
  const { id, stable, candidate } = policy;
  if ((stable === undefined || covers(stable)) && (candidate === undefined || covers(candidate.revision)))
    return policy;
  return {
    id,
    ...(stable !== undefined && covers(stable) ? { stable } : {}),
    ...(candidate !== undefined && covers(candidate.revision) ? { candidate } : {}),
  };
}

/** The tenant's and the platform's policies, bound and sorted by id; those with errors are left out. */
function activePolicies(tenant: TenantResources, pass: Pass): ActivePolicy[] {
  const { options } = pass;
  const stateOf = options.stateOf ?? ((policy): PolicyState => ({ stable: policy }));
  const all = [...pass.sorted.platformPolicies, ...tenant.policies].filter(
    ({ object }) => object.spec.suspend !== true,
  );
  const byId = new Map(all.map((policy) => [policyId(policy.object), policy.object]));
  const lookup: PolicyLookup = (id) => {
    const policy = byId.get(id);
    return policy === undefined ? undefined : { policy, scope: scopeOf(policy, pass.platform) };
  };
  const active: ActivePolicy[] = [];
  for (const policy of all) {
    const state = stateOf(policy);
    const stable = state.stable && usable(state.stable, tenant, lookup, pass);
    const candidate = state.candidate && usable(state.candidate.policy, tenant, lookup, pass);
    if (stable === undefined && candidate === undefined) continue;
    active.push({
      id: policyId(policy.object),
      ...(stable === undefined ? {} : { stable }),
      ...(candidate === undefined
        ? {}
        : { candidate: { revision: candidate, stage: state.candidate?.stage ?? 'shadow' } }),
    });
  }
  return active.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function usable(
  loaded: LoadedResource<AgentPolicy>,
  tenant: TenantResources,
  lookup: PolicyLookup,
  pass: Pass,
): PolicyRevision | undefined {
  const revision = boundRevision(loaded, tenant, lookup, pass);
  for (const { code, severity, path, message } of revision.problems) {
    pass.findings.push(findingAt(loaded, code, severity, path, message));
  }
  if (!revision.rejected) return revision;
  pass.rejected.add(revision.id);
  return undefined;
}

function boundRevision(
  loaded: LoadedResource<AgentPolicy>,
  tenant: TenantResources,
  lookup: PolicyLookup,
  pass: Pass,
): PolicyRevision {
  const policy = loaded.object;
  const scope = scopeOf(policy, pass.platform);
  const problems = new Problems();
  checkScope(policy, scope.platform, tenant, problems);
  const overrides = resolveOverrides(policy, scope, lookup, problems);
  const tools = [...tenant.tools].filter(([toolId]) => scope.tools === undefined || scope.tools.has(toolId));
  const overrideKey = JSON.stringify([...overrides]);
  const problemKey = problems.list.map(({ message }) => message).join('\n');
  const inputs = [overrideKey, problemKey, ...tools.map(([, tool]) => tool.object)];
  return pass.cache.revisionOf(policy, tenant.name, inputs, () => {
    const contracts = new Map(tools.map(([toolId, tool]) => [toolId, pass.cache.contractsOf(tool)]));
    return bindRevision(loaded, { scope, contracts, overrides, digest: pass.options.digest, problems });
  });
}

function checkScope(policy: AgentPolicy, platform: boolean, tenant: TenantResources, problems: Problems): void {
  const { agents, tools } = policy.spec.scope;
  policy.spec.rules.forEach((rule, index) => {
    if (platform && rule.type !== 'Restrict') {
      const message = 'A policy of the platform may only restrict; grants belong to the tenants.';
      problems.error('AEGIS_PLATFORM_PERMIT', ['spec', 'rules', index, 'type'], message);
    }
  });
  if (platform) return;
  agents?.forEach((agent, index) => {
    if (tenant.registrations.has(agent)) return;
    problems.error(
      'AEGIS_UNKNOWN_AGENT',
      ['spec', 'scope', 'agents', index],
      `No AgentRegistration has the id "${agent}".`,
    );
  });
  tools?.forEach((tool, index) => {
    if (tenant.tools.has(tool)) return;
    problems.error('AEGIS_UNKNOWN_TOOL', ['spec', 'scope', 'tools', index], `No AgentTool has the id "${tool}".`);
  });
}
