import fc from 'fast-check';
import type { LimitCharge } from '../../../gateway/limits/limit-store.ts';
import type { RedisLimitStoreOptions } from '../../../gateway/limits/redis-limit-store.ts';
import { MOST_SLICES } from '../../../gateway/limits/tally.ts';
import { attempt, charge, hold, left, OPERATION, openStore, RATE } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

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

async function open(options: Partial<RedisLimitStoreOptions> = {}, more: Parameters<typeof openStore>[1] = {}) {
  const store = await openStore({ url: redis.url, prefix: `p${++prefixes}:`, ...options }, more);
  stores.push(store);
  return store;
}

describe('holds', () => {
  test('the extension of a lease by a later attempt holds for the first one too', async () => {
    let now = 1_700_000_000_000;
    const store = await open({ lease: 10_000 }, { serverTime: () => now });
    const first = await attempt(store, OPERATION, charge(6n));
    now += 9_000;
    const second = await attempt(store, OPERATION, charge(6n));
    now += 9_000;
    expect(await left(store)).toBe(4n);
    await first.settle();
    now += 9_000;
    await second.settle();
    await first.release();
    now += 60_000;
    expect(await left(store)).toBe(4n);
  });

  test('what lapsed is given back once, also where its owner releases it later', async () => {
    let now = 1_700_000_000_000;
    const store = await open({ lease: 10_000 }, { serverTime: () => now });
    for (const operation of [undefined, OPERATION]) {
      const dead = await attempt(store, operation, charge(5n));
      now += 10_000;
      const other = await attempt(store, undefined, charge(10n));
      await expect(dead.settle()).rejects.toMatchObject({ code: 'AEGIS_LIMITS_LAPSED' });
      await dead.release();
      expect(await left(store)).toBe(0n);
      await other.release();
      expect(await left(store)).toBe(10n);
    }
  });

  test('a retry whose first attempt died with its gateway starts anew, and can be given back', async () => {
    let now = 1_700_000_000_000;
    const store = await open({ lease: 10_000 }, { serverTime: () => now });
    await attempt(store, OPERATION, charge(6n));
    now += 10_000;
    const retry = await attempt(store, OPERATION, charge(6n));
    await retry.settle();
    expect(await left(store)).toBe(4n);
    await retry.refund();
    expect(await left(store)).toBe(10n);
  });

  test('the clock of the server counts, never the one of a gateway', async () => {
    const prefix = 'skew:';
    const [first, second] = [await open({ prefix }), await open({ prefix })];
    const real = Date.now;
    const day: Partial<LimitCharge> = { window: { kind: 'calendar', unit: 'month' } };
    try {
      await (await hold(first, charge(6n, day))).settle();
      Date.now = () => real() + 400 * 86_400_000;
      expect(await left(second, day)).toBe(4n);
      Date.now = () => 0;
      expect(await left(second, day)).toBe(4n);
    } finally {
      Date.now = real;
    }
  });

  test('a clock of the server that steps back gives nothing back', async () => {
    let now = 1_700_000_000_000;
    const store = await open({}, { serverTime: () => now });
    await (await hold(store, charge(10n))).settle();
    now -= 3_600_000 * 5;
    expect(await left(store)).toBe(0n);
    now += 3_600_000 * 6;
    expect(await left(store)).toBe(10n);
  });

  test('sums of the largest amounts are exact', async () => {
    const store = await open({ timeout: 5_000 });
    let runs = 0;
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 42n }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(amounts, async (all) => {
        const limit = { key: `["x","${++runs}"]`, max: 10n ** 44n };
        const held = [];
        for (const amount of all) held.push(await hold(store, charge(amount, limit)));
        const sum = all.reduce((total, amount) => total + amount, 0n);
        expect(await left(store, limit)).toBe(10n ** 44n - sum);
        for (const each of held.slice(1)) await each.release();
        expect(await left(store, limit)).toBe(10n ** 44n - (all[0] ?? 0n));
      }),
      { numRuns: 100 },
    );
  });

  test('every key has an end, and the slices of a counter are bounded', async () => {
    let now = 1_700_000_000_000;
    const store = await open({ prefix: 'ttl:' }, { serverTime: () => now });
    for (let i = 0; i < 700; i++) {
      const length = i === 0 ? 86_400_000 : 60_000;
      await (
        await attempt(
          store,
          i < 3 ? OPERATION : undefined,
          charge(1n, { window: { kind: 'sliding', length }, max: 1_000n }),
        )
      ).settle();
      now += 2_000;
    }
    await store.reserve([charge(2_000n, RATE)]);
    const keys = (await redis.command('KEYS ttl:*')).split('\r\n').filter((line) => line.startsWith('ttl:'));
    expect(keys.some((key) => key.startsWith('ttl:{t}:o:'))).toBe(true);
    for (const key of keys) {
      expect(key).toMatch(/^ttl:\{t\}:[los]:/);
      expect(Number((await redis.command(`PTTL ${JSON.stringify(key)}`)).slice(1).split('\r\n')[0])).toBeGreaterThan(0);
    }
    const counter = keys.find((key) => key.startsWith('ttl:{t}:l:["l"')) as string;
    const size = Number((await redis.command(`HLEN ${JSON.stringify(counter)}`)).slice(1).split('\r\n')[0]);
    expect(size).toBeLessThan(MOST_SLICES + 20);
  });
});
