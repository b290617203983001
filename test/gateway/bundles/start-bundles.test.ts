/** The parts together, as the gateway starts them. */
import { join } from 'node:path';
import { Activations } from '../../../gateway/activation/activations.ts';
import { type BundleSettings, startBundles } from '../../../gateway/bundles/start-bundles.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { BundleServer } from '../../support/bundle-server.ts';
import { mountEntries, shardEntries } from './places.ts';
import {
  AGENT,
  renew,
  sign,
  sliceArchive,
  sliceFiles,
  TENANT,
  temporaryFolder,
  UID,
  until,
  writeKeys,
} from './publisher.ts';

const now = Date.now();
const PATH = '/bundles/fintech/finance-agent';
const bundle = (sequence: number) => sign({ sequence, issuedAt: now - 10_000 });

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work();
});

async function prepare() {
  const folder = temporaryFolder();
  cleanUp.push(folder.remove);
  const server = new BundleServer();
  await server.start();
  cleanUp.push(() => server.stop());
  const mount = join(folder.path, 'mount');
  const start = async (settings: Partial<BundleSettings> = {}) => {
    const activations = new Activations();
    const running = await startBundles({
      activations,
      crypto: nodeCrypto,
      tenant: TENANT,
      tenantUid: UID,
      agentId: AGENT,
      keyFiles: [writeKeys(folder.path)],
      stateDir: join(folder.path, 'state'),
      sources: [
        { kind: 'configMap', path: mount },
        { kind: 'http', url: server.url + PATH, backoff: { base: 50, cap: 100 } },
      ],
      ...settings,
    });
    let open = true;
    const close = async (): Promise<void> => {
      if (open) await running.close();
      open = false;
    };
    cleanUp.push(close);
    return { ...running, activations, close };
  };
  return { server, mount, start };
}

test('the mounted copy starts the gateway, the server keeps it up to date, the disk restarts it', async () => {
  const { server, mount, start } = await prepare();
  mountEntries(mount, shardEntries(sliceFiles(bundle(3))));
  const first = await start();
  await until(() => first.status().active?.sequence === 3, 'the mounted copy');
  expect(first.status().active?.source).toBe('configMap');
  server.service.publish(PATH, sliceArchive(bundle(4)), bundle(4).manifest.etag);
  await until(() => first.status().active?.sequence === 4, 'the server');
  const renewed = renew(bundle(4), { issuedAt: now - 5_000 });
  server.service.publish(PATH, sliceArchive(renewed), renewed.manifest.etag);
  await until(() => first.status().renewals === 1);
  await first.close();
  await server.stop();

  const second = await start();
  expect(second.status()).toMatchObject({ state: 'active', active: { sequence: 4, source: 'disk' } });
  // the mount still has the old one: refused, and no harm
  await until(() => second.status().sources.some(({ lastError }) => lastError?.code === 'AEGIS_BUNDLE_SEQUENCE'));
  expect(second.activations.get(TENANT)?.sequence).toBe(4);
  await server.start();
  server.service.publish(PATH, sliceArchive(bundle(5)), bundle(5).manifest.etag);
  await until(() => second.status().stored === 5);
});

test('without any bundle the gateway is closed, not down, and comes up when there is one', async () => {
  const { server, start } = await prepare();
  const gateway = await start({ stateDir: '/dev/null/state' });
  expect(gateway.activations.list()).toEqual([]);
  await until(() => gateway.status().sources.every(({ lastError }) => lastError !== undefined));
  expect(gateway.status()).toMatchObject({ state: 'none' });
  server.service.publish(PATH, sliceArchive(bundle(1)), bundle(1).manifest.etag);
  await until(() => gateway.status().state === 'active');
  await until(() => gateway.status().storeError?.code === 'AEGIS_BUNDLE_STORE');
});

test('what is active is acknowledged', async () => {
  const { server, start } = await prepare();
  server.service.publish(PATH, sliceArchive(bundle(2)), bundle(2).manifest.etag);
  const gateway = await start({ acknowledge: { url: `${server.url}${PATH}/ack`, instance: 'pod-1' } });
  await until(() => JSON.stringify(server.service.acknowledgements.at(-1) ?? '').includes('"stored":true'));
  expect(server.service.acknowledgements.at(-1)).toMatchObject({ instance: 'pod-1', sequence: 2, state: 'active' });
  expect(gateway.acknowledgeError()).toBeUndefined();
});
