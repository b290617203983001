/** What stands in for resources that are not (or no longer) as they should be. */
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { KubeObject } from '../kube/types.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
import type { Intaken } from '../model/intaken.ts';
import { loadedObject } from '../model/loaded-object.ts';

/** The object without what only the API server needs to know: what an entry keeps of an accepted version. */
export function keptVersion({ object }: LoadedResource): KubeObject & { spec: unknown } {
  const { apiVersion, kind, metadata, spec } = object;
  const { name, namespace, uid, generation, creationTimestamp } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(generation !== undefined && { generation }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec,
  };
}

/** The last good version of the very same object; one that was deleted and made again has none. */
export function lastGoodOf(current: Intaken, entry: StateEntry | undefined): LoadedResource | undefined {
  const same = entry !== undefined && entry.uid === current.object.metadata.uid && entry.tombstone === undefined;
  return same ? loadedObject(entry.accepted as KubeObject) : undefined;
}

const refusing = new WeakMap<StateEntry, LoadedResource<AgentRegistration>>();

/**
 * A registration that was deleted: its agent stays in the bundle and is refused everything, because a gateway that finds
 * itself gone would keep what it has. It keeps its tools: their hosts would be those of no tool otherwise, which pass
 * where the guard is off.
 */
export function tombstoneOf(entry: StateEntry): LoadedResource<AgentRegistration> {
  let loaded = refusing.get(entry);
  if (loaded === undefined) {
    const { spec, ...rest } = entry.accepted as AgentRegistration;
    const { agentId, owner, workload } = spec;
    // all their actions, whether or not those that were named are still there
    const tools = (spec.tools ?? []).map(({ toolId }) => ({ toolId }));
    const closed = { ...(agentId !== undefined && { agentId }), owner, workload, tools, suspended: true };
    loaded = loadedObject<AgentRegistration>({ ...rest, spec: closed } as KubeObject);
    refusing.set(entry, loaded);
  }
  return loaded;
}

const REGISTRATION = 'AgentRegistration ';

export function isRegistration(key: string): boolean {
  return key.startsWith(REGISTRATION);
}

/** Entries of registrations that exist no more, as tombstones that hold until `now + maxStaleness` (ms). */
export function tombstones(
  entries: StateEntries,
  present: ReadonlySet<string>,
  takenAgentIds: ReadonlySet<string>,
  now: number,
  maxStaleness: number,
): Map<string, StateEntry> {
  const kept = new Map<string, StateEntry>();
  for (const [key, entry] of entries) {
    if (!isRegistration(key) || present.has(key)) continue;
    const { metadata, spec } = entry.accepted as AgentRegistration;
    if (takenAgentIds.has(spec.agentId ?? metadata.name)) continue;
    const { tombstone } = entry;
    if (tombstone === undefined) kept.set(key, buried(entry, now, maxStaleness));
    else if (tombstone.until > now) kept.set(key, entry);
  }
  return kept;
}

/** A clock that was set back must not make it last longer than it may. */
function buried({ uid, generation, accepted, sequence }: StateEntry, now: number, maxStaleness: number): StateEntry {
  return { uid, generation, accepted, sequence, tombstone: { since: now, until: now + maxStaleness } };
}
