import type { LimitCharge, LimitRefusal, LimitStore, Reservation, ReserveResult } from './limit-store.ts';
import { calendarPeriod, type LimitWindow } from './limit-window.ts';

/** A slice of time and what was charged in it; counts until `expires`. */
interface Bucket {
  expires: number;
  start: number;
  amount: bigint;
}

interface Counter {
  buckets: Bucket[];
  total: bigint;
}

/** A sliding window is kept as this many slices; each counts until its last instant has left the window. */
const SLICES = 60;
const SWEEP_EVERY = 4096;

function bucketTimes(window: LimitWindow, now: number): { start: number; expires: number } {
  if (window.kind === 'calendar') {
    const { start, end } = calendarPeriod(window.unit, now);
    return { start, expires: end };
  }
  const width = Math.max(1, Math.ceil(window.length / SLICES));
  const start = Math.floor(now / width) * width;
  return { start, expires: start + width + window.length };
}

/** Not only a prefix expires: after a reload a limit of the same id may have another window. */
function prune(counter: Counter, now: number): void {
  if (!counter.buckets.some((bucket) => bucket.expires <= now)) return;
  for (const bucket of counter.buckets) {
    if (bucket.expires <= now) counter.total -= bucket.amount;
  }
  counter.buckets = counter.buckets.filter((bucket) => bucket.expires > now);
}

/** Milliseconds until `amount` fits below `max`; the whole wait for the last bucket where it never does. */
function waitFor(counter: Counter, charge: LimitCharge, now: number): number {
  let free = charge.max - counter.total;
  for (const bucket of counter.buckets) {
    free += bucket.amount;
    if (free >= charge.amount) return Math.max(1, bucket.expires - now);
  }
  return Math.max(1, bucketTimes(charge.window, now).expires - now);
}

/**
 * Limits in this process. No call in any window of the given length is let past the maximum: slices expire late,
 * by at most 1/60 of the window, never early. Time that steps back is held where it was.
 */
export function createMemoryLimitStore(clock: () => number): LimitStore {
  const counters = new Map<string, Counter>();
  let latest = Number.NEGATIVE_INFINITY;
  let calls = 0;

  function time(): number {
    latest = Math.max(latest, clock());
    return latest;
  }

  function counterOf(key: string): Counter {
    let counter = counters.get(key);
    if (counter === undefined) {
      counter = { buckets: [], total: 0n };
      counters.set(key, counter);
    }
    return counter;
  }

  function sweep(now: number): void {
    for (const [key, counter] of counters) {
      prune(counter, now);
      if (counter.buckets.length === 0) counters.delete(key);
    }
  }

  function refusalOf(charge: LimitCharge, now: number): LimitRefusal | undefined {
    const counter = counterOf(charge.key);
    prune(counter, now);
    if (charge.chargeOnly || counter.total + charge.amount <= charge.max) return undefined;
    const left = charge.max - counter.total;
    const remaining = left > 0n ? left : 0n;
    return {
      id: charge.id,
      window: charge.window,
      max: charge.max,
      remaining,
      retryAfter: waitFor(counter, charge, now),
    };
  }

  function hold(charge: LimitCharge, now: number): () => void {
    const counter = counterOf(charge.key);
    const { start, expires } = bucketTimes(charge.window, now);
    let bucket = counter.buckets.at(-1);
    if (bucket?.start !== start || bucket.expires !== expires) {
      bucket = { start, expires, amount: 0n };
      counter.buckets.push(bucket);
    }
    const held = bucket;
    held.amount += charge.amount;
    counter.total += charge.amount;
    return () => {
      if (!counter.buckets.includes(held)) return;
      held.amount -= charge.amount;
      counter.total -= charge.amount;
    };
  }

  function reserve(charges: readonly LimitCharge[]): ReserveResult {
    const now = time();
    if (++calls % SWEEP_EVERY === 0) sweep(now);
    if (charges.some((charge) => charge.amount < 0n)) throw new RangeError('a charge is negative');
    const distinct = [...new Map(charges.map((charge) => [charge.key, charge])).values()];
    const refusals = distinct.map((charge) => refusalOf(charge, now)).filter((refusal) => refusal !== undefined);
    if (refusals.length > 0) return { ok: false, refusals };
    const undo = distinct.map((charge) => hold(charge, now));
    let open = true;
    const reservation: Reservation = {
      settle: () => {
        open = false;
      },
      release: () => {
        if (open) for (const giveBack of undo) giveBack();
        open = false;
      },
    };
    return { ok: true, reservation };
  }

  return { reserve };
}
