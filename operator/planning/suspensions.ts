/**
 * What may be published although nothing new may be: what is committed, less agents that were suspended or deleted since.
 * Never a grant, whatever else their registrations say by now.
 */
import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { KubeObject } from '../kube/types.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
import { type Intaken, KINDS, type Kind } from '../model/intaken.ts';
import { loadedObject } from '../model/loaded-object.ts';
import { isRegistration } from './stand-ins.ts';

export interface CommittedParts {
  tenant?: Intaken;
  own: Intaken[];
  platform: Intaken[];
  /** Versions with `suspended: true` in place of the accepted ones, by key. */
  suspended: ReadonlyMap<string, unknown>;
  /** Whether anything is less than what is committed. */
  lessens: boolean;
}

/** Everything as it was committed, as if it were there now; `own`: resources of the tenant as they are. */
export function committedParts(
  entries: StateEntries,
  own: readonly Intaken[],
  platformNamespace: string,
  ownsPlatform: boolean,
): CommittedParts {
  const now = new Map(own.map((item) => [item.key, item]));
  const parts: CommittedParts = { own: [], platform: [], suspended: new Map(), lessens: false };
  const suspended = new Map<string, unknown>();
  for (const [key, entry] of entries) {
    const kind = KINDS.find((each) => key.startsWith(`${each} `));
    if (kind === undefined || entry.tombstone !== undefined) continue;
    const current = now.get(key);
    if (isRegistration(key) && isGone(current, entry)) {
      parts.lessens = true;
      continue;
    }
    const object =
      isRegistration(key) && isSuspended(current) ? suspendedVersion(entry) : (entry.accepted as KubeObject);
    if (object !== entry.accepted) suspended.set(key, object);
    const item = asTaken(kind, key, object);
    if (kind === 'AgentTenant') parts.tenant = item;
    else if (!ownsPlatform && object.metadata.namespace === platformNamespace) parts.platform.push(item);
    else parts.own.push(item);
  }
  return { ...parts, suspended, lessens: parts.lessens || suspended.size > 0 };
}

/** Remembered, so that nothing but a version of the registration that is accepted one day takes it back. */
export function withSuspended(
  entries: ReadonlyMap<string, StateEntry>,
  suspended: ReadonlyMap<string, unknown>,
): Map<string, StateEntry> {
  const next = new Map(entries);
  for (const [key, accepted] of suspended) {
    const entry = next.get(key);
    if (entry !== undefined) next.set(key, { ...entry, accepted, sequence: 0 });
  }
  return next;
}

function isGone(current: Intaken | undefined, { uid }: StateEntry): boolean {
  return current === undefined || current.deleting || current.object.metadata.uid !== uid;
}

/** An invalid version says it as clearly as a valid one. */
function isSuspended(current: Intaken | undefined): boolean {
  const { spec } = (current?.object ?? {}) as Partial<AgentRegistration>;
  return spec?.suspended === true;
}

function suspendedVersion({ accepted }: StateEntry): KubeObject {
  const { spec, ...rest } = accepted as AgentRegistration;
  if (spec.suspended === true) return accepted as KubeObject;
  return { ...rest, spec: { ...spec, suspended: true } } as KubeObject;
}

function asTaken(kind: Kind, key: string, object: KubeObject): Intaken {
  return { key, kind, object, loaded: loadedObject(object), findings: [], valid: true, deleting: false };
}
