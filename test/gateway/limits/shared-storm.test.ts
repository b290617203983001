import fc from 'fast-check';
import type { LimitStore, Operation } from '../../../gateway/limits/limit-store.ts';
import { charge, left, openStore, RATE } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

let redis: RedisServer;
let runs = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.remove());

const MAX = 1_000n;
const ENDS = ['settle', 'release', 'refund', 'settle release', 'settle refund', ''] as const;

const calls = fc.array(
  fc.record({
    gateway: fc.nat({ max: 1 }),
    amount: fc.bigInt({ min: 0n, max: 40n }),
    operation: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
    end: fc.constantFrom(...ENDS),
  }),
  { minLength: 50, maxLength: 150 },
);
type Call = typeof calls extends fc.Arbitrary<(infer T)[]> ? T : never;

/** What the calls themselves say was spent: an amount counts as long as one attempt at it was not given back. */
class Ledger {
  readonly #kept = new Map<string, { amount: bigint; attempts: number }>();
  rated = 0n;

  held(id: string, amount: bigint): void {
    const entry = this.#kept.get(id) ?? { amount, attempts: 0 };
    entry.attempts += 1;
    this.#kept.set(id, entry);
    this.rated += 1n;
  }

  ended(id: string, end: Call['end']): void {
    const entry = this.#kept.get(id);
    if (entry !== undefined && end !== 'settle' && end !== '') entry.attempts -= 1;
    if (end.endsWith('release') || end === 'refund') this.rated -= 1n;
  }

  get spent(): bigint {
    return [...this.#kept.values()].reduce((sum, { amount, attempts }) => sum + (attempts > 0 ? amount : 0n), 0n);
  }
}

test('a storm of calls at two gateways: spent is what was not given back, and never more than the maximum', async () => {
  const stores = await Promise.all([1, 2].map(() => openStore({ url: redis.url, timeout: 10_000 })));
  const storm = async (all: Call[]): Promise<void> => {
    const run = ++runs;
    const ledger = new Ledger();
    const budget = { key: `["budget",${run}]`, max: MAX };
    const rate = { ...RATE, key: `["rate",${run}]`, max: MAX };
    const call = async ({ gateway, amount, operation, end }: Call, i: number): Promise<void> => {
      const known: Operation | undefined =
        operation === undefined ? undefined : { id: `${run} ${operation}`, window: 9e6 };
      const price = operation === undefined ? amount : BigInt(operation * 7 + 1);
      const result = await (stores[gateway] as LimitStore).reserve([charge(price, budget), charge(1n, rate)], known);
      if (!result.ok) return;
      const id = known?.id ?? `call ${i}`;
      ledger.held(id, price);
      for (const how of end.split(' ')) await result.reservation[how as 'settle']?.();
      ledger.ended(id, end);
    };
    await Promise.all(all.map(call));
    expect(ledger.spent).toBeLessThanOrEqual(MAX);
    expect(await left(stores[0] as LimitStore, budget)).toBe(MAX - ledger.spent);
    expect(await left(stores[1] as LimitStore, rate)).toBe(MAX - ledger.rated);
  };
  try {
    await fc.assert(fc.asyncProperty(calls, storm), { numRuns: 40 });
  } finally {
    for (const store of stores) await store.close();
  }
});
