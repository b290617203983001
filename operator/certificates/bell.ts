import type { Clock } from '../../runtime/time/clock.ts';

/** Waits that can be cut short. A ring that nobody waits for is remembered for the next wait. */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #waiting: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#waiting?.abort();
  }

  /** Resolves after `ms`, when it is rung, or when the signal is aborted. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const waiting = new AbortController();
      const stop = () => waiting.abort();
      this.#waiting = waiting;
      signal.addEventListener('abort', stop, { once: true });
      await this.#clock.sleep(ms, waiting.signal);
      signal.removeEventListener('abort', stop);
      this.#waiting = undefined;
    }
    this.#rung = false;
  }
}
