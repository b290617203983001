import type { AgentPolicy, AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { StateEntries } from '../model/committed.ts';
import type { Acceptance } from './acceptance.ts';
import type { PolicyPlan } from './rollouts.ts';

/**
 * Per registration that observes (`unmatched: Observe`): the tools for which a policy with a Permit for the pair
 * enforces, or ever has. From then on, no permit means deny, whatever becomes of the policy.
 */
export function enforcedPairs(
  acceptance: Acceptance,
  plans: ReadonlyMap<string, PolicyPlan>,
  before: StateEntries,
): Map<string, readonly string[]> {
  const stable = [...plans.values()].flatMap(({ takesPart }) =>
    takesPart.stable === undefined ? [] : [takesPart.stable.object],
  );
  const pairs = new Map<string, readonly string[]>();
  for (const { key, loaded } of acceptance.choices()) {
    if (loaded?.object.kind !== 'AgentRegistration') continue;
    const { spec, metadata } = loaded.object as AgentRegistration;
    const known = before.get(key)?.uid === metadata.uid ? (before.get(key)?.everEnforced ?? []) : [];
    if (spec.unmatched !== 'Observe') {
      if (known.length > 0) pairs.set(key, known);
      continue;
    }
    const agent = spec.agentId ?? metadata.name;
    const tools = (spec.tools ?? []).map(({ toolId }) => toolId);
    const now = tools.filter((tool) => stable.some((policy) => permits(policy, agent, tool)));
    pairs.set(key, [...new Set([...known, ...now])].sort());
  }
  return pairs;
}

function permits({ spec: { scope, rules } }: AgentPolicy, agent: string, tool: string): boolean {
  if (scope.agents !== undefined && !scope.agents.includes(agent)) return false;
  if (scope.tools !== undefined && !scope.tools.includes(tool)) return false;
  return rules.some(({ type }) => type !== 'Restrict');
}

/** As committed: by agent id. */
export function everEnforcedPairs(entries: StateEntries): Map<string, readonly string[]> {
  const pairs = new Map<string, readonly string[]>();
  for (const [key, { accepted, everEnforced }] of entries) {
    if (everEnforced === undefined || !key.startsWith('AgentRegistration ')) continue;
    const { spec, metadata } = accepted as AgentRegistration;
    const agent = spec.agentId ?? metadata.name;
    pairs.set(agent, [...(pairs.get(agent) ?? []), ...everEnforced]);
  }
  return pairs;
}
