/** Which tools a policy speaks about, of those that there are. */
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentPolicy, AgentTool } from '../../policy/resources/types.generated.ts';
import type { StateEntry } from '../model/committed.ts';
import type { Acceptance } from './acceptance.ts';

export function toolIdOf({ spec, metadata }: AgentTool): string {
  return spec.toolId ?? metadata.name;
}

/** Ids. */
export function toolsTakingPart(acceptance: Acceptance): Set<string> {
  const found = new Set<string>();
  for (const { object } of acceptance.loaded())
    if (object.kind === 'AgentTool') found.add(toolIdOf(object as AgentTool));
  return found;
}

/** A policy about tools none of which takes part. */
export function speaksOfNone({ object }: LoadedResource, tools: ReadonlySet<string>): boolean {
  if (object.kind !== 'AgentPolicy') return false;
  const { tools: named } = (object as AgentPolicy).spec.scope;
  return named == null ? tools.size === 0 : !named.some((id) => tools.has(id));
}

/** Ids of the tools that any version of these policies names; undefined: one of them speaks about all. */
export function toolsNamed(
  policies: readonly (StateEntry | undefined)[],
  current: readonly (LoadedResource | undefined)[],
): ReadonlySet<string> | undefined {
  const kept = policies.flatMap((entry) => [entry?.accepted, entry?.stable]);
  const versions = [...kept, ...current.map((loaded) => loaded?.object)].filter((each) => each !== undefined);
  const named = versions.map((version) => (version as AgentPolicy).spec.scope.tools);
  return named.some((tools) => tools == null) ? undefined : new Set(named.flatMap((tools) => tools ?? []));
}
