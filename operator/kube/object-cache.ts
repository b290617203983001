import type { KubeObject, Store } from './types.ts';
import { keyOf } from './types.ts';

type Listener<T> = (key: string, object: T | undefined, previous: T | undefined) => void;

/** The copy behind a reflector: objects by key, and who wants to be told of changes. */
export class ObjectCache<T extends KubeObject> implements Omit<Store<T>, 'synced'> {
  #objects = new Map<string, T>();
  readonly #listeners = new Set<Listener<T>>();
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  subscribe(listener: Listener<T>): () => void {
    // the same function twice is two subscriptions
    const own: Listener<T> = (...change) => listener(...change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Whether that is news. */
  set(object: T): boolean {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && sameVersion(previous, object)) return false;
    this.#objects.set(key, object);
    this.#tell(key, object, previous);
    return true;
  }

  delete(object: T): boolean {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous === undefined) return false;
    this.#objects.delete(key);
    this.#tell(key, undefined, previous);
    return true;
  }

  /** Takes a whole list at once, then tells what is different from before. Returns the number of changes. */
  replace(items: readonly T[]): number {
    const before = this.#objects;
    const after = new Map<string, T>();
    const changed: string[] = [];
    for (const item of items) {
      const key = keyOf(item);
      const previous = before.get(key);
      const same = previous !== undefined && sameVersion(previous, item);
      after.set(key, same ? previous : item);
      if (!same) changed.push(key);
    }
    this.#objects = after;
    let gone = 0;
    for (const [key, previous] of before) {
      if (after.has(key)) continue;
      gone++;
      this.#tell(key, undefined, previous);
    }
    for (const key of changed) this.#tell(key, after.get(key), before.get(key));
    return gone + changed.length;
  }

  #tell(key: string, object: T | undefined, previous: T | undefined): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(key, object, previous);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}

function sameVersion({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  return a.resourceVersion !== undefined && a.resourceVersion === b.resourceVersion && a.uid === b.uid;
}
