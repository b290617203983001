import { LruMap } from '../../runtime/lru-map.ts';
import type { Clock } from '../../runtime/time/clock.ts';

export interface RateLimitOptions {
  clock: Clock;
  /** At once. */
  burst: number;
  /** In the long run. */
  perSecond: number;
  /** Keys that are remembered. */
  maxKeys: number;
}

/** Token buckets by key. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets: LruMap<string, { left: number; at: number }>;

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#buckets = new LruMap(options.maxKeys);
  }

  /** False: it was too much, and nothing is taken. */
  take(key: string): boolean {
    const left = this.#left(key);
    if (left < 1) return false;
    this.#buckets.set(key, { left: left - 1, at: this.#options.clock.monotonic() });
    return true;
  }

  isEmpty(key: string): boolean {
    return this.#left(key) < 1;
  }

  #left(key: string): number {
    const { burst, perSecond, clock } = this.#options;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + ((clock.monotonic() - bucket.at) / 1000) * perSecond);
  }
}
