/**
 * When a change that nobody waits for may be written: per object at most once in `interval` ms, and over all objects at
 * most `rate` a second, because one pod can change the counts of every policy of a tenant. All times are monotonic ms.
 */
export class WritePace {
  readonly #interval: number;
  readonly #spacing: number;
  readonly #objects = new Map<string, { written: number; slot?: number }>();
  #nextSlot = Number.NEGATIVE_INFINITY;

  constructor(options: { interval: number; rate: number }) {
    this.#interval = options.interval;
    this.#spacing = 1000 / options.rate;
  }

  /** ms to wait; 0 = now. An object that has to wait keeps its place in the row. */
  delay(key: string, now: number): number {
    const object = this.#objects.get(key) ?? { written: Number.NEGATIVE_INFINITY };
    const due = object.written + this.#interval;
    if (due > now) return due - now;
    if (object.slot === undefined) {
      object.slot = Math.max(now, this.#nextSlot);
      this.#nextSlot = object.slot + this.#spacing;
      this.#objects.set(key, object);
    }
    return Math.max(0, object.slot - now);
  }

  wrote(key: string, now: number): void {
    this.#objects.set(key, { written: now });
  }

  forget(key: string): void {
    this.#objects.delete(key);
  }
}
