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
  const { service } = world.bundles;
  const settings = {
    'bundle.url': world.bundleUrl,
    'bundle.store': world.path('store'),
    'bundle.acknowledge.url': `${world.bundles.url}/ack`,
  };
  const first = await world.start(settings);
  await until('the bundle on disk', async () => (await health(first)).bundle.stored === 1);
  await until('the acknowledgement', () =>
    service.acknowledgements.some((ack) => (ack as { sequence?: number }).sequence === 1),
  );

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

  expect(world.publish({ cap: 200 })).toBe(2);
  await world.bundles.start();
  await until('the next sequence', async () => (await health(second)).bundle.sequence === 2);
  expect((await world.write(second, 101)).status).toBe(200);
  const { sources } = (await health(second)).bundle;
  expect(sources.at(-1)).toMatchObject({ kind: 'http', last_success: expect.any(String) });
  expect(sources.at(-1).error).toBeUndefined();
  await until('the next acknowledgement', () =>
    service.acknowledgements.some((ack) => (ack as { sequence?: number }).sequence === 2),
  );
});
