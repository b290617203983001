import { setTimeout as sleep } from 'node:timers/promises';
import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, probe, until } from '../../support/gateway-view.ts';
import type { LedgerOptions } from '../../support/ledger-sources.ts';

/** The server is down for longer than a bundle may be used: writes are refused, low-risk reads go on only by opt-in. */

let world: FailureWorld;

beforeEach(async () => {
  world = await FailureWorld.open();
  world.publish();
});

afterEach(() => world.close());

const MAX_STALENESS = '2500ms';

/** Gateways whose bundle has become stale, with the server down; one for each of the settings. */
async function stale(options: LedgerOptions, ...settings: Record<string, string>[]): Promise<GatewayProcess[]> {
  const common = { 'bundle.url': world.bundleUrl, 'bundle.maxStaleness': MAX_STALENESS };
  const gateways = await Promise.all(settings.map((more) => world.start({ ...common, ...more }, { until: 'live' })));
  const sequence = world.publish(options);
  await Promise.all(gateways.map((gateway) => decidesBy(gateway, sequence)));
  await world.bundles.stop();
  for (const gateway of gateways) {
    await until('staleness', async () => (await health(gateway)).bundle.stale === true);
  }
  return gateways;
}

/** Asks for calls, because those are what a bundle must be fresh for. */
async function decidesBy(gateway: GatewayProcess, sequence: number): Promise<void> {
  await until('the fresh bundle', async () => (await health(gateway)).bundle?.sequence === sequence);
  expect((await world.write(gateway)).status).toBe(200);
}

async function expectStale(answer: Promise<{ status: number; headers: object; problem: unknown }>): Promise<void> {
  const { status, headers, problem } = await answer;
  expect(status).toBe(503);
  expect(headers).toMatchObject({ 'retry-after': '5' });
  expect(problem).toMatchObject({ code: 'BUNDLE_STALE', error: { code: 'bundle_stale' } });
}

/** The gateway looks for its server now and then only: what was published before it looks may be stale again. */
async function renewed(gateway: GatewayProcess): Promise<void> {
  await world.bundles.start();
  await until('the server is found', async () => {
    const sequence = world.publish();
    await sleep(200);
    return (await health(gateway)).bundle?.sequence === sequence;
  });
  expect((await world.write(gateway)).status).toBe(200);
  expect(await probe(gateway, 'ready')).toBe(200);
  expect(await metric(gateway, 'aegis_gateway_bundle_stale')).toBe(0);
}

test('without opt-in every call is refused, and the gateway is not ready', async () => {
  const [gateway] = (await stale({}, {})) as [GatewayProcess];
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
  await renewed(gateway);
});

test('with opt-in only low-risk reads pass, unless the gateway itself is told to close', async () => {
  const closed = { 'bundle.failMode': 'Closed', 'bundle.store': world.path('store') };
  const [open, shut] = (await stale({ failMode: 'StaleReadOnly' }, {}, closed)) as [GatewayProcess, GatewayProcess];
  const before = world.tool.reached.length;
  expect((await world.read(open)).status).toBe(200);
  expect(world.tool.reached).toHaveLength(before + 1);
  await expectStale(world.write(open));
  await expectStale(world.call(open, 'GET', '/audit'));
  expect((await health(open)).bundle).toMatchObject({ state: 'stale', fail_mode: 'StaleReadOnly' });
  expect(await probe(open, 'ready')).toBe(200);
  expect(await metric(open, 'aegis_gateway_bundle_stale')).toBe(1);

  await expectStale(world.read(shut));
  expect(await health(shut)).toMatchObject({ ready: false, bundle: { fail_mode: 'Closed' } });
  await shut.kill();
  // what is on disk is judged by its age as well
  const again = await world.start(
    { 'bundle.url': world.bundleUrl, 'bundle.maxStaleness': MAX_STALENESS, ...closed },
    { until: 'live' },
  );
  await until('the bundle from disk', async () => (await health(again)).bundle?.state === 'stale');
  await expectStale(world.read(again));
  await expectStale(world.write(again));
  expect(world.tool.reached).toHaveLength(before + 1);
});
