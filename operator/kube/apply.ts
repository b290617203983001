import type { KubeObject, OwnerReference } from './types.ts';

export interface AppliedDiffersOptions {
  /** Top-level fields in which others, or defaults of the API server, may add to what is desired. */
  shared?: readonly string[];
}

const IDENTITY = new Set(['apiVersion', 'kind', 'metadata']);
const OWNED_METADATA = ['labels', 'annotations', 'ownerReferences', 'finalizers'] as const;

/**
 * Whether a server-side apply of `desired` would change `live`: compare before a write, because every write wakes every
 * watch. Labels, annotations, owners and finalizers that others added do not count; in all other fields that `desired`
 * has, what is live beyond it counts as well (a condition to remove, a key of data). A field that is empty is the same as
 * none; deeper down only null is.
 */
export function appliedDiffers(
  desired: KubeObject,
  live: KubeObject | undefined,
  { shared = [] }: AppliedDiffersOptions = {},
): boolean {
  if (live === undefined) return true;
  for (const field of OWNED_METADATA) {
    const value = desired.metadata[field];
    if (!isEmpty(value) && !covers(live.metadata[field], value)) return true;
  }
  for (const [field, value] of Object.entries(desired)) {
    if (IDENTITY.has(field)) continue;
    const current = (live as unknown as Record<string, unknown>)[field];
    if (isEmpty(value) && isEmpty(current)) continue;
    if (shared.includes(field) ? !covers(current, value) : !equals(current, value)) return true;
  }
  return false;
}

/** @throws TypeError for an object that was not read from the API server, or lives in another namespace than its child */
export function ownerReference(
  owner: KubeObject,
  options: { controller?: boolean; blockOwnerDeletion?: boolean } = {},
): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  if (metadata.uid === undefined) throw new TypeError(`${kind} ${metadata.name} has no uid to refer to`);
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, ...options };
}

/** By uid: another object of the same name is no owner. */
export function isOwnedBy({ metadata: { ownerReferences = [] } }: KubeObject, owner: KubeObject): boolean {
  return ownerReferences.some(({ uid }) => uid === owner.metadata.uid);
}

/** Selector of the objects that have all these labels. */
export function labelSelector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

function equals(a: unknown, b: unknown): boolean {
  if (isNone(a) || isNone(b)) return isNone(a) && isNone(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equals(item, b[i]));
  }
  if (!isRecord(a) || !isRecord(b)) return a === b;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equals(a[key], b[key]));
}

/** Whether `live` holds all of `desired`. */
function covers(live: unknown, desired: unknown): boolean {
  if (isNone(desired)) return true;
  if (Array.isArray(desired)) {
    if (!Array.isArray(live)) return false;
    return desired.every((item) => live.some((other) => covers(other, item)));
  }
  if (!isRecord(desired)) return live === desired;
  return isRecord(live) && Object.entries(desired).every(([key, value]) => covers(live[key], value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNone(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function isEmpty(value: unknown): boolean {
  return isNone(value) || (typeof value === 'object' && Object.keys(value).length === 0);
}
