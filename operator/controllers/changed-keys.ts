import type { ResourceResult } from '../planning/resource-result.ts';
import type { TenantRecord } from './tenant-record.ts';
import { toolIdOf, toolsOf } from './tool-users.ts';

type Results = ReadonlyMap<string, ResourceResult>;

/** Resources of which something else is to be said than after the pass before. */
export function* changedKeys(before: TenantRecord | undefined, now: TenantRecord): Iterable<string> {
  const { results, entries } = now.outcome.plan;
  const known = before?.outcome.plan;
  const all = before?.problem?.message !== now.problem?.message;
  for (const [key, result] of results) {
    const last = known?.results.get(key);
    if (all || last === undefined || known?.entries.get(key) !== entries.get(key) || !alike(last, result)) yield key;
  }
  for (const key of known?.results.keys() ?? []) if (!results.has(key)) yield key;
  yield* toolsOfChanged(known?.results, results);
}

/** Tools that a registration has begun or ceased to name: their statuses say whether anybody does. */
function* toolsOfChanged(before: Results | undefined, now: Results): Iterable<string> {
  const named = new Set<string>();
  for (const [results, others] of [[now, before] as const, [before, now] as const]) {
    for (const [key, { current }] of results ?? []) {
      if (current.kind !== 'AgentRegistration' || others?.get(key)?.current.loaded === current.loaded) continue;
      for (const tool of toolsOf(current)) named.add(tool);
    }
  }
  if (named.size === 0) return;
  for (const [key, { current }] of now) if (current.kind === 'AgentTool' && named.has(toolIdOf(current))) yield key;
}

function isQuiet({ findings, missing }: ResourceResult): boolean {
  return findings.length === 0 && missing.length === 0;
}

function alike(a: ResourceResult, b: ResourceResult): boolean {
  const texts = ({ findings, missing }: ResourceResult): string =>
    [...findings, ...missing].map(({ code, field, message }) => `${code} ${field} ${message}`).join('\n');
  return (
    a.current.loaded === b.current.loaded &&
    a.takesPart === b.takesPart &&
    a.plan?.wait === b.plan?.wait &&
    a.plan?.targetStage === b.plan?.targetStage &&
    ((isQuiet(a) && isQuiet(b)) || texts(a) === texts(b))
  );
}
