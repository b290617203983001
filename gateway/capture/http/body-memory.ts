/** Bytes of bodies that are held for a decision, of all calls at once: each alone is bounded, and there may be many. */
export class BodyMemory {
  readonly #max: number;
  #held = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** False where there is no room; then nothing was taken. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#max) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}
