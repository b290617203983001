import { charge, hold, left, openStore, until } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

let redis: RedisServer;
let prefixes = 0;
const fresh = () => ({ url: redis.url, prefix: `p${++prefixes}:` });

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.remove());

test('smoke', async () => {
  const store = await openStore(fresh());
  const first = await hold(store, charge(6n));
  expect(first.limits).toEqual([{ id: 'l', window: { kind: 'sliding', length: 3_600_000 }, max: 10n, remaining: 4n }]);
  expect(await store.reserve([charge(5n)])).toMatchObject({ ok: false, refusals: [{ id: 'l', remaining: 4n }] });
  await first.settle();
  await first.release();
  expect(await left(store)).toBe(10n);
  await until(() => true);
  await store.close();
});
