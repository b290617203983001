import { isOlder } from '../kube/resource-version.ts';
import type { KubeObject } from '../kube/types.ts';
import { sameStatus } from './status-difference.ts';

interface Written {
  uid: string | undefined;
  resourceVersion: string;
  status: unknown;
  generation: number | undefined;
  /** Monotonic ms. */
  at: number;
  /** Since when the cached copy is known to lag, monotonic ms. */
  lagSince?: number;
}

/** ms after which a copy that does not catch up is believed: a restored cluster counts its versions from further back. */
const PATIENCE = 10_000;
/** ms between two writes against somebody who writes the same status: a leader that does not know yet that it is none. */
const CONTEST = 1000;

/** What was written last per object, so that nothing is decided on a cached copy from before the write. */
export class WrittenStatuses {
  readonly #written = new Map<string, Written>();

  wrote(key: string, { metadata }: KubeObject, status: unknown, at: number): void {
    const { uid, resourceVersion, generation } = metadata;
    if (resourceVersion !== undefined) this.#written.set(key, { uid, resourceVersion, status, generation, at });
  }

  forget(key: string): void {
    this.#written.delete(key);
  }

  /** ms to wait for the watch; 0: the copy is as new as what was written. */
  lag(key: string, { metadata }: KubeObject, now: number): number {
    const written = this.#written.get(key);
    if (written === undefined) return 0;
    const { uid, resourceVersion = '' } = metadata;
    if (written.uid !== uid || !isOlder(resourceVersion, written.resourceVersion)) {
      delete written.lagSince;
      return 0;
    }
    written.lagSince ??= now;
    const waited = now - written.lagSince;
    if (waited < PATIENCE) return Math.min(1000, 50 + waited);
    this.#written.delete(key);
    return 0;
  }

  /** The copy is what the last write made, and that write already was this status: the server stores it differently. */
  isRepeated(key: string, { metadata }: KubeObject, status: unknown): boolean {
    const written = this.#written.get(key);
    return written?.resourceVersion === metadata.resourceVersion && sameStatus(written?.status, status);
  }

  /** This version is what the last write made. */
  isLast(key: string, { metadata }: KubeObject): boolean {
    return this.#written.get(key)?.resourceVersion === metadata.resourceVersion;
  }

  /** Somebody else has written the object since; of one that was not written here nothing is known. */
  isTouched(key: string, { metadata }: KubeObject): boolean {
    const written = this.#written.get(key);
    return written !== undefined && written.resourceVersion !== metadata.resourceVersion;
  }

  /** ms to wait before what somebody else has written since, about the same spec, is written over. */
  contest(key: string, { metadata }: KubeObject, now: number): number {
    const written = this.#written.get(key);
    if (written?.uid !== metadata.uid || written?.generation !== metadata.generation) return 0;
    return written?.resourceVersion === metadata.resourceVersion ? 0 : Math.max(0, (written?.at ?? 0) + CONTEST - now);
  }
}
