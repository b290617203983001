import { setTimeout as wait } from 'node:timers/promises';

/** Time as the programs need it; tests have their own. */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): number;
  /** Never goes back; ms since some moment. */
  monotonic(): number;
  /** Resolves after `ms`, or as soon as the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    if (signal.aborted) return;
    try {
      await wait(Math.max(0, Math.min(ms, 2 ** 31 - 1)), undefined, { signal, ref: false });
    } catch {
      // aborted
    }
  },
};
