import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy } from '../resources/types.generated.ts';
import { didYouMean } from '../validation/suggest-name.ts';
import type { ActivePolicy } from './agent-slice.ts';
import { policyId } from './bind-policy.ts';
import type { PolicyState } from './compile-options.ts';
import type { CompilePass } from './compile-pass.ts';
import { findingAt } from './finding-at.ts';
import { type PolicyLookup, resolveOverrides } from './overrides.ts';
import { bindRevision, type PolicyRevision } from './policy-revision.ts';
import { Problems } from './problem.ts';
import { scopeOf } from './scope.ts';
import type { TenantResources } from './tenant-resources.ts';

/** The tenant's and the platform's policies, bound and sorted by id; those with errors are left out. */
export function activePolicies(tenant: TenantResources, pass: CompilePass): ActivePolicy[] {
  const { options } = pass;
  const stateOf = options.stateOf ?? ((policy): PolicyState => ({ stable: policy }));
  const states = new Map(
    [...pass.sorted.platformPolicies, ...tenant.policies].map((policy) => [
      policyId(policy.object),
      inForce(stateOf(policy)),
    ]),
  );
  const lookup = lookupIn(states, pass);
  const active: ActivePolicy[] = [];
  for (const [id, state] of states) {
    const stable = state.stable && usable(state.stable, tenant, lookup, pass);
    const candidate = state.candidate && usable(state.candidate.policy, tenant, lookup, pass);
    if (stable === undefined && candidate === undefined) continue;
    active.push({
      id,
      ...(stable === undefined ? {} : { stable }),
      ...(candidate === undefined ? {} : { candidate: candidateOf(candidate, state) }),
    });
  }
  return active.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** Finds the revisions that overrides may name. */
export function lookupIn(states: ReadonlyMap<string, PolicyState>, pass: CompilePass): PolicyLookup {
  return (id) => {
    const { stable, candidate } = states.get(id) ?? {};
    return [stable, candidate?.policy].flatMap((revision) =>
      revision === undefined
        ? []
        : [{ policy: revision.object, scope: scopeOf(revision.object, pass.platformNamespace) }],
    );
  };
}

function candidateOf(revision: PolicyRevision, state: PolicyState): NonNullable<ActivePolicy['candidate']> {
  const { stage = 'shadow', cohort } = state.candidate ?? {};
  return { revision, stage, ...(stage === 'partial' && cohort !== undefined && { cohort }) };
}

/** A revision that says `suspend` takes no part; one that still enforces is taken out by `stateOf` alone. */
export function inForce({ stable, candidate }: PolicyState): PolicyState {
  return {
    ...(stable === undefined || stable.object.spec.suspend === true ? {} : { stable }),
    ...(candidate === undefined || candidate.policy.object.spec.suspend === true ? {} : { candidate }),
  };
}

function usable(
  loaded: LoadedResource<AgentPolicy>,
  tenant: TenantResources,
  lookup: PolicyLookup,
  pass: CompilePass,
): PolicyRevision | undefined {
  const revision = boundRevision(loaded, tenant, lookup, pass);
  pass.findings.push(...findingsOf(revision, loaded));
  if (!revision.rejected) return revision;
  pass.rejected.add(revision.id);
  return undefined;
}

export function findingsOf({ problems }: PolicyRevision, loaded: LoadedResource<AgentPolicy>): Finding[] {
  return problems.map(({ code, severity, path, message, fix }) =>
    findingAt(loaded, code, severity, path, message, fix),
  );
}

export function boundRevision(
  loaded: LoadedResource<AgentPolicy>,
  tenant: TenantResources,
  lookup: PolicyLookup,
  pass: CompilePass,
): PolicyRevision {
  const policy = loaded.object;
  const scope = scopeOf(policy, pass.platformNamespace);
  const problems = new Problems(scope.platform);
  checkScope(policy, scope.platform, tenant, problems);
  const overrides = resolveOverrides(policy, scope, lookup, pass.options.digest, problems);
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
      didYouMean(agent, tenant.registrations.keys()),
    );
  });
  tools?.forEach((tool, index) => {
    if (tenant.tools.has(tool)) return;
    const path = ['spec', 'scope', 'tools', index];
    const message = `No AgentTool has the id "${tool}".`;
    problems.error('AEGIS_UNKNOWN_TOOL', path, message, didYouMean(tool, tenant.tools.keys()));
  });
}
