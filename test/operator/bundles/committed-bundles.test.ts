import type { CommittedBundles } from '../../../operator/bundles/committed-bundles.ts';
import { Publisher } from '../../../operator/bundles/publisher.ts';
import { revokeKey, rotateKeys } from '../../../operator/bundles/rotate-keys.ts';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import type { Committed } from '../../../operator/model/committed.ts';
import { CONFIG_MAP } from '../../../operator/model/resource-types.ts';
import { SLICE_LIMITS } from '../../../policy/bundle/limits.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import type { Clock } from '../../../runtime/time/clock.ts';
import { FakeClock } from '../kube/fake-clock.ts';
import { FakeKube } from '../support/fake-kube.ts';
import {
  countedBytes,
  crypto,
  ENGINE,
  HOUR,
  NAMESPACE,
  newBundles,
  newWorld,
  part,
  publication,
  TENANT,
  TestClock,
  until,
  type World,
} from './world.ts';

let kube: FakeKube;
let world: World;
let bundles: CommittedBundles;
let end: AbortController;

beforeEach(async () => {
  kube = new FakeKube();
  world = await newWorld(kube);
  end = new AbortController();
});
afterEach(() => end.abort());

/** With a clock of its own: waiting for the next look takes no time then. */
function start(client = kube as Parameters<typeof newBundles>[0], clock: Clock = new TestClock()): CommittedBundles {
  bundles = newBundles(client, { ...world, clock });
  void bundles.run(end.signal);
  return bundles;
}
const sequence = (): number | undefined => bundles.tenant(TENANT.name)?.manifest.sequence;
const serves = (expected: number): Promise<void> => until(`serving ${expected}`, () => sequence() === expected);
const head = (): ConfigMap => kube.all<ConfigMap>(CONFIG_MAP).find((item) => part(item) === 'bundle-head') as ConfigMap;
const edit = (data: Record<string, string>, from = head()): Promise<ConfigMap> =>
  kube.replace<ConfigMap>(CONFIG_MAP, { ...head(), data: { ...from.data, ...data } });
const codes = (): string[] => [...bundles.refused().values()];

test('not ready before the heads that there are have been read; then served as gateways accept it', async () => {
  await world.publisher.publish(publication(1), undefined);
  start();
  expect(bundles.ready).toBe(false);
  expect(bundles.tenant(TENANT.name)).toBeUndefined();
  await until('ready', () => bundles.ready);
  const bundle = bundles.tenant(TENANT.name, TENANT.uid);
  expect(bundle?.identity).toEqual(TENANT);
  expect(bundles.tenant(TENANT.name, 'another')).toBeUndefined();
  const options = {
    keyRing: world.keys.ring(),
    tenant: TENANT.name,
    tenantUid: TENANT.uid,
    agentId: 'agent-a',
    now: world.clock.now(),
    limits: SLICE_LIMITS,
    crypto,
  };
  const verified = verifyBundle(bundle?.archive('agent-a') as Uint8Array, options);
  expect(verified.manifest.etag).toBe(bundle?.etag);
});

test('without tenants it is ready at once', async () => {
  start();
  await until('ready', () => bundles.ready);
});

test('follows commits and renewals, tells of each, and reads only shards that changed', async () => {
  let last = await world.publisher.publish(publication(1), undefined);
  start();
  await serves(1);
  const told: string[] = [];
  bundles.subscribe(({ name }) => told.push(name));
  const reads = (): number =>
    kube.calls.filter(({ verb, name }) => verb === 'get' && name.startsWith('aegis-shard.')).length;
  const before = reads();
  last = await world.publisher.publish(publication(2), last);
  await serves(2);
  expect(reads() - before).toBe(2); // agents and envelope; neither engine nor tenant nor changes nor state
  const { etag } = bundles.tenant(TENANT.name) ?? {};
  await world.publisher.renew(last, { lifetime: HOUR });
  await until('renewed', () => bundles.tenant(TENANT.name)?.etag !== etag);
  expect(told).toEqual([TENANT.name, TENANT.name]);
});

