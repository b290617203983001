import { AegisError } from '../../policy/errors.ts';
import {
  distinctCharges,
  endReservation,
  type LimitCharge,
  type LimitRefusal,
  type LimitStore,
  type LimitStoreStatus,
  type Operation,
  type Reservation,
  type ReserveResult,
} from './limit-store.ts';
import { windowText } from './limit-window.ts';
import { LinkFailure, openRedisLink, type RedisLink, type RedisLinkOptions } from './redis-link.ts';

/**
 * Limits shared by gateways in Redis (7 or later) or Valkey. One round trip for each of reserve, settle and release. What
 * was held and not settled before its lease is over is given back, by the next call that needs the same counter.
 */
export interface RedisLimitStoreOptions extends RedisLinkOptions {
  /** Before every key; default `aegis:`. */
  prefix?: string;
  /** How long a hold lasts that nobody settles, ms; default 30,000. Longer than connecting to a tool may take. */
  lease?: number;
}

export interface RedisLimitStoreDeps {
  /** ms since the epoch; for the status only: counting follows the server's clock. */
  now(): number;
  /** From 0 to 1. */
  random(): number;
  /** Unique to this process, at most 64 letters, digits, `_`, `.` or `-`: names its holds. */
  instance: string;
  onStatus?(status: LimitStoreStatus): void;
  /** Told of amounts that stay spent although they should not, because the store did not hear of it. */
  onError?(error: unknown): void;
  /** Tests only: ms since the epoch, instead of the server's clock. */
  serverTime?(): number;
}

const PREFIX = 'aegis:';
const LEASE = 30_000;
/** Releases that wait for the next connection, at most. */
const MOST_WAITING = 1_000;

interface Hold {
  id: string;
  charges: HeldCharge[];
  mark: string;
  operation: string | undefined;
}

interface HeldCharge {
  key: string;
  kind: LimitCharge['kind'];
  amount: bigint;
  /** When it was charged, by the server's clock. */
  at: number;
  /** The hold as which the operation is charged; empty where the charge is this hold's own. */
  unit: string;
}

type Settled = 'no' | 'yes' | 'unsure';

interface Store {
  link: RedisLink;
  lease: number;
  /** The server's clock is asked where empty. */
  clock(): string;
  /** Tries again with the next connection. */
  postpone(release: () => Promise<unknown>): void;
  onError(error: unknown): void;
}

export async function createRedisLimitStore(
  options: RedisLimitStoreOptions,
  deps: RedisLimitStoreDeps,
): Promise<LimitStore> {
  if (!/^[\w.-]{1,64}$/.test(deps.instance)) {
    throw new AegisError('AEGIS_LIMITS_CONFIG', 'The name of the gateway instance is not usable.');
  }
  const link = await openRedisLink(options, deps);
  const waiting: (() => Promise<unknown>)[] = [];
  link.onReady(() => {
    for (const release of waiting.splice(0)) release().catch((error) => deps.onError?.(error));
  });
  const store: Store = {
    link,
    lease: options.lease ?? LEASE,
    clock: () => deps.serverTime?.().toFixed(0) ?? '',
    postpone: (release) => {
      waiting.push(release);
      if (waiting.length <= MOST_WAITING) return;
      waiting.shift();
      deps.onError?.(new LinkFailure('TOO_MANY_WAITING'));
    },
    onError: (error) => deps.onError?.(error),
  };
  const prefix = options.prefix ?? PREFIX;
  let holds = 0;

  async function reserve(charges: readonly LimitCharge[], operation?: Operation): Promise<ReserveResult> {
    const distinct = distinctCharges(charges);
    if (distinct.length === 0) return { ok: true, reservation: NOTHING };
    const id = `${deps.instance}.${(++holds).toString(36)}`;
    const space = `${prefix}{${encodeURIComponent(distinct[0]?.tenant ?? '')}}:`;
    const joint = operation !== undefined && operation.window > 0 && distinct.some(isJoint);
    const hold: Hold = {
      id,
      charges: distinct.map(({ key, kind, amount }) => ({ key: `${space}l:${key}`, kind, amount, at: 0, unit: '' })),
      mark: `${space}s:${id}`,
      operation: joint ? `${space}o:${operation.id}` : undefined,
    };
    const keys = hold.charges.map(({ key }) => key);
    if (hold.operation !== undefined) keys.push(hold.operation);
    const args = [
      ...['reserve', store.clock(), String(store.lease), id, String(distinct.length)],
      joint ? Math.ceil(operation.window).toFixed(0) : '0',
      ...distinct.flatMap(({ window, max, amount, kind, chargeOnly }) => [
        windowText(window),
        max.toString(),
        amount.toString(),
        `${kind === 'budget' ? 'b' : 'r'}${chargeOnly ? 'o' : ''}`,
      ]),
    ];
    const answer = await link.run(keys, args).catch((error: unknown) => {
      // Held after all where the answer is only late, and nobody waits for it; without an answer it lapses.
      afterwards(error, (late) => {
        if (late?.[0] === 1) endReservation(createReservation(store, granted(hold, late), []), 'release');
      });
      throw error;
    });
    if (answer[0] !== 1) return { ok: false, refusals: refusalsOf(distinct, answer) };
    const limits = distinct.flatMap(({ id: limit, window, max, chargeOnly }, i) =>
      chargeOnly ? [] : [{ id: limit, window, max, remaining: BigInt(answer[3 + 2 * i] as string) }],
    );
    return { ok: true, reservation: createReservation(store, granted(hold, answer), limits) };
  }

  return {
    shared: true,
    reserve,
    status: link.status,
    close: link.close,
  };
}

