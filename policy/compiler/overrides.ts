/** `overrides` of Permits: which of them are valid, and why the others are not. */
import type { AgentPolicy } from '../resources/types.generated.ts';
import { policyId } from './bind-policy.ts';
import type { Problems } from './problem.ts';
import { type Scope, strictlyNarrower } from './scope.ts';
import type { NameSet } from './slice.ts';

/** Finds a policy that is visible to the overriding one, by id. */
export type PolicyLookup = (id: string) => { policy: AgentPolicy; scope: Scope } | undefined;

/** Per rule name the valid overrides; the others are reported and do nothing. */
export function resolveOverrides(
  policy: AgentPolicy,
  scope: Scope,
  lookup: PolicyLookup,
  problems: Problems,
): Map<string, NameSet> {
  const resolved = new Map<string, NameSet>();
  policy.spec.rules.forEach((rule, ruleIndex) => {
    const valid: NameSet = {};
    (rule.overrides ?? []).forEach((reference, index) => {
      const why = refusal(reference, policy, scope, lookup);
      if (why === undefined) valid[reference] = true;
      else problems.error('AEGIS_OVERRIDE', ['spec', 'rules', ruleIndex, 'overrides', index], why);
    });
    if (Object.keys(valid).length > 0) resolved.set(rule.name, valid);
  });
  return resolved;
}

function refusal(reference: string, policy: AgentPolicy, scope: Scope, lookup: PolicyLookup): string | undefined {
  const [namespace, name, ruleName] = reference.split('/');
  const id = `${namespace}/${name}`;
  if (id === policyId(policy))
    return `"${reference}" is in the same policy; only a wider policy's rule can be overridden.`;
  const target = lookup(id);
  const rule = target?.policy.spec.rules.find((candidate) => candidate.name === ruleName);
  if (target === undefined || rule === undefined) return `"${reference}" names no rule that is loaded here.`;
  if (rule.type !== 'Restrict') return `"${reference}" is a Permit; only a Restrict can be overridden.`;
  if (rule.overridable !== true) return `"${reference}" is not marked overridable.`;
  if (!strictlyNarrower(scope, target.scope)) return `The scope is not strictly narrower than that of "${reference}".`;
  return undefined;
}