test('its own commits are served at once and not read back; a watch that lags takes nothing back', async () => {
  const adopted: number[] = [];
  const publisher = new Publisher({
    ...world,
    client: kube,
    namespace: NAMESPACE,
    crypto,
    engine: ENGINE,
    onCommitting: (digest) => bundles.announce(digest),
    onCommitted(identity, bundle) {
      bundles.adopt(identity, bundle);
      adopted.push(sequence() ?? 0);
    },
  });
  start();
  await until('ready', () => bundles.ready);
  let last: Committed | undefined;
  for (let next = 1; next <= 4; next++) last = await publisher.publish(publication(next), last);
  expect(adopted).toEqual([1, 2, 3, 4]);
  await until('caught up', () => bundles.watch.items === 1);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(sequence()).toBe(4);
  expect(codes()).toEqual([]);
  expect(kube.calls.filter(({ verb, name }) => verb === 'get' && name.startsWith('aegis-shard.'))).toEqual([]);
});

describe('never served', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    [
      'an edited manifest',
      'AEGIS_BUNDLE_SIGNATURE_INVALID',
      () => edit({ 'manifest.json': head().data?.['manifest.json']?.replace('"sequence":2', '"sequence":3') ?? '' }),
    ],
    [
      'a head without its entries',
      'AEGIS_HEAD_DAMAGED',
      () => kube.replace<ConfigMap>(CONFIG_MAP, { ...head(), data: {} }),
    ],
    [
      'a head under another name',
      'AEGIS_HEAD_DAMAGED',
      () =>
        kube.create<ConfigMap>(CONFIG_MAP, {
          ...head(),
          metadata: { ...head().metadata, name: 'aegis-head.other.00000000' },
        }),
    ],
  ])('%s: %s; the last good one stays, and what is put right is accepted', async (_, code, damage) => {
    const first = await world.publisher.publish(publication(1), undefined);
    start();
    await serves(1);
    await world.publisher.publish(publication(2), first);
    await serves(2);
    const good = head();
    await damage();
    await until(code, () => codes().includes(code));
    expect(sequence()).toBe(2);
    expect(world.log.lines.filter(({ event }) => event === 'head_refused')).toHaveLength(1);
    if (_ === 'a head under another name') return;
    await edit({}, good);
    await until('accepted', () => codes().length === 0);
    expect(sequence()).toBe(2);
  });

  test('a commit whose shards are damaged or missing; once repaired, it is', async () => {
    const first = await world.publisher.publish(publication(1), undefined);
    start();
    await serves(1);
    // the shards of the second commit go before anybody has read them
    const own = new Publisher({
      ...world,
      client: kube.client({
        before: async ({ verb, name }) => {
          if (verb !== 'replace' || !name.startsWith('aegis-head.')) return;
          for (const { metadata } of kube.all<ConfigMap>(CONFIG_MAP).filter((item) => part(item) === 'bundle-shard')) {
            await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: metadata.name });
          }
        },
      }),
      namespace: NAMESPACE,
      crypto,
      engine: ENGINE,
    });
    const base = await own.load(TENANT);
    expect(base).toEqual(first);
    const second = await own.publish(publication(2), base);
    await until('refused', () => codes().includes('AEGIS_SHARD_MISSING'));
    expect(sequence()).toBe(1);
    await own.repair(second);
    await serves(2);
    expect(codes()).toEqual([]);
  });

  test('an older commit that was put back, or a forged one of another key', async () => {
    const first = await world.publisher.publish(publication(1), undefined);
    const old = head();
    start(kube, new FakeClock());
    await serves(1);
    const second = await world.publisher.publish(publication(2), first);
    await serves(2);
    await edit({}, old);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(sequence()).toBe(2);
    // the same tenant in another cluster, with keys of its own
    const strange = new FakeKube();
    const admin = { client: strange, namespace: NAMESPACE, crypto, randomBytes: countedBytes(500), now: 0 };
    await newWorld(strange);
    for (let rotations = 0; rotations < 2; rotations++) await rotateKeys(admin, HOUR);
    await (await newWorld(strange)).publisher.publish(publication(9), undefined);
    const forged = strange.all<ConfigMap>(CONFIG_MAP).find((item) => part(item) === 'bundle-head') as ConfigMap;
    await edit({}, forged);
    await until('refused', () => codes().includes('AEGIS_BUNDLE_KEY_UNKNOWN'));
    expect(sequence()).toBe(2);
    expect(await world.publisher.repair(second)).toEqual([second.configMapName]);
    await until('accepted', () => codes().length === 0);
  });
});

