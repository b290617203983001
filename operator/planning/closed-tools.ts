/**
 * Tools that were deleted while registrations still name them. Their hosts would be those of no tool, which pass where the
 * guard is off; so they stay in the bundle, without any action, for as long as somebody names them.
 */
import { closedSpec } from '../../policy/compiler/closed-tools.ts';
import type { AgentRegistration, AgentTool } from '../../policy/resources/types.generated.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
import type { Acceptance } from './acceptance.ts';
import { toolIdOf, toolsTakingPart } from './tools-in-scope.ts';

/** By id, not by name: another tool may bear the name by now. */
const CLOSED = 'ClosedTool ';
const TOOL = 'AgentTool ';

/** Entries by toolId; one that is known already is the same object. */
export function closedTools(
  entries: StateEntries,
  acceptance: Acceptance,
  graves: ReadonlyMap<string, StateEntry>,
): Map<string, StateEntry> {
  const open = toolsTakingPart(acceptance);
  const named = toolsOfRegistrations(acceptance, graves);
  const closed = new Map<string, StateEntry>();
  for (const key of [...entries.keys()].sort()) {
    if (!key.startsWith(TOOL) && !key.startsWith(CLOSED)) continue;
    const entry = entries.get(key) as StateEntry;
    const toolId = toolIdOf(entry.accepted as AgentTool);
    if (open.has(toolId) || !named.has(toolId) || closed.has(toolId)) continue;
    closed.set(toolId, key.startsWith(CLOSED) ? entry : closedEntry(entry));
  }
  return closed;
}

export function closedKey(toolId: string): string {
  return CLOSED + toolId;
}

function closedEntry({ uid, generation, accepted }: StateEntry): StateEntry {
  const tool = accepted as AgentTool;
  const { apiVersion, kind, metadata, spec } = tool;
  const kept = { apiVersion, kind, metadata, spec: { toolId: toolIdOf(tool), ...closedSpec(spec) } };
  return { uid, generation, accepted: kept, sequence: 0 };
}

function toolsOfRegistrations(acceptance: Acceptance, graves: ReadonlyMap<string, StateEntry>): Set<string> {
  const current = [...acceptance.loaded()].map(({ object }) => object as AgentRegistration);
  const left = [...graves.values()].map(({ accepted }) => accepted as AgentRegistration);
  const registrations = [...current, ...left].filter(({ kind }) => kind === 'AgentRegistration');
  return new Set(registrations.flatMap(({ spec }) => (spec.tools ?? []).map(({ toolId }) => toolId)));
}
