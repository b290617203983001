import type { ErrorCode } from '../../policy/errors.ts';

/** Judged by clocks, which change by themselves. */
const OF_TIME: ReadonlySet<ErrorCode> = new Set([
  'AEGIS_BUNDLE_EXPIRED',
  'AEGIS_BUNDLE_FUTURE',
  'AEGIS_BUNDLE_KEY_WINDOW',
]);
const MAX_ENTRIES = 16;
/** However sure the refusal is, a second look now and then costs little. */
const LIFETIME = 5 * 60_000;

/** Remembers what was refused, so that the same candidate is not verified over and over. Times are monotonic ms. */
export class RefusedCandidates {
  readonly #codes = new Map<string, { code: ErrorCode; until: number }>();

  add(id: string, code: ErrorCode, now: number): void {
    if (OF_TIME.has(code)) return;
    this.#codes.delete(id);
    this.#codes.set(id, { code, until: now + LIFETIME });
    const [oldest] = this.#codes.keys();
    if (this.#codes.size > MAX_ENTRIES && oldest !== undefined) this.#codes.delete(oldest);
  }

  get(id: string, now: number): ErrorCode | undefined {
    const known = this.#codes.get(id);
    return known !== undefined && now < known.until ? known.code : undefined;
  }

  /** What is in force, or whom to trust, has changed: everything may be judged anew. */
  clear(): void {
    this.#codes.clear();
  }
}
