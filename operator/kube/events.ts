import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { EventIntake, type EventSeries } from './event-intake.ts';
import { EVENT, type EventDetails, type EventObject, eventNamespace, eventObject } from './event-object.ts';
import { KubeError } from './kube-error.ts';
import { microTime } from './micro-time.ts';
import type { KubeClient } from './types.ts';

export interface EventRecorderOptions {
  client: KubeClient;
  /** A domain and a path, e.g. `example.com/operator`. */
  reportingController: string;
  /** Name of the pod. */
  reportingInstance: string;
  clock: Clock;
  /** From 0 up to 1. */
  random?(): number;
  /** Told of attempts to write that failed, for logs. */
  onError?(error: unknown): void;
}

export interface EventRecorderStats {
  written: number;
  /** Were only counted in the series of an event. */
  repeated: number;
  /** Too many about one object, too many that wait, or refused by the API server. */
  dropped: number;
  pending: number;
}

/** ms between two updates of the count of one series. */
const UPDATE_INTERVAL = 60_000;
const CALL_TIMEOUT = 5_000;
const FLUSH_TIMEOUT = 5_000;
const MAX_ATTEMPTS = 8;

/**
 * Events of `events.k8s.io/v1`. Whoever records one neither waits nor fails: events are written in the background, what
 * repeats is counted in a series, and what is too much is dropped and counted.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #intake = new EventIntake();
  readonly #backoff: Backoff;
  #written = 0;
  #serial = 0;
  #wake: (() => void) | undefined;
  /** One writer at a time. */
  #writing: Promise<boolean> = Promise.resolve(true);

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ base: 1_000, cap: 60_000, random: options.random ?? Math.random });
  }

  record(details: EventDetails): void {
    const { clock } = this.#options;
    try {
      this.#intake.take(details, { now: clock.now(), monotonic: clock.monotonic() });
      this.#wake?.();
    } catch (error) {
      this.#tell(error);
    }
  }

  stats(): EventRecorderStats {
    return { written: this.#written, ...this.#intake.counts, pending: this.#intake.pending.size };
  }

  /** Writes what waits, counts included, as far as that goes within five seconds. Never rejects. */
  async flush(): Promise<void> {
    const { clock } = this.#options;
    const done = new AbortController();
    const late = new AbortController();
    const deadline = clock.sleep(FLUSH_TIMEOUT, done.signal).then(() => late.abort());
    try {
      await Promise.race([this.#writeAll(true, late.signal), deadline]);
    } finally {
      done.abort();
    }
  }

  /** Writes events as they come until the signal is aborted, and what is left then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      const stop = () => wake.abort();
      signal.addEventListener('abort', stop, { once: true });
      const healthy = await this.#writeAll(false, signal);
      // a failing server is left alone, whatever else is recorded meanwhile
      if (healthy) {
        this.#backoff.reset();
        await clock.sleep(this.#nextUpdate(), wake.signal);
      } else {
        await clock.sleep(this.#backoff.next(), signal);
      }
      signal.removeEventListener('abort', stop);
    }
    this.#wake = undefined;
    await this.flush();
  }

  /** ms until the count of some series is due. */
  #nextUpdate(): number {
    const now = this.#options.clock.monotonic();
    let next = Number.MAX_SAFE_INTEGER;
    for (const { writtenAt } of this.#intake.pending) next = Math.min(next, writtenAt + UPDATE_INTERVAL - now);
    return Math.max(0, next);
  }

  async #writeAll(all: boolean, signal: AbortSignal): Promise<boolean> {
    const turn = this.#writing.then(() => this.#writePending(all, signal));
    this.#writing = turn;
    return await turn;
  }

  /** Whether the API server takes events at all. */
  async #writePending(all: boolean, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    for (const series of [...this.#intake.pending]) {
      if (signal.aborted) return true;
      const isUpdate = series.written > 0;
      if (isUpdate && !all && clock.monotonic() - series.writtenAt < UPDATE_INTERVAL) continue;
      try {
        await this.#write(series, signal);
      } catch (error) {
        if (signal.aborted) return true;
        this.#tell(error);
        if (!this.#failed(series, error)) return false;
      }
    }
    return true;
  }

  async #write(series: EventSeries, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const { count } = series;
    const limits = { signal, timeout: CALL_TIMEOUT };
    const counted = { count, lastObservedTime: microTime(series.lastAt) };
    if (series.name === undefined) {
      const event = eventObject(series.text, this.#options, {
        at: series.firstAt,
        unique: this.#unique(series.firstAt),
      });
      if (count > 1) event.series = counted;
      await client.create<EventObject>(EVENT, event, limits);
      series.name = event.metadata.name;
    } else {
      const key = { namespace: eventNamespace(series.text), name: series.name };
      await client.jsonPatch(EVENT, key, [{ op: 'add', path: '/series', value: counted }], limits);
    }
    series.written = count;
    series.writtenAt = clock.monotonic();
    series.attempts = 0;
    this.#written++;
    // it may have been recorded once more meanwhile
    if (series.count === count) this.#intake.done(series);
  }

  /** Whether it is the event that is at fault, and the others may be tried. */
  #failed(series: EventSeries, error: unknown): boolean {
    series.attempts++;
    const status = error instanceof KubeError ? error.status : 0;
    if (series.attempts >= MAX_ATTEMPTS) this.#intake.drop(series);
    // it lives an hour; or another one took its name
    else if (status === 404 && series.name !== undefined) forgetName(series);
    else if (status >= 400 && status < 500 && ![401, 408, 409, 429].includes(status)) this.#intake.drop(series);
    return status === 404 || status === 409 || status === 400 || status === 403 || status === 422;
  }

  /** Another one at every attempt; where another process has the same one, the next attempt has another. */
  #unique(at: number): string {
    this.#serial = (this.#serial + 1) % 1_000_000;
    return (BigInt(Math.trunc(at)) * 1_000_000n + BigInt(this.#serial)).toString(16);
  }

  #tell(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch (thrown) {
      process.emitWarning(`an error handler of an event recorder threw: ${String(thrown)}`);
    }
  }
}

function forgetName(series: EventSeries): void {
  series.name = undefined;
  series.written = 0;
}
