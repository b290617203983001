import type { LimitCharge, LimitRefusal, Operation } from '../../../gateway/limits/limit-store.ts';
import type { LimitWindow } from '../../../gateway/limits/limit-window.ts';

/**
 * What the limit stores must do, written down as plainly as possible: every charge is remembered for ever, every sum is
 * made anew. No caches, no pruning, no leases to clean up.
 */
interface Entry {
  key: string;
  at: number;
  amount: bigint;
  kind: LimitCharge['kind'];
  slice: Slice;
  lease: number;
  settled: boolean;
  gone: boolean;
}

interface Slice {
  first: number;
  last: number;
}

interface Shared {
  until: number;
  attempts: Set<ReferenceHold>;
  entries: Map<string, Entry>;
}

function periodStart(unit: string, at: number): Date {
  const date = new Date(at);
  if (unit === 'hour') date.setUTCMinutes(0, 0, 0);
  else date.setUTCHours(0, 0, 0, 0);
  if (unit === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  if (unit === 'month') date.setUTCDate(1);
  return date;
}

function countsUntil(window: LimitWindow, at: number): number {
  if (window.kind === 'sliding') return at + window.length;
  const date = periodStart(window.unit, at);
  if (window.unit === 'hour') return date.getTime() + 3_600_000;
  if (window.unit === 'month') return date.setUTCMonth(date.getUTCMonth() + 1);
  return date.setUTCDate(date.getUTCDate() + (window.unit === 'week' ? 7 : 1));
}

function sliceOf(window: LimitWindow, at: number): number {
  if (window.kind === 'calendar') return periodStart(window.unit, at).getTime();
  const width = Math.max(1, Math.ceil(window.length / 60));
  return at - (at % width);
}

export class ReferenceHold {
  settled = false;
  ended = false;
  readonly own: Entry[] = [];
  readonly joint: Entry[] = [];
  shared: Shared | undefined;
}

export class ReferenceStore {
  readonly #entries: Entry[] = [];
  readonly #newest = new Map<string, Slice>();
  readonly #operations = new Map<string, Shared>();
  readonly #lease: number;

  constructor(lease: number) {
    this.#lease = lease;
  }

  total(key: string, window: LimitWindow, now: number): bigint {
    return this.#counting(key, window, now).reduce((sum, { amount }) => sum + amount, 0n);
  }

  #alive(entry: Entry, now: number): boolean {
    return !entry.gone && (entry.settled || entry.lease > now);
  }

  #counting(key: string, window: LimitWindow, now: number): Entry[] {
    return this.#entries.filter(
      (entry) => entry.key === key && this.#alive(entry, now) && countsUntil(window, entry.slice.last) > now,
    );
  }

  #wait({ key, window }: LimitCharge, needed: bigint, now: number): number {
    let freed = 0n;
    for (const { amount, slice } of this.#counting(key, window, now)) {
      freed += amount;
      if (freed >= needed) return countsUntil(window, slice.last) - now;
    }
    return countsUntil(window, now) - now;
  }

  #add({ key, amount, kind, window }: LimitCharge, now: number): Entry {
    let slice = this.#newest.get(key);
    if (slice === undefined || (now > slice.last && slice.first < sliceOf(window, now))) {
      slice = { first: now, last: now };
      this.#newest.set(key, slice);
    }
    slice.last = Math.max(slice.last, now);
    const entry = { key, at: now, amount, kind, slice, lease: now + this.#lease, settled: false, gone: false };
    this.#entries.push(entry);
    return entry;
  }

  #refusal(charge: LimitCharge, now: number): LimitRefusal[] {
    const { id, key, window, max, amount, chargeOnly } = charge;
    const total = this.total(key, window, now);
    if (chargeOnly || total + amount <= max) return [];
    const remaining = total < max ? max - total : 0n;
    return [{ id, window, max, remaining, retryAfter: this.#wait(charge, total + amount - max, now) }];
  }

  #earlier(charge: LimitCharge, shared: Shared | undefined, now: number): Entry | undefined {
    const entry = charge.kind === 'budget' && charge.amount > 0n ? shared?.entries.get(charge.key) : undefined;
    return entry !== undefined && this.#alive(entry, now) ? entry : undefined;
  }

  /** What is alive of the operation, or a new beginning; nothing where no budget is charged. */
  #shared(charges: readonly LimitCharge[], operation: Operation | undefined, now: number): Shared | undefined {
    const costs = charges.some(({ kind, amount }) => kind === 'budget' && amount > 0n);
    if (operation === undefined || !costs) return undefined;
    const known = this.#operations.get(operation.id);
    const joins = known !== undefined && now < known.until;
    if (joins && charges.some((charge) => this.#earlier(charge, known, now) !== undefined)) return known;
    return { until: now + operation.window, attempts: new Set(), entries: new Map() };
  }

  reserve(
    charges: readonly LimitCharge[],
    operation: Operation | undefined,
    now: number,
  ): ReferenceHold | LimitRefusal[] {
    const shared = this.#shared(charges, operation, now);
    const paidAs = (charge: LimitCharge): Entry | undefined => {
      const entry = this.#earlier(charge, shared, now);
      return entry?.amount === charge.amount ? entry : undefined;
    };
    const refusals = charges.flatMap((charge) => (paidAs(charge) === undefined ? this.#refusal(charge, now) : []));
    if (refusals.length > 0) return refusals;
    const hold = new ReferenceHold();
    hold.shared = shared;
    shared?.attempts.add(hold);
    if (shared !== undefined && operation !== undefined) this.#operations.set(operation.id, shared);
    for (const charge of charges) {
      const paid = paidAs(charge);
      if (paid !== undefined) {
        paid.lease = now + this.#lease;
        hold.joint.push(paid);
      } else if (charge.amount > 0n) this.#charge(charge, hold, now);
    }
    return hold;
  }

  #charge(charge: LimitCharge, hold: ReferenceHold, now: number): void {
    const joint =
      hold.shared !== undefined && charge.kind === 'budget' && this.#earlier(charge, hold.shared, now) === undefined;
    const entry = this.#add(charge, now);
    (joint ? hold.joint : hold.own).push(entry);
    if (joint) hold.shared?.entries.set(charge.key, entry);
  }

  /** False where it lapsed. */
  settle(hold: ReferenceHold, now: number): boolean {
    const entries = [...hold.own, ...hold.joint];
    if (hold.ended || !entries.every((entry) => this.#alive(entry, now))) return false;
    for (const entry of entries) entry.settled = true;
    hold.settled = true;
    return true;
  }

  end(hold: ReferenceHold, how: 'release' | 'refund'): void {
    if (hold.ended) return;
    hold.ended = true;
    for (const entry of hold.own) {
      if (how === 'release' || !hold.settled || entry.kind === 'budget') entry.gone = true;
    }
    const { shared } = hold;
    shared?.attempts.delete(hold);
    if (shared === undefined || shared.attempts.size > 0) return;
    for (const entry of hold.joint) entry.gone = true;
    for (const [id, known] of this.#operations) if (known === shared) this.#operations.delete(id);
  }

  /** The attempts at an operation are known to the shared store only until it forgets the operation. */
  isForgotten(hold: ReferenceHold, now: number): boolean {
    const { shared } = hold;
    return shared !== undefined && (now >= shared.until || ![...this.#operations.values()].includes(shared));
  }
}
