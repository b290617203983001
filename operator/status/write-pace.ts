/**
 * When a change that nobody waits for may be written: per object once in an interval at most, and over all objects at
 * most `rate` a second, because one pod can change the counts of every policy of a tenant. All times are monotonic ms.
 */
export class WritePace {
  readonly #spacing: number;
  readonly #objects = new Map<string, { seen: number; written?: number; slot?: number }>();
  #nextSlot = Number.NEGATIVE_INFINITY;

  constructor(options: { rate: number }) {
    this.#spacing = 1000 / options.rate;
  }

  /**
   * ms to wait; 0 = now. An object that has to wait keeps its place in the row. Of one that was never written the
   * interval is over, or begins where `patient` is set.
   */
  delay(key: string, now: number, interval: number, patient = false): number {
    const object = this.#objects.get(key) ?? { seen: now };
    this.#objects.set(key, object);
    const last = object.written ?? (patient ? object.seen : Number.NEGATIVE_INFINITY);
    if (last + interval > now) return last + interval - now;
    if (object.slot === undefined) {
      object.slot = Math.max(now, this.#nextSlot);
      this.#nextSlot = object.slot + this.#spacing;
    }
    return Math.max(0, object.slot - now);
  }

  wrote(key: string, now: number): void {
    this.#objects.set(key, { seen: now, written: now });
  }

  forget(key: string): void {
    this.#objects.delete(key);
  }
}
