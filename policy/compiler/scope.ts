import { canonicalJson } from '../bundle/canonical-json.ts';
import type { AgentPolicy } from '../resources/types.generated.ts';

export interface Scope {
  /** True for an AgentPolicy in the operator's namespace: it binds every tenant. */
  platform: boolean;
  agents?: ReadonlySet<string>;
  tools?: ReadonlySet<string>;
}

/** The scope of a policy; an absent dimension means all of the tenant. */
export function scopeOf(policy: AgentPolicy, platformNamespace: string): Scope {
  const { agents, tools } = policy.spec.scope;
  return {
    platform: policy.metadata.namespace === platformNamespace,
    ...(agents === undefined ? {} : { agents: new Set(agents) }),
    ...(tools === undefined ? {} : { tools: new Set(tools) }),
  };
}

function within(inner: ReadonlySet<string> | undefined, outer: ReadonlySet<string> | undefined): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  return [...inner].every((name) => outer.has(name));
}

/**
 * Whether `inner` covers strictly fewer (agent, tool) pairs than `outer`: any tenant scope is narrower than a platform
 * scope that covers it, and inside one tenant each dimension must be contained and one of them smaller.
 */
export function strictlyNarrower(inner: Scope, outer: Scope): boolean {
  if (inner.platform && !outer.platform) return false;
  if (!within(inner.agents, outer.agents) || !within(inner.tools, outer.tools)) return false;
  if (outer.platform && !inner.platform) return true;
  return !within(outer.agents, inner.agents) || !within(outer.tools, inner.tools);
}

/**
 * What names a Restrict in `overrides`. Stable and candidate revision of a policy share their rules' names, but an
 * override that is valid for one of them need not be for the other, so that the scope belongs to the name.
 */
export function overrideKey(
  ruleId: string,
  { platform, agents, tools }: Scope,
  digest: (text: string) => string,
): string {
  const listed = (names: ReadonlySet<string> | undefined): string[] | null => (names ? [...names].sort() : null);
  return `${ruleId}@${digest(canonicalJson([platform, listed(agents), listed(tools)])).slice(0, 16)}`;
}
