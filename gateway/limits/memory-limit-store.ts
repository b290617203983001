import { AegisError } from '../../policy/errors.ts';
import {
  distinctCharges,
  type LimitCharge,
  type LimitRefusal,
  type LimitState,
  type LimitStore,
  type Operation,
  type Reservation,
  type ReserveResult,
} from './limit-store.ts';
import { Tally } from './tally.ts';

const SWEEP_EVERY = 4096;
/** Operations remembered at most; a retry of a forgotten one spends again. */
const MOST_OPERATIONS = 10_000;

/** What the attempts at one operation are charged with together. */
interface Shared {
  key: string;
  /** No attempt after this joins. */
  until: number;
  /** Attempts that did not give back. */
  attempts: number;
  charges: Map<string, Held>;
}

interface Held {
  tally: Tally;
  at: number;
  amount: bigint;
  kind: LimitCharge['kind'];
}

/**
 * Limits in this process, gone with it. No call in any window of the given length is let past the maximum: what was
 * charged counts late by at most 1/60 of the window, never early. Time that steps back is held where it was.
 */
export function createMemoryLimitStore(clock: () => number): LimitStore {
  const tallies = new Map<string, Tally>();
  const operations = new Map<string, Shared>();
  let latest = Number.NEGATIVE_INFINITY;
  let calls = 0;

  function time(): number {
    latest = Math.max(latest, clock());
    return latest;
  }

  function tallyOf(key: string): Tally {
    let tally = tallies.get(key);
    if (tally === undefined) {
      tally = new Tally();
      tallies.set(key, tally);
    }
    return tally;
  }

  function sweep(now: number): void {
    for (const [key, tally] of tallies) if (tally.isEmpty(now)) tallies.delete(key);
    for (const [key, { until }] of operations) if (until <= now) operations.delete(key);
  }

  function refusalOf(charge: LimitCharge, now: number): LimitRefusal | undefined {
    const { id, window, max, amount } = charge;
    const tally = tallyOf(charge.key);
    const total = tally.total(window, now);
    if (charge.chargeOnly || total + amount <= max) return undefined;
    const remaining = total < max ? max - total : 0n;
    return { id, window, max, remaining, retryAfter: tally.wait(window, now, total + amount - max) };
  }

  /** What attempts at the operation share: with an earlier one, where it paid any of this one's budgets, or anew. */
  function sharedBy(
    charges: readonly LimitCharge[],
    operation: Operation | undefined,
    now: number,
  ): Shared | undefined {
    if (operation === undefined || operation.window <= 0 || !charges.some(isJoint)) return undefined;
    const key = JSON.stringify([charges[0]?.tenant, operation.id]);
    const known = operations.get(key);
    const joins = known !== undefined && now < known.until;
    if (joins && charges.some((charge) => isJoint(charge) && known.charges.has(charge.key))) return known;
    return { key, until: now + operation.window, attempts: 0, charges: new Map() };
  }

  function join(shared: Shared): void {
    shared.attempts += 1;
    if (operations.get(shared.key) === shared) return;
    operations.delete(shared.key);
    operations.set(shared.key, shared);
    if (operations.size > MOST_OPERATIONS) operations.delete(operations.keys().next().value as string);
  }

  function leave(shared: Shared, keys: readonly string[]): void {
    if (--shared.attempts > 0) return;
    for (const key of keys) {
      const held = shared.charges.get(key);
      held?.tally.remove(held.at, held.amount);
    }
    if (operations.get(shared.key) === shared) operations.delete(shared.key);
  }

  /** Charges all of them; `own` is what this attempt alone is charged with, `joint` the counters charged once. */
  function hold(charges: readonly LimitCharge[], shared: Shared | undefined, now: number) {
    const own: Held[] = [];
    const joint: string[] = [];
    for (const charge of charges) {
      const { key, kind, amount, window } = charge;
      if (isPaid(charge, shared)) {
        joint.push(key);
        continue;
      }
      const held: Held = { tally: tallyOf(key), at: now, amount, kind };
      held.tally.add(window, now, amount);
      if (shared !== undefined && isJoint(charge) && !shared.charges.has(key)) {
        shared.charges.set(key, held);
        joint.push(key);
      } else own.push(held);
    }
    return { own, joint };
  }

  function stateOf({ id, key, window, max }: LimitCharge, now: number): LimitState {
    const total = tallyOf(key).total(window, now);
    return { id, window, max, remaining: total < max ? max - total : 0n };
  }

  function reserve(charges: readonly LimitCharge[], operation?: Operation): ReserveResult {
    const now = time();
    if (++calls % SWEEP_EVERY === 0) sweep(now);
    const distinct = distinctCharges(charges);
    const shared = sharedBy(distinct, operation, now);
    const refusals = distinct
      .filter((charge) => !isPaid(charge, shared))
      .map((charge) => refusalOf(charge, now))
      .filter((refusal) => refusal !== undefined);
    if (refusals.length > 0) return { ok: false, refusals };
    const { own, joint } = hold(distinct, shared, now);
    if (shared !== undefined) join(shared);
    const limits = distinct.filter(({ chargeOnly }) => !chargeOnly).map((charge) => stateOf(charge, now));
    const done = (): void => {
      if (shared !== undefined) leave(shared, joint);
    };
    return { ok: true, reservation: createReservation(own, done, limits) };
  }

  return { reserve };
}

function isJoint({ kind, amount }: LimitCharge): boolean {
  return kind === 'budget' && amount > 0n;
}

/** An earlier attempt was charged with the same amount. */
function isPaid(charge: LimitCharge, shared: Shared | undefined): boolean {
  return isJoint(charge) && shared?.charges.get(charge.key)?.amount === charge.amount;
}

function createReservation(own: readonly Held[], done: () => void, limits: Reservation['limits']): Reservation {
  let settled = false;
  let ended = false;
  const end = (givenBack: (held: Held) => boolean): void => {
    if (ended) return;
    ended = true;
    for (const held of own) if (givenBack(held)) held.tally.remove(held.at, held.amount);
    done();
  };
  return {
    limits,
    settle: () => {
      if (ended) throw new AegisError('AEGIS_LIMITS_LAPSED', 'The amounts of this call were given back already.');
      settled = true;
    },
    release: () => end(() => true),
    refund: () => end(({ kind }) => !settled || kind === 'budget'),
  };
}
