import { Collector } from '../../support/collector.ts';
import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, until } from '../../support/gateway-view.ts';

/** A collector that stands still, is gone, and comes back: calls do not notice, and every lost span is counted. */

const QUEUE = 16;
const CALLS = 60;

let world: FailureWorld;
let collector: Collector;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish();
  collector = new Collector();
  await collector.start();
});

afterAll(async () => {
  await world.close();
  await collector.stop();
});

const spans = (gateway: GatewayProcess, result: string): Promise<number> =>
  metric(gateway, 'aegis_gateway_spans_total', { result });

/** Calls, one after the other; how long the slowest took, in ms. */
async function callThrough(gateway: GatewayProcess): Promise<number> {
  let slowest = 0;
  for (let call = 0; call < CALLS; call++) {
    const began = performance.now();
    expect((await world.write(gateway)).status).toBe(200);
    slowest = Math.max(slowest, performance.now() - began);
  }
  return slowest;
}

test('calls go on, spans are dropped and counted, and are exported again once the collector is back', async () => {
  const gateway = await world.start({
    'telemetry.otlp.endpoint': collector.url,
    'telemetry.otlp.timeout': '500ms',
    'telemetry.otlp.queue': String(QUEUE),
  });
  await world.write(gateway);
  await until('the first span', () => collector.decisions.length === 1);
  expect(collector.decisions[0]).toMatch(/^[0-9a-f-]{36}$/);

  collector.hangs = true;
  expect(await callThrough(gateway)).toBeLessThan(500);
  await until('the drops', async () => (await spans(gateway, 'dropped')) === CALLS - QUEUE);
  await until('the failure in health', async () => (await health(gateway)).traces.state === 'failing');

  await collector.stop();
  expect(await callThrough(gateway)).toBeLessThan(500);
  await until('the drops', async () => (await spans(gateway, 'dropped')) === 2 * CALLS - QUEUE);
  expect((await health(gateway)).traces).toMatchObject({ state: 'failing', queued: QUEUE });

  collector.hangs = false;
  await collector.start();
  await until('the waiting spans', async () => (await health(gateway)).traces.queued === 0);
  await world.write(gateway);
  await until('the last span', () => collector.decisions.length === 1 + QUEUE + 1);
  expect(new Set(collector.decisions).size).toBe(1 + QUEUE + 1);
  expect(await spans(gateway, 'exported')).toBe(1 + QUEUE + 1);
  expect(await spans(gateway, 'dropped')).toBe(2 * CALLS - QUEUE);
  expect((await health(gateway)).traces.state).toBe('ok');
});

test('the end of a gateway waits for a collector that stands still no longer than its bound', async () => {
  collector.hangs = true;
  const gateway = await world.start({ 'telemetry.otlp.endpoint': collector.url, 'drain.grace': '1s' });
  await world.write(gateway);
  const began = performance.now();
  expect(await gateway.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(5000);
});
