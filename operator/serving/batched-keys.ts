import type { Clock } from '../../runtime/time/clock.ts';

/** Collects keys for a moment and tells each once: a publication brings hundreds of acknowledgements at once. */
export class BatchedKeys<T> {
  readonly #clock: Clock;
  readonly #delay: number;
  readonly #listeners = new Set<(item: T) => void>();
  #waiting = new Map<string, T>();

  /** `delay` in ms. */
  constructor(clock: Clock, delay: number) {
    this.#clock = clock;
    this.#delay = delay;
  }

  subscribe(listener: (item: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(key: string, item: T): void {
    if (this.#listeners.size === 0) return;
    const first = this.#waiting.size === 0;
    this.#waiting.set(key, item);
    if (first) void this.#clock.sleep(this.#delay, new AbortController().signal).then(() => this.#tell());
  }

  #tell(): void {
    const items = this.#waiting.values();
    this.#waiting = new Map();
    for (const item of items) for (const listener of this.#listeners) listener(item);
  }
}
