import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, probe, until } from '../../support/gateway-view.ts';
import type { LedgerOptions } from '../../support/ledger-sources.ts';

/** The server is down for longer than a bundle may be used: writes are refused, low-risk reads go on only by opt-in. */

let world: FailureWorld;

beforeAll(async () => {
  world = await FailureWorld.open();
});

afterAll(() => world.close());

/** A gateway whose bundle has become stale, with the server down. */
async function stale(options: LedgerOptions, settings: Record<string, string> = {}): Promise<GatewayProcess> {
  world.publish(options);
  const gateway = await world.start({
    'bundle.url': world.bundleUrl,
    'bundle.maxStaleness': '2s',
    ...settings,
  });
  expect((await world.write(gateway)).status).toBe(200);
  await world.bundles.stop();
  await until('staleness', async () => (await health(gateway)).bundle.stale === true);
  return gateway;
}

async function expectStale(answer: Promise<{ status: number; headers: object; problem: unknown }>): Promise<void> {
  const { status, headers, problem } = await answer;
  expect(status).toBe(503);
  expect(headers).toMatchObject({ 'retry-after': '5' });
  expect(problem).toMatchObject({ code: 'BUNDLE_STALE', error: { code: 'bundle_stale' } });
}

async function renewed(gateway: GatewayProcess, options: LedgerOptions): Promise<void> {
  const sequence = world.publish(options);
  await world.bundles.start();
  await until('the next bundle', async () => (await health(gateway)).bundle.sequence === sequence);
  expect(await probe(gateway, 'ready')).toBe(200);
  expect((await world.write(gateway)).status).toBe(200);
  expect(await metric(gateway, 'aegis_gateway_bundle_stale')).toBe(0);
}

test('without opt-in every call is refused, and the gateway is not ready', async () => {
  const gateway = await stale({});
  const before = world.tool.reached.length;
  await expectStale(world.write(gateway));
  await expectStale(world.read(gateway));
  await expectStale(world.call(gateway, 'GET', '/audit'));
  expect(world.tool.reached).toHaveLength(before);
  expect(await health(gateway)).toMatchObject({ live: true, ready: false, reason: 'bundle is stale' });
  expect(await probe(gateway, 'live')).toBe(200);
  expect(await probe(gateway, 'ready')).toBe(503);
  expect(await metric(gateway, 'aegis_gateway_bundle_stale')).toBe(1);
  expect(await metric(gateway, 'aegis_gateway_ready')).toBe(0);
  await renewed(gateway, {});
});

test('with opt-in only low-risk reads pass; the gateway can still be told to close', async () => {
  const gateway = await stale({ failMode: 'StaleReadOnly' });
  const before = world.tool.reached.length;
  expect((await world.read(gateway)).status).toBe(200);
  expect(world.tool.reached).toHaveLength(before + 1);
  await expectStale(world.write(gateway));
  await expectStale(world.call(gateway, 'GET', '/audit'));
  expect(world.tool.reached).toHaveLength(before + 1);
  expect((await health(gateway)).bundle).toMatchObject({ state: 'stale', fail_mode: 'StaleReadOnly' });
  expect(await probe(gateway, 'ready')).toBe(200);
  expect(await metric(gateway, 'aegis_gateway_bundle_stale')).toBe(1);
  await renewed(gateway, { failMode: 'StaleReadOnly' });
});

test('a gateway that is told to close does so whatever the tenant says, also after a restart from disk', async () => {
  const settings = { 'bundle.failMode': 'Closed', 'bundle.store': world.path('stale-store') };
  const gateway = await stale({ failMode: 'StaleReadOnly' }, settings);
  await expectStale(world.read(gateway));
  expect(await health(gateway)).toMatchObject({ ready: false, bundle: { fail_mode: 'Closed' } });
  await gateway.kill();
  const restarted = await world.start(
    { 'bundle.url': world.bundleUrl, 'bundle.maxStaleness': '2s', ...settings },
    { until: 'live' },
  );
  await until('the bundle from disk', async () => (await health(restarted)).bundle?.state === 'stale');
  await expectStale(world.read(restarted));
  await expectStale(world.write(restarted));
});