test('where a leader has gone on from an older commit, what is served follows in the end', async () => {
  const clock = new FakeClock();
  const first = await world.publisher.publish(publication(1), undefined);
  const old = head();
  start(kube, clock);
  await serves(1);
  await world.publisher.publish(publication(2), first);
  await serves(2);
  // the cluster was restored, and whoever leads now has never seen the second one
  await edit({}, old);
  await clock.advance(60_000);
  const { publisher } = await newWorld(kube);
  const again = await publisher.load(TENANT);
  const other = await publisher.publish({ ...publication(2), lifetime: 7 * HOUR }, again);
  await until('refused', () => codes().length > 0);
  const etag = bundles.tenant(TENANT.name)?.etag;
  await clock.advance(3 * 60_000);
  expect(bundles.tenant(TENANT.name)?.etag).toBe(etag);
  await clock.advance(2 * 60_000);
  await until('followed', () => bundles.tenant(TENANT.name)?.etag === other.manifest.etag);
  await until('accepted', () => codes().length === 0);
  // and no further back than that
  await edit({}, old);
  await clock.advance(4 * 60_000);
  expect(bundles.tenant(TENANT.name)?.etag).toBe(other.manifest.etag);
});

test('a head that was announced and never adopted is read after a while', async () => {
  await world.publisher.publish(publication(1), undefined);
  const digest = Buffer.from(crypto.sha256(new TextEncoder().encode(head().data?.['manifest.json']))).toString('hex');
  start();
  bundles.announce(digest);
  await serves(1);
  await until('ready', () => bundles.ready);
});

test('a head that was deleted by hand is served on; a tenant that was removed is not', async () => {
  const first = await world.publisher.publish(publication(1), undefined);
  start();
  await serves(1);
  await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: first.configMapName });
  await until('seen', () => bundles.watch.items === 0);
  expect(sequence()).toBe(1);
  await world.publisher.repair(first);
  await world.publisher.remove(TENANT);
  await until('withdrawn', () => sequence() === undefined);
  const again = await world.publisher.load(TENANT);
  await world.publisher.publish(publication(2), again);
  await serves(2);
});

test('what a revoked key has signed is not served any more; signed anew, it is', async () => {
  const first = await world.publisher.publish(publication(1), undefined);
  start();
  void world.keys.run(end.signal);
  await serves(1);
  const admin = { client: kube, namespace: NAMESPACE, crypto, randomBytes: countedBytes(700), now: world.clock.now() };
  await rotateKeys(admin, HOUR);
  await revokeKey(admin, first.manifest.keyId, true);
  await until('withdrawn', () => sequence() === undefined);
  await until('refused', () => codes().includes('AEGIS_BUNDLE_KEY_REVOKED'));
  await world.publisher.renew(first, { lifetime: HOUR });
  await serves(1);
  expect(codes()).toEqual([]);
});

test('while the API server does not answer, it keeps trying; a watch that has to list again loses nothing', async () => {
  let failures = 20;
  const client = kube.client({
    before: ({ verb, name }) => {
      if (verb === 'get' && name.startsWith('aegis-shard.') && failures-- > 0)
        throw new KubeError(503, 'ServiceUnavailable', 'later');
    },
  });
  const first = await world.publisher.publish(publication(1), undefined);
  start(client);
  await serves(1);
  expect(failures).toBeLessThan(1);
  kube.compact();
  await world.publisher.publish(publication(2), first);
  kube.compact();
  await serves(2);
});

test('of two tenants with one name, asked for by name, the one that was signed last is served', async () => {
  await world.publisher.publish(publication(1, { identity: TENANT }), undefined);
  world.clock.passed += 1000;
  await world.publisher.publish(publication(7, { identity: { ...TENANT, uid: 'another' } }), undefined);
  start();
  await until('ready', () => bundles.ready);
  expect(sequence()).toBe(7);
  expect(bundles.tenant(TENANT.name, TENANT.uid)?.manifest.sequence).toBe(1);
  expect([...bundles.values()]).toHaveLength(2);
});
