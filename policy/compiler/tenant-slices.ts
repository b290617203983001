import { canonicalJson } from '../bundle/canonical-json.ts';
import type { LimitObligation } from '../decision/types.ts';
import type { Finding } from '../errors.ts';
import { type ActivePolicy, agentSliceText, type SlicePart, type Stage } from './agent-slice.ts';
import { findConflicts } from './analysis/conflicts.ts';
import { declaredParameters } from './budget-parameters.ts';
import { chainLinks } from './chain-links.ts';
import type { SliceFile } from './compile-cache.ts';
import type { CompilePass } from './compile-pass.ts';
import { limitObligation } from './compile-rule.ts';
import { abstaining, type PolicyRevision } from './policy-revision.ts';
import type { TenantResources } from './tenant-resources.ts';
import { toolParts } from './tool-parts.ts';

const encoder = new TextEncoder();

/** The slice of every agent of the tenant, by agentId in sorted order. */
export function agentSlices(
  tenant: TenantResources,
  policies: readonly ActivePolicy[],
  pass: CompilePass,
): Map<string, SliceFile> {
  const { options, cache } = pass;
  const registrations = new Map([...tenant.registrations].map(([id, { object }]) => [id, object]));
  const suspended = (id: string): boolean =>
    registrations.get(id)?.spec.suspended === true || (options.suspended?.(tenant.name, id) ?? false);
  const parts = toolParts(tenant.tools, pass.sorted.unusable, cache, pass.findings);
  const byAgent = policiesByAgent(policies, registrations.keys());
  const limits = (tenant.tenant?.object.spec.budget?.limits ?? []).map(
    (limit): LimitObligation => limitObligation(limit, `tenant/${limit.name}`),
  );
  const tenantParameters = declaredParameters([...parts.values()].map(({ actions }) => actions));
  // Of all that others declare, a slice depends on no more than this.
  const budgeted = limits.map(({ parameter }) => parameter !== undefined && tenantParameters.has(parameter)).join();
  const slices = new Map<string, SliceFile>();
  for (const [agentId, registration] of [...registrations].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const chain = chainLinks(agentId, registrations, suspended, tenant.tenant?.object.spec.defaults?.maxDepth);
    const tools = (registration.spec.tools ?? []).flatMap(({ toolId, actions }) => {
      const part = parts.get(toolId);
      return part === undefined ? [] : [actions === undefined ? part : restricted(part, actions)];
    });
    const closed = (registration.spec.tools ?? []).flatMap(({ toolId }) => {
      if (parts.has(toolId)) return [];
      const tool = tenant.tools.get(toolId)?.object ?? options.closedTool?.(tenant.name, toolId);
      return tool === undefined ? [] : [{ toolId, tool }];
    });
    const own = byAgent.get(agentId) ?? [];
    const everEnforced = (toolId: string): boolean => options.everEnforced?.(tenant.name, agentId, toolId) ?? false;
    const inputs = [
      registration,
      tenant.tenant?.object,
      suspended(agentId),
      canonicalJson(chain),
      budgeted,
      ...tools.flatMap(({ toolId }) => [tenant.tools.get(toolId)?.object, everEnforced(toolId)]),
      // a separator: what is closed is no tool
      closed.length,
      ...closed.map(({ tool }) => tool),
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
          closed,
          policies: own,
          tenantLimits: limits,
          tenantParameters,
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

function restricted(part: SlicePart, actions: readonly string[]): SlicePart {
  const { toolId, contract, upstream } = part;
  return {
    toolId,
    contract,
    upstream,
    actions: new Map([...part.actions].filter(([action]) => actions.includes(action))),
  };
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

/**
 * A revision whose scope does not cover the agent abstains; it still stands in the place of the other one. Where a
 * cohort is known, the candidate either enforces for the agent or shadows.
 */
function forAgent(policy: ActivePolicy, agentId: string): ActivePolicy {
  const covers = ({ scope }: PolicyRevision): boolean => scope.agents === undefined || scope.agents.has(agentId);
  const { id, stable, candidate } = policy;
  const same = (stable === undefined || covers(stable)) && (candidate === undefined || covers(candidate.revision));
  if (same && candidate?.cohort === undefined) return policy;
  const seen = (revision: PolicyRevision): PolicyRevision => (covers(revision) ? revision : abstaining(revision));
  return {
    id,
    ...(stable === undefined ? {} : { stable: seen(stable) }),
    ...(candidate === undefined
      ? {}
      : { candidate: { revision: seen(candidate.revision), stage: stageFor(candidate, agentId) } }),
  };
}

function stageFor({ stage, cohort }: NonNullable<ActivePolicy['candidate']>, agentId: string): Stage {
  if (cohort === undefined) return stage;
  return cohort.has(agentId) ? 'enforce' : 'shadow';
}
