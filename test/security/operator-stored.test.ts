/** Who may write ConfigMaps forges what the operator stores: copies in a namespace, heads in its own. */
import { archiveConfigMap, headBytes, headName } from '../../operator/bundles/head-config-map.ts';
import type { ConfigMap } from '../../operator/bundles/trusted-keys.ts';
import { BootstrapCopies } from '../../operator/controllers/bootstrap-copies.ts';
import { CONFIG_MAP } from '../../operator/model/resource-types.ts';
import { HeadClaims } from '../../operator/program/head-claims.ts';
import { toBase64Url, utf8 } from '../../policy/bundle/encoding.ts';
import { AegisError } from '../../policy/errors.ts';
import { crypto, TestLog } from '../operator/bundles/world.ts';
import { PLATFORM } from '../operator/planning/world.ts';
import { Cluster, Leading } from './operator-world.ts';

let leading: Leading | undefined;

async function lead(cluster: Cluster): Promise<Leading> {
  await leading?.stop();
  leading = await Leading.start(cluster);
  return leading;
}

afterEach(async () => {
  await leading?.stop();
  leading = undefined;
});

const COPY = { namespace: 'fintech', name: 'aegis-bootstrap-finance-agent' };

describe('bootstrap copies', () => {
  let stop: AbortController;
  let running: Promise<void>;
  let cluster: Cluster;
  let one: Leading;
  const live = () => cluster.kube.get<ConfigMap>(CONFIG_MAP, COPY);

  beforeEach(async () => {
    cluster = new Cluster();
    cluster.sample();
    one = await lead(cluster);
    await one.until(() => one.committed(), 'nothing is committed');
    const { bundles, registrations, directory, log, publishing } = one;
    const { clock, kube: client } = cluster;
    stop = new AbortController();
    const copies = new BootstrapCopies({
      ...{ client, clock, random: Math.random, crypto, bundles, registrations, directory, log },
      trust: () => ({ ring: publishing.keys.ring(), caPem: 'ca' }),
      seal: (text) => toBase64Url(crypto.sign(publishing.keys.active().seed, utf8(text))),
    });
    running = copies.run(stop.signal);
    await one.until(live, 'there is no copy');
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  const poisons: [string, (copy: ConfigMap) => Partial<ConfigMap>][] = [
    ['other data', (copy) => ({ data: { ...copy.data, 'keyring.json': '{}' } })],
    [
      'other data, and annotations of another copy',
      (copy) => ({
        data: { ...copy.data, 'keyring.json': '{}' },
        metadata: {
          ...copy.metadata,
          annotations: {
            ...copy.metadata.annotations,
            'aegis.dev/digest': 'x',
            'aegis.dev/issued-at': '2999-01-01T00:00:00.000Z',
          },
        },
      }),
    ],
    [
      'our labels taken away or pointing at somebody else',
      (copy) => ({
        data: { ...copy.data, 'keyring.json': '{}' },
        metadata: { ...copy.metadata, labels: { ...copy.metadata.labels, 'aegis.dev/registration': 'planner-agent' } },
      }),
    ],
    ['no owner', (copy) => ({ metadata: { ...copy.metadata, ownerReferences: [] } })],
    [
      'older than it says',
      (copy) => ({
        metadata: {
          ...copy.metadata,
          annotations: { ...copy.metadata.annotations, 'aegis.dev/issued-at': '2999-01-01T00:00:00.000Z' },
        },
      }),
    ],
  ];

  test.each(poisons)('%s: it is written anew', async (_, poison) => {
    const good = (await live()) as ConfigMap;
    await cluster.kube.replace(CONFIG_MAP, { ...good, ...poison(good) });
    await one.until(async () => {
      const { data, metadata } = (await live()) as ConfigMap;
      const { annotations, ownerReferences } = metadata;
      const now = JSON.stringify([data, annotations, ownerReferences]);
      return now === JSON.stringify([good.data, good.metadata.annotations, good.metadata.ownerReferences]);
    }, 'it stays as it is');
  });
});

test('a number that nobody has signed does not use up the sequences of a tenant', async () => {
  const cluster = new Cluster();
  cluster.sample();
  const one = await lead(cluster);
  await one.until(() => one.committed(), 'nothing is committed');
  const { identity } = one.committed() ?? { identity: { name: '', uid: '' } };
  await one.stop();
  leading = undefined;
  const name = headName(identity, crypto);
  const head = (await cluster.kube.get<ConfigMap>(CONFIG_MAP, { namespace: PLATFORM, name })) as ConfigMap;
  const forged = JSON.parse(head.data?.['manifest.json'] ?? '') as Record<string, unknown>;
  const bytes = {
    ...(headBytes(head) as NonNullable<ReturnType<typeof headBytes>>),
    manifest: utf8(JSON.stringify({ ...forged, sequence: Number.MAX_SAFE_INTEGER - 3 })),
  };
  const parts = { namespace: PLATFORM, crypto };
  const archived = archiveConfigMap(identity, bytes, { sequence: 7, digest: '0'.repeat(64) }, parts);
  await cluster.kube.create(CONFIG_MAP, archived);
  await cluster.kube.delete(CONFIG_MAP, { namespace: PLATFORM, name });
  const two = await lead(cluster);
  await two.until(() => two.committed(), 'it is not published anew');
  expect(two.committed()?.manifest.sequence).toBeLessThan(10);
});

test('gateways that show forged heads cost some looks, however many they are', () => {
  let now = 0;
  let looks = 0;
  const log = new TestLog();
  const tenant = { name: 'loud', uid: 'loud' };
  const clock = { now: () => now, monotonic: () => now, sleep: async () => undefined };
  const shown = new Map<string, string>();
  const claims = new HeadClaims({
    claims: (of) =>
      [...shown].map(([podUid, head]) => ({
        tenant: of,
        podUid,
        head: Buffer.from(head).toString('base64'),
        receivedAt: 0,
      })),
    controller: { raise: () => undefined },
    publisher: {
      acceptHigherHead: () => {
        looks++;
        throw new AegisError('AEGIS_BUNDLE_KEY_UNKNOWN', 'forged');
      },
    },
    clock,
    log,
  });
  for (; now < 60_000; now += 10) {
    for (let pod = 0; pod < 16; pod++) shown.set(`pod-${pod}`, `${now} ${pod}`);
    claims.consider(tenant);
  }
  expect(looks).toBeLessThan(200);
  expect(log.lines.length).toBe(looks);
  // those of others are looked at all the same, and once where they say the same
  const before = looks;
  shown.clear();
  shown.set('honest', 'x');
  for (let i = 0; i < 10; i++) claims.consider({ name: 'quiet', uid: 'quiet' });
  expect(looks).toBe(before + 1);
});
