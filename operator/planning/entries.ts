/** What to remember of every resource with the next commit. Entries that say the same stay the same objects. */
import { canonicalJson } from '../../policy/bundle/canonical-json.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { RolloutState } from '../../policy/rollout/rollout-state.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
import type { Acceptance } from './acceptance.ts';
import { closedKey } from './closed-tools.ts';
import type { ResourceResult } from './resource-result.ts';
import type { PolicyPlan } from './rollouts.ts';
import { keptVersion } from './stand-ins.ts';
import { speaksOfNone, toolsTakingPart } from './tools-in-scope.ts';

export interface EntriesInput {
  acceptance: Acceptance;
  results: ReadonlyMap<string, ResourceResult>;
  graves: ReadonlyMap<string, StateEntry>;
  /** By toolId. */
  closed: ReadonlyMap<string, StateEntry>;
  /** By key of the registration. */
  everEnforced: ReadonlyMap<string, readonly string[]>;
  before: StateEntries;
  /** Its policies bind the tools of every tenant. */
  platformNamespace: string;
}

/** What is new, or takes part in another way than before, has sequence 0. */
export function nextEntries(input: EntriesInput): Map<string, StateEntry> {
  const { acceptance, results, graves, closed, before } = input;
  const entries = new Map(graves);
  for (const [toolId, entry] of closed) entries.set(closedKey(toolId), entry);
  const tools = toolsTakingPart(acceptance);
  for (const { key, loaded } of acceptance.choices()) {
    const result = results.get(key);
    if (loaded === undefined || result === undefined) continue;
    const known = before.get(key);
    const entry =
      result.takesPart === 'none' ? sameObject(known, loaded) : entryOf(loaded, known, result, { ...input, tools });
    if (entry !== undefined) entries.set(key, entry);
  }
  return entries;
}

/** A version that takes no part leaves what was remembered of the same object, if anything. */
function sameObject(known: StateEntry | undefined, { object }: LoadedResource): StateEntry | undefined {
  return known?.uid === object.metadata.uid ? known : undefined;
}

function entryOf(
  loaded: LoadedResource,
  known: StateEntry | undefined,
  { plan, current }: ResourceResult,
  { everEnforced, tools, platformNamespace }: EntriesInput & { tools: ReadonlySet<string> },
): StateEntry {
  const { uid = '', generation = 0 } = loaded.object.metadata;
  const same = known?.uid === uid && known.generation === generation && known.tombstone === undefined;
  const enforced = everEnforced.get(current.key) ?? [];
  const waits = loaded.object.metadata.namespace !== platformNamespace && speaksOfNone(loaded, tools);
  const next: StateEntry = {
    uid,
    generation,
    accepted: same ? known.accepted : keptVersion(loaded),
    ...stableOf(plan, known),
    ...rolloutOf(plan, known?.uid === uid ? known : undefined, waits),
    ...(enforced.length > 0 && { everEnforced: [...enforced] }),
    sequence: 0,
  };
  if (same && equal(known, next)) return known;
  return { ...next, sequence: known !== undefined && takesPartAlike(known, next) ? known.sequence : 0 };
}

/** Sequence 0 becomes the sequence that is committed. */
export function numbered(entries: ReadonlyMap<string, StateEntry>, sequence: number): Map<string, StateEntry> {
  return new Map([...entries].map(([key, entry]) => [key, entry.sequence === 0 ? { ...entry, sequence } : entry]));
}

/**
 * A policy that came before its tools has never been in force, so that nothing can break it: its rollout begins when there
 * is something to bind. One that has lost them stays where it was.
 */
function rolloutOf(
  plan: PolicyPlan | undefined,
  known: StateEntry | undefined,
  waits: boolean,
): Pick<StateEntry, 'rollout'> {
  if (plan === undefined) return {};
  if (!waits) return { rollout: withoutCounts(plan.state, known?.rollout) };
  return known?.rollout === undefined ? {} : { rollout: known.rollout };
}

function stableOf(plan: PolicyPlan | undefined, known: StateEntry | undefined): { stable?: unknown } {
  if (plan?.stable === undefined) return {};
  const { uid, generation } = plan.stable.object.metadata;
  const kept = [known?.stable, known?.accepted].find((object) => {
    const metadata = (object as { metadata?: { uid?: string; generation?: number } } | undefined)?.metadata;
    return metadata?.uid === uid && metadata?.generation === generation;
  });
  return { stable: kept ?? keptVersion(plan.stable) };
}

/**
 * Counts of evidence are no part of what is committed: they change all the time, and come again from the gateways. Nor is
 * a phase that only says what is waited for, so that an edit which changes nothing in force commits nothing.
 */
function withoutCounts(state: RolloutState, known: RolloutState | undefined): RolloutState {
  if (state === known) return known;
  const { gate: _, ...rest } = state;
  const lasting = (each: RolloutState): string =>
    canonicalJson({ ...each, phase: each.phase === 'RolledBack' ? each.phase : null });
  return known !== undefined && lasting(known) === lasting(rest) ? known : rest;
}

function equal(a: StateEntry, b: StateEntry): boolean {
  return (
    a.rollout === b.rollout && a.stable === b.stable && (a.everEnforced ?? []).join() === (b.everEnforced ?? []).join()
  );
}

/** Whether gateways would see no difference: revision and stage of a policy, the object of everything else. */
function takesPartAlike(known: StateEntry, next: StateEntry): boolean {
  if (known.uid !== next.uid || known.tombstone !== undefined) return false;
  if (next.rollout === undefined || known.rollout === undefined) {
    return known.rollout === next.rollout && known.generation === next.generation;
  }
  const facts = ({ stage, revision, stableRevision, partialPercent }: RolloutState): string =>
    [stage, revision, stableRevision, partialPercent].join();
  const suspended = ({ accepted }: StateEntry): boolean =>
    (accepted as { spec?: { suspend?: boolean } }).spec?.suspend === true;
  return facts(known.rollout) === facts(next.rollout) && suspended(known) === suspended(next);
}