const NOTHING: Reservation = { limits: [], settle: () => undefined, release: () => undefined, refund: () => undefined };

function isJoint({ kind, amount }: LimitCharge): boolean {
  return kind === 'budget' && amount > 0n;
}

/** The hold as the store answered; what costs nothing is not held. */
function granted(hold: Hold, answer: readonly unknown[]): Hold {
  const at = Number(answer[1]);
  const charges = hold.charges.map((charge, i) => ({ ...charge, at, unit: String(answer[2 + 2 * i]) }));
  return { ...hold, charges: charges.filter(({ amount }) => amount > 0n) };
}

function refusalsOf(charges: readonly LimitCharge[], answer: readonly unknown[]): LimitRefusal[] {
  const refusals: LimitRefusal[] = [];
  for (let i = 2; i + 2 < answer.length; i += 3) {
    const charge = charges[Number(answer[i]) - 1];
    if (charge === undefined) continue;
    const { id, window, max } = charge;
    const remaining = BigInt(answer[i + 1] as string);
    refusals.push({ id, window, max, remaining, retryAfter: Number(answer[i + 2]) });
  }
  return refusals;
}

function keysOf({ charges, mark, operation }: Hold): string[] {
  const keys = charges.map(({ key }) => key);
  keys.push(mark);
  if (operation !== undefined) keys.push(operation);
  return keys;
}

function createReservation(store: Store, hold: Hold, limits: Reservation['limits']): Reservation {
  const { link, lease } = store;
  const { id, charges } = hold;
  /** Resolved once it is known whether the hold is settled. */
  let known: Promise<Settled> = Promise.resolve('no');
  let settling: Promise<void> | undefined;
  let ending: Promise<void> | undefined;

  async function settle(): Promise<void> {
    if (charges.length === 0) return;
    const args = ['settle', store.clock(), String(lease), id, String(charges.length)];
    for (const { unit } of charges) args.push(unit);
    const answer = await link.run(keysOf(hold), args).catch((error: unknown) => {
      if (error instanceof LinkFailure && error.later !== undefined) known = error.later.then(isSettled);
      throw error;
    });
    known = Promise.resolve(isSettled(answer));
    // Given back meanwhile: what is sent now would be sent for nothing.
    if (answer[0] !== 1 || ending !== undefined) throw lapsed();
  }

  async function giveBack(all: boolean): Promise<void> {
    if (charges.length === 0) return;
    await settling?.catch(() => undefined);
    const settled = await known;
    const args = ['release', store.clock(), String(lease), id, String(charges.length)];
    args.push(all || settled !== 'yes' ? 'all' : 'budgets', settled);
    for (const { unit, kind, at, amount } of charges) {
      args.push(unit, kind === 'budget' ? 'b' : 'r', String(at), amount.toString());
    }
    await send(args, settled);
  }

  /** What was not settled lapses in the end. What surely was is given back by one command at most: it has no other trace. */
  async function send(args: readonly string[], settled: Settled): Promise<void> {
    try {
      await link.run(keysOf(hold), args);
    } catch (error) {
      const later = error instanceof LinkFailure ? error.later : undefined;
      const done = later !== undefined && (await later) !== undefined;
      if (done || (later !== undefined && settled === 'no')) return;
      if (later !== undefined && settled === 'yes') throw error;
      store.postpone(() => link.run(keysOf(hold), args));
    }
  }

  return {
    limits,
    settle: () => {
      if (ending !== undefined) return Promise.reject(lapsed());
      settling ??= settle();
      return settling;
    },
    release: () => {
      ending ??= giveBack(true);
      return ending;
    },
    refund: () => {
      ending ??= giveBack(false);
      return ending;
    },
  };
}

function isSettled(answer: readonly unknown[] | undefined): Settled {
  if (answer === undefined) return 'unsure';
  return answer[0] === 1 ? 'yes' : 'no';
}

function afterwards(error: unknown, then: (answer: readonly unknown[] | undefined) => void): void {
  if (error instanceof LinkFailure) error.later?.then(then);
}

function lapsed(): AegisError {
  return new AegisError('AEGIS_LIMITS_LAPSED', 'What the call held of its limits was given back before it was sent.');
}
