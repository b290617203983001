import { type KubeObject, keyOf } from '../../../operator/kube/types.ts';

/** A copy of objects that the test keeps itself. */
export class FakeReflector<T extends KubeObject> {
  synced = false;
  /** Between the call of `run` and its end. */
  running = false;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(key: string, object: T | undefined, previous: T | undefined) => void>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  subscribe(listener: (key: string, object: T | undefined, previous: T | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.running = true;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
    this.running = false;
  }

  put(object: T): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const listener of this.#listeners) listener(key, object, before);
  }

  remove(key: string): void {
    const before = this.#objects.get(key);
    if (!this.#objects.delete(key)) return;
    for (const listener of this.#listeners) listener(key, undefined, before);
  }
}
