import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LimitCharge,
  LimitStore,
  LimitStoreStatus,
  Operation,
  Reservation,
} from '../../../gateway/limits/limit-store.ts';
import { createRedisLimitStore, type RedisLimitStoreOptions } from '../../../gateway/limits/redis-limit-store.ts';

let instances = 0;

/** A store that is connected; `errors` collects what it could not give back. */
export async function openStore(
  options: Partial<RedisLimitStoreOptions> & { url: string },
  more: { serverTime?: () => number; wait?: boolean } = {},
): Promise<LimitStore & { status(): LimitStoreStatus; close(): Promise<void>; errors: unknown[] }> {
  const errors: unknown[] = [];
  const store = await createRedisLimitStore(options, {
    now: Date.now,
    random: Math.random,
    instance: `i${process.pid}-${++instances}`,
    onError: (error) => errors.push(error),
    ...(more.serverTime !== undefined && { serverTime: more.serverTime }),
  });
  const opened = { ...store, errors } as Awaited<ReturnType<typeof openStore>>;
  if (more.wait !== false) await until(() => opened.status().state === 'ready');
  return opened;
}

export async function until(condition: () => boolean | Promise<boolean>, millis = 15_000): Promise<void> {
  const end = Date.now() + millis;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('waited in vain');
    await sleep(10);
  }
}

export function charge(amount: bigint, more: Partial<LimitCharge> = {}): LimitCharge {
  return {
    key: '["l","t"]',
    id: 'l',
    tenant: 't',
    kind: 'budget',
    window: { kind: 'sliding', length: 3_600_000 },
    max: 10n,
    amount,
    chargeOnly: false,
    ...more,
  };
}

/** The reservation, where it was made. */
export function hold(store: LimitStore, ...charges: LimitCharge[]): Promise<Reservation> {
  return attempt(store, undefined, ...charges);
}

/** What is left of the charge's limit. */
export async function left(store: LimitStore, like: Partial<LimitCharge> = {}): Promise<bigint> {
  const result = await store.reserve([charge(0n, like)]);
  return result.ok ? (result.reservation.limits[0]?.remaining ?? -1n) : 0n;
}

export const RATE: Partial<LimitCharge> = { key: '["r","t"]', id: 'r', kind: 'rate', max: 100n };
export const OPERATION: Operation = { id: 'op', window: 60_000 };

export async function attempt(
  store: LimitStore,
  operation: Operation | undefined,
  ...charges: LimitCharge[]
): Promise<Reservation> {
  const result = await store.reserve(charges, operation);
  if (!result.ok) throw new Error('refused');
  return result.reservation;
}
