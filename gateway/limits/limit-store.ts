import type { LimitWindow } from './limit-window.ts';

/** One amount to hold against one counter. Amounts and maxima are integers of 10^-9 (see nanos.ts). */
export interface LimitCharge {
  /** Names the counter: limit and subject. */
  key: string;
  /** The limit's id, for people. */
  id: string;
  window: LimitWindow;
  max: bigint;
  /** Never negative. */
  amount: bigint;
  /** Charged, but no reason to refuse. */
  chargeOnly: boolean;
}

/** Why a reservation was refused, and when it may fit. */
export interface LimitRefusal {
  id: string;
  window: LimitWindow;
  max: bigint;
  remaining: bigint;
  /** Milliseconds until the amount fits; until the window has passed where it never will. */
  retryAfter: number;
}

/** Held amounts. Exactly one of the two is called once; further calls change nothing. */
export interface Reservation {
  /** The call was sent (or may have been): the amounts are spent. */
  settle(): MaybePromise<void>;
  /** Nothing was sent: the amounts are given back. */
  release(): MaybePromise<void>;
}

export type ReserveResult = { ok: true; reservation: Reservation } | { ok: false; refusals: LimitRefusal[] };

/** A value now (in-process store) or later (shared store); callers do not wait where they need not. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * Keeps rates and budgets. `reserve` holds all charges or none, atomically: what is held counts against every other
 * reservation at once, so that concurrent calls never overshoot.
 */
export interface LimitStore {
  reserve(charges: readonly LimitCharge[]): MaybePromise<ReserveResult>;
}

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise;
}

/** Ends a reservation. A store that fails to hear of it keeps the amounts held, which is the strict side. */
export function endReservation(
  reservation: Reservation | undefined,
  how: 'settle' | 'release',
  onError?: (error: unknown) => void,
): void {
  if (reservation === undefined) return;
  try {
    const ended = reservation[how]();
    if (isPromise(ended)) ended.catch((error: unknown) => onError?.(error));
  } catch (error) {
    onError?.(error);
  }
}
