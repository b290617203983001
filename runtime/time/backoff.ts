/** Delays between attempts: exponential with full jitter, so that many gateways do not come back at the same moment. */
export class Backoff {
  readonly #base: number;
  readonly #cap: number;
  readonly #random: () => number;
  #failures = 0;

  /** `random` gives numbers from 0 up to 1; times in ms. */
  constructor(options: { base: number; cap: number; random(): number }) {
    this.#base = options.base;
    this.#cap = options.cap;
    this.#random = options.random;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** After one more failure; never shorter than what the server asked for. */
  next(atLeast = 0): number {
    const ceiling = Math.min(this.#cap, this.#base * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    // a tenth is kept, so that a row of small numbers is no storm
    return Math.max(atLeast, ceiling * (0.1 + 0.9 * this.#random()));
  }
}
