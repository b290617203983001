import { writeFileSync } from 'node:fs';
import { buildGateway } from '../../support/built-gateway.ts';
import { Collector } from '../../support/collector.ts';
import { FailureWorld } from '../../support/failure-world.ts';
import { health, until } from '../../support/gateway-view.ts';
import { startRedis } from '../../support/redis.ts';

/** The program as it ships, with every part that is loaded only where it is configured. */

test('all optional parts load and work together', async () => {
  const world = await FailureWorld.open();
  const redis = await startRedis();
  const collector = new Collector();
  await collector.start();
  try {
    const sequence = world.publish();
    const file = world.path('settings.yaml');
    writeFileSync(file, 'capture: {unknownHosts: Record}\n');
    const gateway = await world.start(
      {
        'bundle.url': world.bundleUrl,
        'bundle.acknowledge.url': `${world.bundles.url}/ack`,
        'capture.caDirectory': world.path('ca'),
        'listen.tls': '127.0.0.1:0',
        'listen.extAuthz': '127.0.0.1:0',
        'limits.store': 'redis',
        'limits.redis.url': redis.url,
        'telemetry.otlp.endpoint': collector.url,
      },
      { command: buildGateway(world.path('built')), env: { AEGIS_GATEWAY_CONFIG: file } },
    );
    await until('the store', async () => (await health(gateway)).limits.available === true);
    expect((await world.write(gateway)).status).toBe(200);
    expect((await world.write(gateway, 101)).status).toBe(403);
    await until('the spans', () => collector.decisions.length === 2);
    await until('the acknowledgement', () => world.bundles.service.acknowledgements.length > 0);
    expect((await health(gateway)).bundle).toMatchObject({ sequence, source: 'http' });
    const [listening] = gateway
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"listening"'));
    expect(JSON.parse(listening ?? '{}')).toMatchObject({ tls: expect.any(String), extAuthz: expect.any(String) });
    expect(await gateway.stop()).toBe(0);
  } finally {
    await world.close();
    await collector.stop();
    await redis.stop();
  }
});
