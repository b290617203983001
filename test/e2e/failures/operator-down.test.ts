import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FailureWorld } from '../../support/failure-world.ts';
import { health, metric, probe, until } from '../../support/gateway-view.ts';

/** The operator is gone: gateways go on by what they have, also after a restart, say so, and catch up by themselves. */

let world: FailureWorld;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish();
});

afterAll(() => world.close());

test('goes on, restarts from disk, says so, and takes up the next sequence once the server is back', async () => {
  const acknowledged = (sequence: number): boolean =>
    world.bundles.service.acknowledgements.some((ack) => (ack as { sequence?: number }).sequence === sequence);
  const settings = {
    'bundle.url': world.bundleUrl,
    'bundle.store': world.path('store'),
    'bundle.acknowledge.url': `${world.bundles.url}/ack`,
  };
  const first = await world.start(settings);
  await until('the bundle on disk', async () => (await health(first)).bundle.stored === 1);
  await until('the acknowledgement', () => acknowledged(1));

  await world.bundles.stop();
  await until('the failure in health', async () => (await health(first)).bundle.sources.at(-1).error !== undefined);
  expect((await health(first)).bundle).toMatchObject({
    state: 'active',
    last_error: { code: 'AEGIS_BUNDLE_FETCH', source: 'http' },
  });
  expect(await metric(first, 'aegis_gateway_bundle_failures_total', { code: 'AEGIS_BUNDLE_FETCH' })).toBeGreaterThan(0);
  expect(await probe(first, 'ready')).toBe(200);
  expect((await world.write(first)).status).toBe(200);
  expect((await world.write(first, 101)).status).toBe(403);

  await first.kill();
  const second = await world.start(settings);
  expect((await world.write(second)).status).toBe(200);
  expect((await world.write(second, 101)).status).toBe(403);
  expect((await health(second)).bundle).toMatchObject({ sequence: 1, source: 'disk' });
  await until(
    'the failure in health',
    async () => (await health(second)).bundle.last_error?.code === 'AEGIS_BUNDLE_FETCH',
  );
  const unacknowledged = async (): Promise<unknown> => (await health(second)).bundle.acknowledge_error;
  await until('the other failure', async () => (await unacknowledged()) === 'AEGIS_BUNDLE_ACKNOWLEDGE');
  expect(await metric(second, 'aegis_gateway_bundle_acknowledge_failing')).toBe(1);

  expect(world.publish({ cap: 200 })).toBe(2);
  await world.bundles.start();
  await until('the next sequence', async () => (await health(second)).bundle.sequence === 2);
  expect((await world.write(second, 101)).status).toBe(200);
  const { sources } = (await health(second)).bundle;
  expect(sources.at(-1)).toMatchObject({ kind: 'http', last_success: expect.any(String) });
  expect(sources.at(-1).error).toBeUndefined();
  await until('the next acknowledgement', () => acknowledged(2));
  await until('the end of the failure', async () => (await health(second)).bundle.acknowledge_error === undefined);
  expect(await metric(second, 'aegis_gateway_bundle_acknowledge_failing')).toBe(0);

  // the same content again is in force since now, not since it was loaded
  world.publish({ cap: 200 });
  await until('the same once more', async () => (await health(second)).bundle.sequence === 3);
  const { bundles, bundle } = await health(second);
  expect(Date.parse(bundles[0].activated_at)).toBeGreaterThanOrEqual(Date.parse(bundle.issued_at));
});

test('a store that cannot be written to: decides all the same, and says that it would not survive a restart', async () => {
  writeFileSync(world.path('no-folder'), '');
  const gateway = await world.start({ 'bundle.store': world.path('no-folder') });
  expect((await world.write(gateway)).status).toBe(200);
  await until('the trouble', async () => (await health(gateway)).bundle.store_error === 'AEGIS_BUNDLE_STORE');
  expect((await health(gateway)).bundle.stored).toBeUndefined();
});

test.each([
  ['changed', (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('"max":', '"mix":'), 'latin1')],
  ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
])('a last known good that was %s is not believed: nothing passes until the server is back', async (how, change) => {
  await world.bundles.stop();
  const store = world.path(`store ${how}`);
  mkdirSync(store);
  const kept = readFileSync(join(world.path('store'), 'last-known-good.tar'));
  const tampered = change(kept);
  expect(tampered.equals(kept)).toBe(false);
  writeFileSync(join(store, 'last-known-good.tar'), tampered);
  const gateway = await world.start({ 'bundle.url': world.bundleUrl, 'bundle.store': store }, { until: 'live' });
  await until('the start', async () => (await health(gateway)).reason === 'no bundle');
  expect((await world.read(gateway)).status).toBe(503);
  expect((await health(gateway)).bundle.sources[0]).toMatchObject({
    kind: 'disk',
    error: expect.stringMatching(/^AEGIS_BUNDLE_/),
  });
  await world.bundles.start();
  await until('a bundle', async () => (await probe(gateway, 'ready')) === 200);
  expect((await world.read(gateway)).status).toBe(200);
});
