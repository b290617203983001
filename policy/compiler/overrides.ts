/** `overrides` of Permits: which of them are valid, and why the others are not. */
import type { AgentPolicy } from '../resources/types.generated.ts';
import { policyId } from './bind-policy.ts';
import type { Problems } from './problem.ts';
import { overrideKey, type Scope, strictlyNarrower } from './scope.ts';
import type { NameSet } from './slice.ts';

interface Target {
  policy: AgentPolicy;
  scope: Scope;
}

/** The revisions that take part of a policy that is visible to the overriding one, by id. */
export type PolicyLookup = (id: string) => readonly Target[];

/** Per rule name the valid overrides (`overrideKey`); the others are reported and do nothing. */
export function resolveOverrides(
  policy: AgentPolicy,
  scope: Scope,
  lookup: PolicyLookup,
  digest: (text: string) => string,
  problems: Problems,
): Map<string, NameSet> {
  const resolved = new Map<string, NameSet>();
  policy.spec.rules.forEach((rule, ruleIndex) => {
    const valid: NameSet = {};
    (rule.overrides ?? []).forEach((reference, index) => {
      const [namespace, name, ruleName] = reference.split('/');
      const targets = lookup(`${namespace}/${name}`);
      const refusals = targets.map((target) => refusal(reference, ruleName, policy, scope, target));
      targets.forEach((target, i) => {
        if (refusals[i] === undefined) valid[overrideKey(reference, target.scope, digest)] = true;
      });
      if (refusals.includes(undefined)) return;
      const why = refusals[0] ?? `"${reference}" names no rule that is loaded here.`;
      problems.error('AEGIS_OVERRIDE', ['spec', 'rules', ruleIndex, 'overrides', index], why);
    });
    if (Object.keys(valid).length > 0) resolved.set(rule.name, valid);
  });
  return resolved;
}

function refusal(
  reference: string,
  ruleName: string | undefined,
  policy: AgentPolicy,
  scope: Scope,
  target: Target,
): string | undefined {
  if (policyId(target.policy) === policyId(policy)) {
    return `"${reference}" is in the same policy; only a wider policy's rule can be overridden.`;
  }
  const rule = target.policy.spec.rules.find((candidate) => candidate.name === ruleName);
  if (rule === undefined) return `"${reference}" names no rule that is loaded here.`;
  if (rule.type !== 'Restrict') return `"${reference}" is a Permit; only a Restrict can be overridden.`;
  if (rule.overridable !== true) return `"${reference}" is not marked overridable.`;
  if (!strictlyNarrower(scope, target.scope)) return `The scope is not strictly narrower than that of "${reference}".`;
  return undefined;
}
