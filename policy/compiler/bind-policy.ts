/**
 * A policy on one tool: the rules that bind each of its actions. The result does not depend on any agent, so it is
 * made once per (policy, tool) and shared by all slices.
 */
import type { AgentPolicy, Rule } from '../resources/types.generated.ts';
import type { ActionContract } from './action-contract.ts';
import { compileRule, declaresNeeds } from './compile-rule.ts';
import { Problems } from './problem.ts';
import { overrideKey, type Scope } from './scope.ts';
import type { CompiledRule, NameSet } from './slice.ts';

export interface ActionBinding {
  permits: CompiledRule[];
  restricts: CompiledRule[];
}

/** A rule on one action; `shadowedBy` names the Permit before it that fits every call. */
export interface RuleSite {
  rule: CompiledRule;
  shadowedBy?: string;
}

export interface ToolBinding {
  actions: Map<string, ActionBinding>;
  sites: RuleSite[];
  /** A Permit binds some action of the tool. */
  matched: boolean;
  problems: Problems;
}

export function policyId(policy: AgentPolicy): string {
  return `${policy.metadata.namespace ?? 'default'}/${policy.metadata.name}`;
}

/** Whether a rule names an action, or `'*'` reaches it. */
export function ruleBinds(rule: Rule, contract: ActionContract): boolean {
  return rule.actions.includes('*') ? declaresNeeds(rule, contract) : rule.actions.includes(contract.action);
}

export interface BindContext {
  scope: Scope;
  /** Per rule name, the Restricts that the rule validly overrides (`overrideKey`). */
  overrides: ReadonlyMap<string, NameSet>;
  /** Hex SHA-256 of a text's UTF-8 bytes. */
  digest(text: string): string;
}

export function bindPolicy(
  policy: AgentPolicy,
  contracts: ReadonlyMap<string, ActionContract>,
  { scope, overrides, digest }: BindContext,
): ToolBinding {
  const id = policyId(policy);
  const yields = new Map(
    policy.spec.rules
      .filter((rule) => rule.overridable === true)
      .map(({ name }) => [name, overrideKey(`${id}/${name}`, scope, digest)]),
  );
  const problems = new Problems(scope.platform);
  const actions = new Map<string, ActionBinding>();
  const sites: RuleSite[] = [];
  let matched = false;
  for (const contract of contracts.values()) {
    const binding: ActionBinding = { permits: [], restricts: [] };
    let always: string | undefined;
    policy.spec.rules.forEach((rule, index) => {
      if (!ruleBinds(rule, contract)) return;
      const compiled = compileRule(rule, contract, {
        policyId: id,
        path: ['spec', 'rules', index],
        problems,
        overrides: overrides.get(rule.name) ?? {},
        yields: yields.get(rule.name),
      });
      // a Permit without `when` fits always, so that no Permit behind it is ever asked
      const shadowedBy = compiled.permit ? always : undefined;
      sites.push({ rule: compiled, ...(shadowedBy === undefined ? {} : { shadowedBy }) });
      if (!compiled.permit) binding.restricts.push(compiled);
      else if (always === undefined) binding.permits.push(compiled);
      if (compiled.permit && compiled.when === undefined) always ??= compiled.name;
    });
    if (binding.permits.length + binding.restricts.length === 0) continue;
    matched ||= binding.permits.length > 0;
    actions.set(contract.action, binding);
  }
  return { actions, sites, matched, problems };
}
