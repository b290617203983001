import type { Clock } from '../../runtime/time/clock.ts';
import type { Freshness } from '../enforcement/activation.ts';

export interface FreshnessOptions {
  clock: Clock;
  /** Of the head; ms since the epoch. */
  issuedAt: number;
  /** Wall-clock time at which the head is known to have been verified, if that was later than now (a clock set back). */
  verifiedAt?: number;
  /** ms. */
  maxStaleness: number;
  staleAllows(agent: string, tool: string, action: string): boolean;
}

/**
 * The age of a head. The wall clock alone could be set back and keep a bundle young for ever; the monotonic clock alone
 * stands still while a machine sleeps. The larger of both counts.
 */
export function headFreshness(options: FreshnessOptions): Freshness {
  const { clock, issuedAt, verifiedAt = 0, maxStaleness, staleAllows } = options;
  const startedAt = clock.monotonic();
  const startAge = Math.max(0, clock.now() - issuedAt, verifiedAt - issuedAt);
  return {
    age: () => Math.max(clock.now() - issuedAt, startAge + clock.monotonic() - startedAt),
    maxStaleness,
    staleAllows,
  };
}
