import type { Clock } from '../../../runtime/time/clock.ts';

/** Time that goes only when told. */
export class FakeClock implements Clock {
  #wall = Date.UTC(2026, 0, 1);
  #monotonic = 1_000;
  readonly #sleepers = new Set<{ at: number; wake(): void }>();

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || ms <= 0) return Promise.resolve();
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

  /** Both clocks go on; who sleeps until then wakes up at its own moment. */
  async advance(ms: number): Promise<void> {
    await settle();
    const end = this.#monotonic + ms;
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.at > end) break;
      this.#go(next.at);
      next.wake();
      await settle();
    }
    this.#go(end);
    await settle();
  }

  /** Time goes on while the process stands still: everybody wakes up at the end of it. */
  async freeze(ms: number): Promise<void> {
    await settle();
    this.#go(this.#monotonic + ms);
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.#monotonic) sleeper.wake();
    await settle();
  }

  /** Somebody sets the wall clock. */
  setWall(ms: number): void {
    this.#wall = ms;
  }

  #earliest(): { at: number; wake(): void } | undefined {
    let first: { at: number; wake(): void } | undefined;
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.at < first.at) first = sleeper;
    return first;
  }

  #go(to: number): void {
    this.#wall += Math.max(0, to - this.#monotonic);
    this.#monotonic = Math.max(to, this.#monotonic);
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
