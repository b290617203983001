import { countsUntil, type LimitWindow, sliceStart, windowLength, windowText } from './limit-window.ts';

/** What was charged between two instants, the first and the last charge in it. */
interface Slice {
  readonly first: number;
  last: number;
  amount: bigint;
}

/** More slices than a window needs come only from limits whose window changed; then the oldest are joined. */
export const MOST_SLICES = 256;

/**
 * What was charged to one counter, in slices of time in their order, none touching another. A slice counts as long as
 * its last charge does: late by at most one slice's width, never early. The window belongs to the reader, so that a
 * limit whose window changes (or that has two, in two revisions) goes on counting what is there.
 */
export class Tally {
  #slices: Slice[] = [];
  /** The longest window that ever wrote here; what is older counts for nobody. */
  #keep = 0;
  /** The sum for one window, good before `#until`. */
  #window = '';
  #sum = 0n;
  #until = 0;

  total(window: LimitWindow, now: number): bigint {
    const text = windowText(window);
    if (text === this.#window && now < this.#until) return this.#sum;
    this.#prune(now);
    this.#window = text;
    this.#sum = 0n;
    this.#until = Number.POSITIVE_INFINITY;
    for (const slice of this.#counting(window, now)) {
      this.#sum += slice.amount;
      this.#until = Math.min(this.#until, countsUntil(window, slice.last));
    }
    return this.#sum;
  }

  add(window: LimitWindow, now: number, amount: bigint): void {
    if (amount === 0n) return;
    this.#keep = Math.max(this.#keep, windowLength(window));
    const newest = this.#slices.at(-1);
    if (newest !== undefined && (now <= newest.last || newest.first >= sliceStart(window, now))) {
      newest.last = Math.max(newest.last, now);
      newest.amount += amount;
    } else {
      if (this.#slices.length >= MOST_SLICES) this.#join();
      this.#slices.push({ first: now, last: now, amount });
    }
    if (this.#window === windowText(window)) {
      this.#sum += amount;
      this.#until = Math.min(this.#until, countsUntil(window, now));
    } else this.#window = '';
  }

  /** Takes back what was added at that time; nothing where it counts no more. */
  remove(at: number, amount: bigint): void {
    const slice = this.#slices.find(({ first, last }) => first <= at && at <= last);
    if (slice === undefined) return;
    slice.amount = slice.amount > amount ? slice.amount - amount : 0n;
    this.#window = '';
  }

  /** Milliseconds until `needed` of the sum counts no more; the whole window where even all of it is too little. */
  wait(window: LimitWindow, now: number, needed: bigint): number {
    let freed = 0n;
    for (const { last, amount } of this.#counting(window, now)) {
      freed += amount;
      if (freed >= needed) return Math.max(1, countsUntil(window, last) - now);
    }
    return Math.max(1, countsUntil(window, now) - now);
  }

  /** True where nothing counts any more, for anybody. */
  isEmpty(now: number): boolean {
    this.#prune(now);
    return this.#slices.length === 0;
  }

  #counting(window: LimitWindow, now: number): Slice[] {
    return this.#slices.filter(({ last }) => countsUntil(window, last) > now);
  }

  #prune(now: number): void {
    const kept = this.#slices.findIndex(({ last }) => last + this.#keep > now);
    if (kept !== 0) this.#slices.splice(0, kept < 0 ? this.#slices.length : kept);
  }

  /** The older half in pairs: what it holds counts a little longer. */
  #join(): void {
    const half = this.#slices.splice(0, MOST_SLICES / 2);
    const joined: Slice[] = [];
    for (let i = 0; i < half.length; i += 2) {
      const [left, right] = [half[i] as Slice, half[i + 1] as Slice];
      joined.push({ first: left.first, last: right.last, amount: left.amount + right.amount });
    }
    this.#slices.unshift(...joined);
  }
}
