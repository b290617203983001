/** Where nothing permits a call: the rules that come closest, and why each did not fit. */
import { policyId } from '../compiler/bind-policy.ts';
import type { DecisionInput } from '../decision/types.ts';
import { type FieldPath, formatPath } from '../resources/resource.ts';
import type { AgentPolicy, Rule } from '../resources/types.generated.ts';
import { suggestName } from '../validation/suggest-name.ts';
import { type ExplainContext, remedyContext } from './explain-call.ts';
import type { NearRule } from './explanation.ts';
import { remedyOf } from './remedy.ts';
import type { Trace } from './trace.ts';

const MOST = 5;

export function nearestRules(trace: Trace, input: DecisionInput, context: ExplainContext): NearRule[] {
  const asked = unfitting(trace, input, context);
  const named = new Set(asked.map(({ policy, rule }) => `${policy}/${rule}`));
  const others = context.resources.policies
    .flatMap(({ object }) => object.spec.rules.map((rule) => ({ policy: object, rule })))
    .filter(({ policy, rule }) => rule.type !== 'Restrict' && !named.has(`${policyId(policy)}/${rule.name}`))
    .flatMap(({ policy, rule }) => elsewhere(policy, rule, input, context))
    .sort((a, b) => a.distance - b.distance)
    .map(({ near }) => near);
  return [...asked, ...others].slice(0, MOST);
}

/** Permits on the action whose `when` did not fit. */
function unfitting(trace: Trace, input: DecisionInput, context: ExplainContext): NearRule[] {
  return trace.policies.flatMap(({ rules }) =>
    rules.flatMap((traced): NearRule[] => {
      const { rule } = traced;
      const source = context.index.rule(rule.id);
      const failed = traced.when.find(({ state }) => (rule.grants ? state !== 'holds' : state === 'refuted'));
      if (!rule.permit || failed === undefined || source === undefined) return [];
      const place = context.index.condition(rule, 'when', failed.condition, input.tool, input.action);
      const { given, call, change } = remedyOf(failed.condition, remedyContext(place, input, context));
      return [
        {
          policy: rule.policy,
          rule: rule.name,
          rulePlace: { field: source.field, location: source.location },
          ...(place && { place }),
          why: `its \`when\` does not fit: ${failed.condition.m}`,
          ...(given && { given }),
          ...(call && { call }),
          ...(change && { change }),
        },
      ];
    }),
  );
}

interface Elsewhere {
  distance: number;
  near: NearRule;
}

interface Miss {
  distance: number;
  why: string;
  path: FieldPath;
  name: string;
}

/** A Permit that is for another agent or action. Rules for other tools are not near. */
function elsewhere(policy: AgentPolicy, rule: Rule, input: DecisionInput, context: ExplainContext): Elsewhere[] {
  const id = policyId(policy);
  const source = context.index.rule(`${id}/${rule.name}`);
  const { agents, tools } = policy.spec.scope;
  if (source === undefined || (tools !== undefined && !tools.includes(input.tool))) return [];
  const misses: Miss[] = [];
  if (agents !== undefined && !agents.includes(input.agent)) {
    const why = `its policy is for ${agents.join(', ')}`;
    misses.push({ distance: 4, why, path: ['spec', 'scope', 'agents'], name: input.agent });
  }
  if (!rule.actions.includes('*') && !rule.actions.includes(input.action)) {
    const distance = suggestName(input.action, rule.actions) === undefined ? 2 : 1;
    const path = [...source.path, 'actions'];
    misses.push({ distance, why: `it names only ${rule.actions.join(', ')}`, path, name: input.action });
  }
  const [first] = misses;
  if (first === undefined) return [];
  const near = {
    policy: id,
    rule: rule.name,
    rulePlace: { field: source.field, location: source.location },
    place: { field: formatPath(first.path), location: source.policy.locate(first.path) },
    why: misses.map(({ why }) => why).join(', and '),
    change: misses.map(({ name, path }) => `add ${name} to ${formatPath(path)}`).join(', and '),
  };
  return [{ distance: misses.reduce((sum, { distance }) => sum + distance, 0), near }];
}
