interface Entry<T> {
  count: T;
  /** Ticks when it changed last. */
  at: number;
  /** The change that was last, and the one that was last told. */
  changed: number;
  told: number;
}

/** Counts by key, at most `max` of them, with what has been told of them. */
export class CountTable<T extends object> {
  readonly #max: number;
  readonly #entries = new Map<string, Entry<T>>();
  #changes = 0;
  #overflow = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Changes that had no room. */
  get overflow(): number {
    return this.#overflow;
  }

  get full(): boolean {
    return this.#entries.size >= this.#max;
  }

  /** The count to change, or undefined where there is no room for another one. */
  change(key: string, now: number, make: () => T): T | undefined {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.full) {
        this.#overflow++;
        return undefined;
      }
      entry = { count: make(), at: now, changed: 0, told: 0 };
      this.#entries.set(key, entry);
    }
    entry.at = now;
    entry.changed = ++this.#changes;
    return entry.count;
  }

  /**
   * Up to `most` counts that have changed since they were told, as copies, those first that were told longest ago;
   * `told` marks just these, as they are here.
   */
  untold(most: number): { counts: T[]; told(): void } {
    const marks: { key: string; entry: Entry<T>; changed: number }[] = [];
    const counts: T[] = [];
    for (const [key, entry] of this.#entries) {
      if (counts.length >= most) break;
      if (entry.changed === entry.told) continue;
      counts.push({ ...entry.count });
      marks.push({ key, entry, changed: entry.changed });
    }
    return {
      counts,
      told: () => {
        for (const { key, entry, changed } of marks) {
          entry.told = changed;
          if (this.#entries.delete(key)) this.#entries.set(key, entry);
        }
      },
    };
  }

  /** Everything counts as not told. */
  forgetTold(): void {
    for (const entry of this.#entries.values()) entry.told = 0;
  }

  hasUntold(): boolean {
    for (const { changed, told } of this.#entries.values()) if (changed !== told) return true;
    return false;
  }

  /** Whether some count has not changed since then: something that is over, most likely. */
  hasIdle(before: number): boolean {
    for (const { at } of this.#entries.values()) if (at < before) return true;
    return false;
  }

  clear(): void {
    this.#entries.clear();
    this.#overflow = 0;
  }
}
