import type { LimitWindow } from './limit-window.ts';

/** One amount to hold against one counter. Amounts and maxima are integers of 10^-9 (see nanos.ts). */
export interface LimitCharge {
  /** Names the counter: limit, tenant and subject. */
  key: string;
  /** The limit's id, for people. */
  id: string;
  tenant: string;
  /** A rate counts calls, every attempt of them; a budget adds up amounts, once per operation. */
  kind: 'rate' | 'budget';
  window: LimitWindow;
  max: bigint;
  /** Never negative. */
  amount: bigint;
  /** Charged, but no reason to refuse. */
  chargeOnly: boolean;
}

/** Names what the tool takes for one call: its retries spend budgets once. */
export interface Operation {
  /** Opaque; the same for identical calls of the same agent only. */
  id: string;
  /** Milliseconds from the first attempt for which the tool remembers it; 0 = not at all. */
  window: number;
}

/** Where a limit stands. */
export interface LimitState {
  id: string;
  window: LimitWindow;
  max: bigint;
  remaining: bigint;
}

/** Why a reservation was refused, and when it may fit. */
export interface LimitRefusal extends LimitState {
  /** Milliseconds until the amount fits; until the window has passed where it never will. */
  retryAfter: number;
}

/**
 * Held amounts. One of `release` and `refund` counts, the first that is called; all three may be called again and then
 * change nothing. What a shared store may already have given back cannot be settled.
 */
export interface Reservation {
  /**
   * Before the first byte may leave: from here on the amounts are spent.
   * Rejects (AEGIS_LIMITS_UNAVAILABLE, AEGIS_LIMITS_LAPSED) where that is not certain; then nothing may be sent.
   */
  settle(): MaybePromise<void>;
  /** Nothing was sent, also after `settle`: everything is given back. */
  release(): MaybePromise<void>;
  /** The tool definitively refused: budgets are given back, rates are not. Before `settle` the same as `release`. */
  refund(): MaybePromise<void>;
  /** What the limits that can refuse have left, this call counted. */
  readonly limits: readonly LimitState[];
}

export type ReserveResult = { ok: true; reservation: Reservation } | { ok: false; refusals: LimitRefusal[] };

/** A value now (in-process store) or later (shared store); callers do not wait where they need not. */
export type MaybePromise<T> = T | Promise<T>;

/** For health and metrics. `slow`: an answer is overdue, so calls fail at once until it has come. */
export interface LimitStoreStatus {
  state: 'ready' | 'connecting' | 'slow' | 'closed';
  /** Since when, ms since the epoch. */
  since: number;
  /** Why it is not ready: a short code such as ECONNREFUSED or WRONGPASS, never a value. */
  reason?: string;
  /** The server may drop counters when its memory is full, which would loosen limits. */
  evicts?: boolean;
}

/**
 * Keeps rates and budgets. `reserve` holds all charges or none, atomically: what is held counts against every other
 * reservation at once, so that concurrent calls never overshoot. All charges of one call are of one tenant.
 */
export interface LimitStore {
  /** Rejects (AEGIS_LIMITS_UNAVAILABLE) where the store cannot be asked. */
  reserve(charges: readonly LimitCharge[], operation?: Operation): MaybePromise<ReserveResult>;
  /** Every gateway that may enforce the same limit counts here. */
  readonly shared?: boolean;
  status?(): LimitStoreStatus;
  /** After this, `reserve` rejects. */
  close?(): Promise<void>;
}

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise;
}

/**
 * Ends a reservation, and says whether the store took note. Never throws or rejects. What a store fails to hear of
 * stays spent where it was settled, which is the strict side, and is given back by itself where it was not.
 */
export function endReservation(
  reservation: Reservation | undefined,
  how: 'settle' | 'release' | 'refund',
  onError?: (error: unknown) => void,
): MaybePromise<boolean> {
  if (reservation === undefined) return true;
  const failed = (error: unknown): false => {
    onError?.(error);
    return false;
  };
  try {
    const ended = reservation[how]();
    return isPromise(ended) ? ended.then(() => true as const, failed) : true;
  } catch (error) {
    return failed(error);
  }
}

/** One charge per counter; of two, the one that can refuse. Checked: all of one tenant, none negative. */
export function distinctCharges(charges: readonly LimitCharge[]): LimitCharge[] {
  const byKey = new Map<string, LimitCharge>();
  for (const charge of charges) {
    if (charge.amount < 0n) throw new RangeError('a charge is negative');
    if (charge.tenant !== charges[0]?.tenant) throw new RangeError('the charges of one call are of two tenants');
    const other = byKey.get(charge.key);
    if (other === undefined || other.chargeOnly) byKey.set(charge.key, charge);
  }
  return [...byKey.values()];
}
