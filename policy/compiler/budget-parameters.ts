/**
 * Budgets of a registration or a tenant are over a parameter's name, and bind the actions that declare it. One that no
 * tool declares is a mistake: it stays with every action, which then cannot be priced and is refused.
 */
import type { LimitObligation } from '../decision/types.ts';
import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentRegistration, AgentTenant, Limit } from '../resources/types.generated.ts';
import { didYouMean } from '../validation/suggest-name.ts';
import type { ActionContract } from './action-contract.ts';
import type { CompileCache } from './compile-cache.ts';
import { findingAt } from './finding-at.ts';
import type { TenantResources } from './tenant-resources.ts';

/** The obligations that an action gets; without `contract`, a request that is no action at all: nobody knows what it
 * spends, so that every budget binds it. */
export function bindingLimits(
  limits: readonly LimitObligation[],
  declared: ReadonlySet<string>,
  contract?: ActionContract,
): LimitObligation[] {
  if (contract === undefined) return [...limits];
  return limits.filter(
    ({ parameter }) => parameter === undefined || contract.parameters.has(parameter) || !declared.has(parameter),
  );
}

export function declaredParameters(actions: Iterable<ReadonlyMap<string, ActionContract>>): Set<string> {
  const names = new Set<string>();
  for (const byName of actions) {
    for (const { parameters } of byName.values()) for (const name of parameters.keys()) names.add(name);
  }
  return names;
}

export function checkBudgets(tenant: TenantResources, cache: CompileCache): Finding[] {
  const contracts = new Map([...tenant.tools].map(([toolId, tool]) => [toolId, cache.contractsOf(tool)]));
  const findings: Finding[] = [];
  if (tenant.tenant !== undefined) {
    findings.push(...checkLimits(tenant.tenant, tenant.tenant.object.spec.budget?.limits, contracts.values()));
  }
  for (const registration of tenant.registrations.values()) {
    const { tools = [], budget } = registration.object.spec;
    const own = (tools ?? []).flatMap(({ toolId }) => contracts.get(toolId) ?? []);
    findings.push(...checkLimits(registration, budget?.limits, own));
  }
  return findings;
}

function checkLimits(
  resource: LoadedResource<AgentRegistration> | LoadedResource<AgentTenant>,
  limits: readonly Limit[] | undefined,
  actions: Iterable<ReadonlyMap<string, ActionContract>>,
): Finding[] {
  if (limits === undefined || limits === null) return [];
  const all = [...actions];
  const declared = declaredParameters(all);
  return limits.flatMap((limit, index) => {
    const name = limit.budget?.parameter;
    if (name === undefined || name === null) return [];
    const path = ['spec', 'budget', 'limits', index, 'budget', 'parameter'];
    if (!declared.has(name)) {
      if (all.length === 0) return [];
      const message = `No action of a tool that this is about declares the parameter "${name}", so none can be priced.`;
      return [findingAt(resource, 'AEGIS_UNKNOWN_PARAMETER', 'error', path, message, didYouMean(name, declared))];
    }
    const wrong = all
      .flatMap((byName) => [...byName.values()])
      .find(({ parameters }) => parameters.has(name) && parameters.get(name)?.type !== 'number');
    if (wrong === undefined) return [];
    const { toolId, action, parameters } = wrong;
    const message = `A budget needs a number, and "${name}" of ${toolId}/${action} is of type ${parameters.get(name)?.type}.`;
    return [findingAt(resource, 'AEGIS_TYPE_MISMATCH', 'error', path, message)];
  });
}
