import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, probe, until } from '../../support/gateway-view.ts';
import { type RedisProcess, startRedis } from '../../support/redis.ts';

/** Valkey or Redis stands still, is gone, comes back: limits by risk, in health and metrics, and nothing leaks. */

let world: FailureWorld;
let redis: RedisProcess;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish({ budget: 100 });
  redis = await startRedis();
});

afterAll(async () => {
  await world.close();
  await redis.stop();
});

function start(more: Record<string, string> = {}): Promise<GatewayProcess> {
  return world.start({
    'limits.store': 'redis',
    'limits.redis.url': redis.url,
    'limits.redis.timeout': '150ms',
    'limits.replicas': '2',
    ...more,
  });
}

const available = (gateway: GatewayProcess): Promise<boolean> => health(gateway).then(({ limits }) => limits.available);

/** What must hold for as long as the store does not answer. */
async function expectByRisk(gateway: GatewayProcess): Promise<void> {
  const before = world.tool.reached.length;
  const read = await world.read(gateway);
  expect(read.status).toBe(200);
  expect(world.tool.reached).toHaveLength(before + 1);
  const id = read.headers['aegis-decision-id'];
  await until('the line of the read', () => gateway.log().some(({ decision_id }) => decision_id === id));
  expect(gateway.log().find(({ decision_id }) => decision_id === id)).toMatchObject({
    taken: 'allow',
    reasons: [{ code: 'LIMITS_UNAVAILABLE' }, { code: 'PERMITTED' }],
  });
  for (const answer of [await world.write(gateway, 20), await world.call(gateway, 'GET', '/audit')]) {
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.problem).toMatchObject({ code: 'LIMITS_UNAVAILABLE', error: { code: 'limits_unavailable' } });
    expect(answer.problem.detail).toMatch(/limits/);
  }
  expect(world.tool.reached).toHaveLength(before + 1);
  expect((await health(gateway)).limits).toMatchObject({
    store: 'redis',
    available: false,
    reason: expect.any(String),
  });
  expect(await metric(gateway, 'aegis_gateway_limits_available')).toBe(0);
  expect(await probe(gateway, 'ready')).toBe(200);
}

test('paused: by risk; continued: not a cent is lost to calls that were refused meanwhile', async () => {
  const gateway = await start();
  await until('the store', () => available(gateway));
  expect((await world.write(gateway, 20)).status).toBe(200);
  process.kill(redis.pid, 'SIGSTOP');
  try {
    await expectByRisk(gateway);
    const refused = await Promise.all([1, 2, 3, 4].map(() => world.write(gateway, 20)));
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  await until('the store', () => available(gateway));
  const passed: number[] = [];
  await until('the rest of the budget', async () => {
    const { status } = await world.write(gateway, 20);
    expect([200, 429]).toContain(status);
    if (status === 200) passed.push(status);
    return passed.length === 4;
  });
  expect((await world.write(gateway, 1)).status).toBe(429);
  expect(await metric(gateway, 'aegis_gateway_limits_available')).toBe(1);
  await gateway.stop();
});

test('gone: by risk and at once; started again: recovered without a restart', async () => {
  const gateway = await start();
  await until('the store', () => available(gateway));
  const { port } = redis;
  await redis.stop();
  await until('the loss of the store', async () => !(await available(gateway)));
  await expectByRisk(gateway);
  const began = performance.now();
  expect((await world.write(gateway, 20)).status).toBe(503);
  expect(performance.now() - began).toBeLessThan(1000);
  redis = await startRedis(port);
  await until('the store', () => available(gateway));
  expect((await world.write(gateway, 20)).status).toBe(200);
  expect((await world.call(gateway, 'GET', '/audit')).status).toBe(200);
  await gateway.stop();
});

test('gone before the start: the gateway starts, and goes by the setting', async () => {
  const { port } = redis;
  await redis.stop();
  const [byRisk, strict] = await Promise.all([start(), start({ 'limits.onUnavailable': 'Deny' })]);
  await expectByRisk(byRisk);
  const { status, problem } = await world.read(strict);
  expect({ status, code: problem.code }).toEqual({ status: 503, code: 'LIMITS_UNAVAILABLE' });
  redis = await startRedis(port);
  await until('the store', async () => (await available(byRisk)) && (await available(strict)));
  expect((await world.read(strict)).status).toBe(200);
  expect((await world.write(byRisk, 20)).status).toBe(200);
});
