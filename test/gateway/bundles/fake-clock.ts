import type { Clock } from '../../../runtime/time/clock.ts';

/** Time that goes only when told; wall clock and monotonic clock apart from each other. */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 1_000;
  readonly #sleepers = new Set<{ at: number; wake(): void }>();
  /** Every sleep that was asked for, ms. */
  readonly slept: number[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    this.slept.push(ms);
    return new Promise((resolve) => {
      const sleeper = {
        at: this.#monotonic + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake);
    });
  }

  /** Both clocks go on. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    this.#monotonic += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.#monotonic) sleeper.wake();
    await settle();
  }

  /** Somebody sets the wall clock. */
  setWall(now: number): void {
    this.#now = now;
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
