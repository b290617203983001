/** Keys in the order of their arrival, each with the moment of it; taking is O(1) on average. */
export class KeyFifo {
  #entries: ({ key: string; at: number } | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  push(key: string, at: number): void {
    this.#entries.push({ key, at });
  }

  /** Arrival of the first one. */
  oldest(): number | undefined {
    return this.#entries[this.#head]?.at;
  }

  shift(): string | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    this.#entries[this.#head++] = undefined;
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry.key;
  }
}
