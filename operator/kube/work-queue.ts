import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { DelayHeap } from './delay-heap.ts';
import { KeyFifo } from './key-fifo.ts';
import { KubeError } from './kube-error.ts';

export interface WorkQueueOptions {
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** ms after the first failure of a key, doubled with each further one; 10 when absent. */
  baseDelay?: number;
  /** ms at most; five minutes when absent. */
  maxDelay?: number;
}

/** What a pass over a key says: nothing, or when to look again at the latest, ms from now. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may do without a return
export type HandlerResult = { requeueAfter?: number } | void;

export interface WorkQueueRun {
  /** Keys that are handled at once. */
  workers: number;
  /** May reject: the key is tried again, later each time. Told by the signal to come to an end. */
  handler(key: string, signal: AbortSignal): Promise<HandlerResult>;
  /** Told of every failure, before the key waits for its next turn. */
  onError?(key: string, error: unknown): void;
}

export interface WorkQueueStats {
  /** Keys that wait for a worker. */
  depth: number;
  /** ms that the first of them has waited. */
  oldestAge: number;
  /** Keys that wait for their time. */
  delayed: number;
  inFlight: number;
  /** ms that the longest pass of those under way has taken so far. */
  longestRun: number;
  /** Failures so far. */
  retries: number;
}

/**
 * Keys to look at. A key that waits is there once, however often it is added; one key is never handled twice at once; one
 * that is added while it is handled is handled once more. A request to look at a key later means "then, at the latest":
 * a pass that begins after the request and before that moment answers it, and says by `requeueAfter` when to look again.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #newBackoff: () => Backoff;
  readonly #ready = new KeyFifo();
  /** To be handled: waiting for a worker, or once more after the pass under way. */
  readonly #dirty = new Set<string>();
  /** Being handled, and since when. */
  readonly #processing = new Map<string, number>();
  readonly #delayed = new DelayHeap();
  readonly #failures = new Map<string, Backoff>();
  /** Workers without work. */
  readonly #idle: (() => void)[] = [];
  #wakeTimer: (() => void) | undefined;
  #retries = 0;
  #running = false;

  constructor({ clock, random, baseDelay = 10, maxDelay = 5 * 60_000 }: WorkQueueOptions) {
    this.#clock = clock;
    this.#newBackoff = () => new Backoff({ base: baseDelay, cap: maxDelay, random });
  }

  add(key: string): void {
    this.#delayed.delete(key);
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  /** Nothing where the key is about to be handled; the earlier moment where it has one already. */
  addAfter(key: string, ms: number): void {
    // NaN and negative numbers are now
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    if (this.#dirty.has(key)) return;
    const before = this.#delayed.next();
    const at = this.#clock.monotonic() + ms;
    this.#delayed.add(key, at);
    if (before === undefined || at < before) this.#wakeTimer?.();
  }

  /** Forgets the failures of a key: the next one is the first again. What is queued stays. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  stats(): WorkQueueStats {
    const now = this.#clock.monotonic();
    const oldest = this.#ready.oldest();
    let longestRun = 0;
    for (const since of this.#processing.values()) longestRun = Math.max(longestRun, now - since);
    return {
      depth: this.#ready.size,
      oldestAge: oldest === undefined ? 0 : now - oldest,
      delayed: this.#delayed.size,
      inFlight: this.#processing.size,
      longestRun,
      retries: this.#retries,
    };
  }

  /**
   * Handles keys until the signal is aborted; then waits for the passes under way. Keys may be added before, and what is
   * left afterwards stays for another run. @throws Error where it runs already
   */
  async run(run: WorkQueueRun, signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error('the queue runs already');
    this.#running = true;
    const stop = () => {
      for (const wake of this.#idle.splice(0)) wake();
      this.#wakeTimer?.();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const workers = Array.from({ length: Math.max(1, run.workers) }, () => this.#work(run, signal));
      await Promise.all([...workers, this.#keepTime(signal)]);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#running = false;
    }
  }

  #enqueue(key: string): void {
    this.#ready.push(key, this.#clock.monotonic());
    this.#idle.shift()?.();
  }

  async #work(run: WorkQueueRun, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const key = this.#ready.shift();
      if (key === undefined) await new Promise<void>((resolve) => this.#idle.push(resolve));
      else await this.#handle(key, run, signal);
    }
  }

  async #handle(key: string, { handler, onError }: WorkQueueRun, signal: AbortSignal): Promise<void> {
    this.#dirty.delete(key);
    this.#processing.set(key, this.#clock.monotonic());
    try {
      const result = await handler(key, signal);
      this.#failures.delete(key);
      if (result?.requeueAfter !== undefined) this.addAfter(key, result.requeueAfter);
    } catch (error) {
      this.#retryLater(key, error);
      tell(onError, key, error);
    } finally {
      this.#processing.delete(key);
      if (this.#dirty.has(key)) this.#enqueue(key);
    }
  }

  #retryLater(key: string, error: unknown): void {
    this.#retries++;
    let backoff = this.#failures.get(key);
    if (backoff === undefined) {
      backoff = this.#newBackoff();
      this.#failures.set(key, backoff);
    }
    const asked = error instanceof KubeError ? error.retryAfter : undefined;
    this.addAfter(key, backoff.next(asked));
  }

  async #keepTime(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = this.#clock.monotonic();
      for (let key = this.#delayed.take(now); key !== undefined; key = this.#delayed.take(now)) this.add(key);
      const next = this.#delayed.next();
      const wake = new AbortController();
      this.#wakeTimer = () => wake.abort();
      await this.#clock.sleep(next === undefined ? Number.MAX_SAFE_INTEGER : next - now, wake.signal);
      this.#wakeTimer = undefined;
    }
  }
}

/** Who listens must not stop a worker; a listener that throws has nobody left to tell. */
function tell(onError: WorkQueueRun['onError'], key: string, error: unknown): void {
  try {
    onError?.(key, error);
  } catch (thrown) {
    process.emitWarning(`an error handler of a work queue threw: ${String(thrown)}`);
  }
}
