import { LruMap } from '../../runtime/lru-map.ts';
import { type EventDetails, type EventText, eventText } from './event-object.ts';

/** One event as people see it: the first time, and how often since. */
export interface EventSeries {
  readonly key: string;
  readonly text: EventText;
  /** Wall clock, ms. */
  readonly firstAt: number;
  lastAt: number;
  count: number;
  /** How many of these the API server knows of; 0: the event is not written yet. */
  written: number;
  /** Name of the event once it is written. */
  name: string | undefined;
  /** Monotonic ms. */
  writtenAt: number;
  attempts: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export interface IntakeTime {
  now: number;
  monotonic: number;
}

/** Distinct events that are remembered. */
const MAX_SERIES = 1_000;
const MAX_OBJECTS = 1_000;
/** ms after which the same event is told anew. */
const SERIES_GAP = 6 * 60_000;
/** Distinct events about one object: so many at once, then one in every so many ms. */
const BURST = 20;
const REFILL = 60_000;

/** Counts what repeats, and turns away what is too much; bounded in memory whatever comes. */
export class EventIntake {
  readonly #series: LruMap<string, EventSeries>;
  readonly #buckets = new LruMap<string, Bucket>(MAX_OBJECTS);
  /** With something to write, oldest first. */
  readonly #pending = new Set<EventSeries>();
  readonly counts = { repeated: 0, dropped: 0 };

  constructor() {
    this.#series = new LruMap(MAX_SERIES, (series) => {
      if (this.#pending.delete(series)) this.counts.dropped++;
    });
  }

  get pending(): ReadonlySet<EventSeries> {
    return this.#pending;
  }

  take(details: EventDetails, time: IntakeTime): void {
    const text = eventText(details);
    const key = JSON.stringify(text);
    const known = this.#series.get(key);
    if (known !== undefined && time.now - known.lastAt < SERIES_GAP) {
      known.count++;
      known.lastAt = time.now;
      this.counts.repeated++;
      this.#pending.add(known);
      return;
    }
    if (!this.#mayTell(JSON.stringify(text.regarding), time.monotonic)) {
      this.counts.dropped++;
      return;
    }
    const series: EventSeries = {
      key,
      text,
      firstAt: time.now,
      lastAt: time.now,
      count: 1,
      written: 0,
      name: undefined,
      writtenAt: Number.NEGATIVE_INFINITY,
      attempts: 0,
    };
    this.#series.set(key, series);
    this.#pending.add(series);
  }

  /** Everything that is to be told of it is written. */
  done(series: EventSeries): void {
    this.#pending.delete(series);
  }

  /** Cannot be written, and is forgotten. */
  drop(series: EventSeries): void {
    if (this.#pending.delete(series)) this.counts.dropped++;
    this.#series.delete(series.key);
  }

  #mayTell(object: string, now: number): boolean {
    const bucket = this.#buckets.get(object) ?? { tokens: BURST, at: now };
    const refilled = Math.floor((now - bucket.at) / REFILL);
    bucket.tokens = Math.min(BURST, bucket.tokens + refilled);
    bucket.at += refilled * REFILL;
    const allowed = bucket.tokens > 0;
    if (allowed) bucket.tokens--;
    this.#buckets.set(object, bucket);
    return allowed;
  }
}
