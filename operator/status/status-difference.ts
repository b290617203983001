/** How the status that is wanted differs from the one that stands in the API server. JSON throughout. */
import type { JsonPatchOperation } from '../kube/types.ts';

type Json = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists whose entries have names (`x-kubernetes-list-type: map`): their order means nothing. */
const LIST_KEYS: Readonly<Record<string, string>> = { conditions: 'type', checks: 'name', discoveredActions: 'name' };

function sortedBy(list: readonly unknown[], key: string): unknown[] {
  const name = (entry: unknown): string => (isRecord(entry) ? String(entry[key]) : '');
  return [...list].sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
}

/** The same for every reader; the order of named lists and of fields does not count. */
export function sameStatus(a: unknown, b: unknown, field = ''): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return false;
    const key = LIST_KEYS[field];
    const [left, right] = key === undefined ? [a, b] : [sortedBy(a, key), sortedBy(b, key)];
    return left.every((entry, index) => sameStatus(entry, right[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const names = Object.keys(a).filter((name) => a[name] !== undefined);
  const others = Object.keys(b).filter((name) => b[name] !== undefined);
  return names.length === others.length && names.every((name) => sameStatus(a[name], b[name], name));
}

/** What somebody may wait for; everything else (counts, messages, dates of a head) may be a minute late. */
function landmarks(status: unknown): unknown {
  if (!isRecord(status)) return undefined;
  const { observedGeneration, conditions, rollout, bundle, frozen, egressGuard } = status;
  const { toolId, agentId, tenant, namespaces } = status;
  const { stage, phase, revision, stableRevision } = isRecord(rollout) ? rollout : {};
  const sequence = isRecord(bundle) ? bundle.sequence : undefined;
  return {
    ...{ observedGeneration, stage, phase, revision, stableRevision, sequence, frozen, egressGuard },
    ...{ toolId, agentId, tenant, namespaces },
    conditions: (Array.isArray(conditions) ? conditions : []).map((condition: unknown) => {
      if (!isRecord(condition)) return condition;
      const { type, status: value, reason, observedGeneration: generation } = condition;
      return { type, status: value, reason, generation };
    }),
  };
}

/** ms before a head expires from which on a status must not name it any more where there is a newer one. */
const HEAD_MARGIN = 30 * 60_000;

/**
 * What of a status says something about the newest head and nothing about the resource itself. Every commit changes it
 * for ten thousand policies at once, so it is brought up to date by the way.
 */
function withoutHead(kind: string, status: unknown): unknown {
  if (kind !== 'AgentPolicy' || !isRecord(status) || !isRecord(status.bundle)) return status;
  const { digest: _, keyId: __, expiresAt: ___, ...bundle } = status.bundle;
  return { ...status, bundle };
}

/** When what such a status says of the newest head is to be brought up to date in any case, ms since the epoch. */
export function agedAt(kind: string, status: unknown): number {
  const bundle = kind === 'AgentPolicy' && isRecord(status) ? status.bundle : undefined;
  if (!isRecord(bundle)) return Number.POSITIVE_INFINITY;
  const expiresAt = typeof bundle.expiresAt === 'string' ? Date.parse(bundle.expiresAt) : Number.NaN;
  return Number.isNaN(expiresAt) ? Number.NEGATIVE_INFINITY : expiresAt - HEAD_MARGIN;
}

/**
 * `ageing`: true when it was written, and good enough until `agedAt`; `detail`: good enough for a minute; `transition`:
 * somebody may wait for it.
 */
export type Difference = 'none' | 'ageing' | 'detail' | 'transition';

export function differenceOf(kind: string, wanted: unknown, live: unknown): Difference {
  if (sameStatus(wanted, live)) return 'none';
  if (!sameStatus(landmarks(wanted), landmarks(live))) return 'transition';
  return sameStatus(withoutHead(kind, wanted), withoutHead(kind, live)) ? 'ageing' : 'detail';
}

function pointer(path: string, step: string | number): string {
  return `${path}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/**
 * What takes away everything that `live` has beyond `wanted`: server-side apply leaves what other managers own. Entries
 * of lists from the last to the first, so that the operations can be done one after the other.
 */
export function removals(wanted: unknown, live: unknown, path = '/status', field = ''): JsonPatchOperation[] {
  const key = LIST_KEYS[field];
  if (key !== undefined && Array.isArray(live)) {
    const entries: readonly unknown[] = Array.isArray(wanted) ? wanted : [];
    const operations = live.map((entry: unknown, index) => {
      const match = entries.find((each) => isRecord(each) && isRecord(entry) && each[key] === entry[key]);
      if (match === undefined) return [{ op: 'remove' as const, path: pointer(path, index) }];
      return removals(match, entry, pointer(path, index));
    });
    return operations.reverse().flat();
  }
  if (!isRecord(live) || !isRecord(wanted)) return [];
  return Object.entries(live).flatMap(([name, value]) => {
    if (wanted[name] === undefined) return [{ op: 'remove' as const, path: pointer(path, name) }];
    return removals(wanted[name], value, pointer(path, name), name);
  });
}
