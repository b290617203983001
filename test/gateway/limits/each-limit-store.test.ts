import type { LimitCharge, LimitStore, Operation } from '../../../gateway/limits/limit-store.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { attempt, charge, hold, left, OPERATION, openStore, RATE } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

/** What holds for every store alike. */

let redis: RedisServer;
let prefixes = 0;
const stores: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await redis.remove();
});

async function openShared(serverTime: () => number): Promise<LimitStore> {
  const store = await openStore({ url: redis.url, prefix: `p${++prefixes}:`, lease: 10_000 }, { serverTime });
  stores.push(store);
  return store;
}

describe.each([
  ['memory', async (clock: () => number): Promise<LimitStore> => createMemoryLimitStore(clock)],
  ['redis', openShared],
])('operations in the %s store', (_, make) => {
  let now = Date.UTC(2026, 5, 1);
  let store: LimitStore;
  beforeEach(async () => {
    store = await make(() => now);
  });
  const once = (operation: Operation = OPERATION) => attempt(store, operation, charge(6n), charge(1n, RATE));

  test('a retry spends its budget once and its rate again, one after the other and at once', async () => {
    const first = await once();
    await first.settle();
    const others = await Promise.all([once(), once(), once()]);
    await Promise.all(others.map((other) => other.settle()));
    expect(await left(store)).toBe(4n);
    expect(await left(store, RATE)).toBe(96n);
  });

  test('another operation spends for itself', async () => {
    await once();
    await expect(once({ ...OPERATION, id: 'other' })).rejects.toThrow('refused');
  });

  test('given back once all attempts are', async () => {
    const [first, second] = [await once(), await once()];
    await second.settle();
    await first.release();
    expect(await left(store)).toBe(4n);
    await second.release();
    expect(await left(store)).toBe(10n);
    expect(await left(store, RATE)).toBe(100n);
    // And then it is a new call.
    await once();
    expect(await left(store)).toBe(4n);
  });

  test('refused by the tool: the budget comes back with the last attempt, the rates do not', async () => {
    const [first, second] = [await once(), await once()];
    for (const each of [first, second]) await each.settle();
    await first.refund();
    expect(await left(store)).toBe(4n);
    await second.refund();
    expect(await left(store)).toBe(10n);
    expect(await left(store, RATE)).toBe(98n);
  });

  test('after its window it charges again', async () => {
    await (await once()).settle();
    now += OPERATION.window;
    await expect(once()).rejects.toThrow('refused');
    now += 3_600_000;
    await once();
    expect(await left(store)).toBe(4n);
  });

  test('another amount under the same id is charged for itself', async () => {
    await attempt(store, OPERATION, charge(6n));
    const other = await attempt(store, OPERATION, charge(3n));
    expect(await left(store)).toBe(1n);
    await other.release();
    expect(await left(store)).toBe(4n);
  });

  test('no id remembered is an id of its own', async () => {
    await attempt(store, { id: 'x', window: 0 }, charge(5n));
    await attempt(store, { id: 'x', window: 0 }, charge(5n));
    expect(await left(store)).toBe(0n);
  });

  test('of very many attempts none gives back any more', async () => {
    const attempts = await Promise.all(Array.from({ length: 70 }, () => attempt(store, OPERATION, charge(6n))));
    for (const each of attempts.slice(0, 69)) await each.release();
    expect(await left(store)).toBe(4n);
  });

  test('a window that shrinks or grows goes on counting what is there', async () => {
    const day: Partial<LimitCharge> = { window: { kind: 'sliding', length: 86_400_000 } };
    const minute: Partial<LimitCharge> = { window: { kind: 'sliding', length: 60_000 } };
    await (await hold(store, charge(6n, day))).settle();
    now += 3_600_000;
    await (await hold(store, charge(2n, minute))).settle();
    expect(await left(store, minute)).toBe(8n);
    expect(await left(store, day)).toBe(2n);
    expect(await left(store, { ...day, max: 7n })).toBe(0n);
    expect(await left(store, { window: { kind: 'calendar', unit: 'day' } })).toBe(2n);
    now += 82_800_000;
    expect(await left(store, day)).toBe(8n);
  });

  test('windows that change all the time keep their slices bounded and let nothing past the maximum', async () => {
    const spent: { at: number; amount: bigint }[] = [];
    const limit = (length: number): Partial<LimitCharge> => ({ window: { kind: 'sliding', length }, max: 1_000n });
    for (let i = 0; i < 900; i++) {
      const length = i % 9 === 0 ? 86_400_000 : 60_000;
      now += 20_000;
      await (await hold(store, charge(1n, limit(length)))).settle();
      spent.push({ at: now, amount: 1n });
    }
    for (const length of [86_400_000, 60_000]) {
      const inWindow = BigInt(spent.filter(({ at }) => at > now - length).length);
      const seen = 1_000n - (await left(store, limit(length)));
      expect(seen).toBeGreaterThanOrEqual(inWindow);
      expect(seen).toBeLessThanOrEqual(inWindow + 2n);
    }
  });
});
