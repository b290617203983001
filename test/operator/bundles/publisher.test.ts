import { DamagedCommit } from '../../../operator/bundles/damaged-commit.ts';
import { manifestOf } from '../../../operator/bundles/head-config-map.ts';
import { Publisher } from '../../../operator/bundles/publisher.ts';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { CONFIG_MAP } from '../../../operator/model/resource-types.ts';
import { keyRingOf } from '../../../policy/bundle/key-ring.ts';
import { signingKeyFromSeed } from '../../../policy/bundle/keys.ts';
import { verifyManifestChain } from '../../../policy/bundle/manifest-chain.ts';
import { FakeKube } from '../support/fake-kube.ts';
import {
  codeOf,
  crypto,
  ENGINE,
  entry,
  HOUR,
  NAMESPACE,
  newWorld,
  part,
  publication,
  TENANT,
  type World,
} from './world.ts';

let kube: FakeKube;
let world: World;
let publisher: Publisher;

beforeEach(async () => {
  kube = new FakeKube();
  world = await newWorld(kube);
  publisher = world.publisher;
});

/** Another process beside this one, or after it. */
const another = (client = kube as ConstructorParameters<typeof Publisher>[0]['client']): Publisher =>
  new Publisher({ ...world, client, namespace: NAMESPACE, crypto, engine: ENGINE });
const heads = (): ConfigMap[] => kube.all<ConfigMap>(CONFIG_MAP).filter((item) => part(item) === 'bundle-head');
const shards = (): ConfigMap[] => kube.all<ConfigMap>(CONFIG_MAP).filter((item) => part(item) === 'bundle-shard');
const head = (): ConfigMap => heads()[0] as ConfigMap;

test('what is published is what another process loads', async () => {
  expect(await publisher.load(TENANT)).toBeUndefined();
  const first = await publisher.publish(publication(1), undefined);
  const second = await publisher.publish(publication(2), first);
  expect(second.manifest).toMatchObject({ sequence: 2, previousManifestDigest: first.digest });
  const loaded = await another().load(TENANT);
  expect(loaded).toEqual(second);
  expect(await another().list()).toEqual([TENANT]);
  expect(head().metadata.name).toMatch(/^aegis-head\.fintech\.[0-9a-f]{8}$/);
});

test('one changed agent rewrites one agent shard, and what every sequence changes', async () => {
  const agents = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`agent-${i}`, { text: 'x'.repeat(20_000), i }]),
  );
  const state = new Map(Array.from({ length: 500 }, (_, i) => [`AgentPolicy ns/p-${i}`, entry(i)]));
  const first = await publisher.publish(publication(1, { agents, entries: state }), undefined);
  const before = new Set(shards().map(({ metadata }) => metadata.name));
  const entries = new Map(state).set('AgentPolicy ns/p-7', entry('changed', 2));
  await publisher.publish(publication(2, { agents: { ...agents, 'agent-7': { changed: true } }, entries }), first);
  const fresh = shards().filter(({ metadata }) => !before.has(metadata.name));
  expect(fresh).toHaveLength(3); // the agent's bucket, the entry's bucket, the envelope
});

test('a new leader goes on with what is stored, and rewrites nothing that stays', async () => {
  const entries = new Map(Array.from({ length: 300 }, (_, i) => [`AgentPolicy ns/p-${i}`, entry(i)]));
  await publisher.publish(publication(1, { entries }), undefined);
  const next = another();
  const loaded = await next.load(TENANT);
  const before = shards().length;
  await next.publish(
    publication(2, { entries: loaded?.entries ?? new Map(), agents: { 'agent-a': { n: 1 } } }),
    loaded,
  );
  expect(shards().length - before).toBe(1); // the envelope
});

test('a renewal keeps sequence and content and is issued later, also when the clock was set back', async () => {
  const first = await publisher.publish(publication(1), undefined);
  world.clock.offset = -100 * HOUR;
  const renewed = await publisher.renew(first, { lifetime: HOUR });
  expect(renewed.manifest).toMatchObject({ sequence: 1, contentRoot: first.manifest.contentRoot });
  expect(Date.parse(renewed.manifest.issuedAt)).toBe(Date.parse(first.manifest.issuedAt) + 1);
  const second = await publisher.publish(publication(2), renewed);
  expect(second.manifest.issuedAt > renewed.manifest.issuedAt).toBe(true);
  expect(second.manifest.previousManifestDigest).toBe(renewed.digest);
  expect(await another().load(TENANT)).toEqual(second);
});

test('heads that were replaced are an auditable chain; only so many are kept', async () => {
  let last = await publisher.publish(publication(1, { retention: 4 }), undefined);
  for (let sequence = 2; sequence <= 8; sequence++) {
    if (sequence % 2 === 0) last = await publisher.renew(last, { lifetime: HOUR });
    last = await publisher.publish(publication(sequence, { retention: 4 }), last);
  }
  const collect = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) {
      await publisher.collectGarbage(4);
      world.clock.passed += 30_000;
    }
  };
  await collect();
  const archived = kube.all<ConfigMap>(CONFIG_MAP).filter((item) => part(item) === 'bundle-archive');
  const chain = [...archived, head()]
    .map((item) => ({ item, sequence: manifestOf(item)?.sequence ?? 0 }))
    .sort((a, b) => a.sequence - b.sequence);
  expect(chain.map(({ sequence }) => sequence)).toEqual([5, 6, 7, 8]);
  const bytes = chain.map(({ item }) => new TextEncoder().encode(item.data?.['manifest.json']));
  const verify = { keyRing: world.keys.ring(), tenant: TENANT.name, tenantUid: TENANT.uid, crypto };
  expect(verifyManifestChain(bytes, verify)).toBe(last.digest);
  expect(await another().load(TENANT)).toEqual(last);
  expect((await another().loadArchived(TENANT))?.manifest.sequence).toBe(7);
  // nothing is left that no head refers to
  const referenced = new Set(
    chain.flatMap(({ item }) => Object.values(JSON.parse(item.data?.['index.json'] ?? '').groups as object).flat()),
  );
  expect(shards()).toHaveLength(referenced.size);
});

test('two leaders: the one that comes second commits nothing', async () => {
  const first = await publisher.publish(publication(1), undefined);
  const rival = another();
  const seen = await rival.load(TENANT);
  const second = await rival.publish(publication(2, { agents: { 'agent-b': {} } }), seen);
  expect(await codeOf(publisher.publish(publication(2), first))).toBe('AEGIS_HEAD_CONFLICT');
  expect(await codeOf(publisher.renew(first, { lifetime: HOUR }))).toBe('AEGIS_HEAD_CONFLICT');
  expect(await codeOf(publisher.repair(first))).toBe('AEGIS_HEAD_CONFLICT');
  expect(await codeOf(another().publish(publication(3), undefined))).toBe('AEGIS_HEAD_CONFLICT');
  expect(await another().load(TENANT)).toEqual(second);
});

test('sequences only rise, and what is built on must be what was committed last', async () => {
  const first = await publisher.publish(publication(5), undefined);
  const second = await publisher.publish(publication(6), first);
  expect(await codeOf(publisher.publish(publication(6), second))).toBe('AEGIS_BUNDLE_INPUT');
  expect(await codeOf(publisher.publish(publication(7), first))).toBe('AEGIS_HEAD_CONFLICT');
});

describe('killed between any two writes', () => {
  test.each([
    'before',
    'after',
  ] as const)('%s a call took effect: a new process finds one commit or the other, whole', async (moment) => {
    for (let at = 0; ; at++) {
      kube = new FakeKube();
      world = await newWorld(kube);
      const first = await world.publisher.publish(publication(1), undefined);
      const writes = { count: 0, reached: false };
      const dying = another(
        kube.client({
          [moment]: ({ verb }: { verb: string }) => {
            if (verb === 'get' || verb === 'list') return;
            if (writes.reached || writes.count++ === at) {
              writes.reached = true;
              throw new Error('killed');
            }
          },
        }),
      );
      const base = await dying.load(TENANT);
      let done: unknown;
      await dying.publish(publication(2), base).then(
        (committed) => (done = committed),
        () => undefined,
      );
      const next = another();
      const found = await next.load(TENANT);
      expect([1, 2]).toContain(found?.manifest.sequence);
      if (found?.manifest.sequence === 1) expect(found).toEqual(first);
      // and goes on from there
      const third = await next.publish(publication(3), found);
      expect(await another().load(TENANT)).toEqual(third);
      if (!writes.reached) {
        expect(done).toBeDefined();
        expect(at).toBeGreaterThan(4);
        return;
      }
    }
  });
});

describe('the API server answers with an error, once, at any call', () => {
  test.each([
    ['before', 500],
    ['after', 504],
    ['after', 0],
    ['before', 429],
  ] as const)('%s it took effect, status %i', async (moment, status) => {
    for (let at = 0; ; at++) {
      kube = new FakeKube();
      world = await newWorld(kube);
      const first = await world.publisher.publish(publication(1), undefined);
      let count = 0;
      let reached = false;
      const client = kube.client({
        [moment]: ({ verb }: { verb: string }) => {
          if (verb === 'get' || verb === 'list' || count++ !== at) return;
          reached = true;
          throw new KubeError(status, 'Whatever', 'it did not say');
        },
      });
      const flaky = another(client);
      expect(await flaky.load(TENANT)).toEqual(first);
      const second = await flaky.publish(publication(2), first);
      expect(await another().load(TENANT)).toEqual(second);
      if (!reached) return;
    }
  });

  test('and does not come back: the outcome is not known, and loading tells', async () => {
    const first = await publisher.publish(publication(1), undefined);
    const down = { now: false };
    const client = kube.client({
      after: ({ verb, name }) => {
        if (verb === 'replace' && name.startsWith('aegis-head.')) down.now = true;
        if (down.now) throw new KubeError(0, 'ECONNRESET', 'gone');
      },
    });
    const flaky = another(client);
    const base = await flaky.load(TENANT);
    expect(await codeOf(flaky.publish(publication(2), base))).toBe('AEGIS_COMMIT_UNKNOWN');
    const found = await another().load(TENANT);
    expect(found?.manifest).toMatchObject({ sequence: 2, previousManifestDigest: first.digest });
  });
});

describe('changes by hand', () => {
  const edit = async (configMap: ConfigMap, data: Record<string, string>): Promise<void> => {
    await kube.replace<ConfigMap>(CONFIG_MAP, { ...configMap, data: { ...configMap.data, ...data } });
  };

  test('deleted shards are written again', async () => {
    const committed = await publisher.publish(publication(1), undefined);
    const gone = shards();
    for (const { metadata } of gone) await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: metadata.name });
    expect((await publisher.repair(committed)).sort()).toEqual(gone.map(({ metadata }) => metadata.name).sort());
    expect(await another().load(TENANT)).toEqual(committed);
    expect(await publisher.repair(committed)).toEqual([]);
  });

  test('of many shards some are looked at each time, and all in the end', async () => {
    const entries = new Map(Array.from({ length: 4000 }, (_, i) => [`AgentPolicy ns/p-${i}`, entry(i)]));
    const committed = await publisher.publish(publication(1, { entries }), undefined);
    const all = shards().map(({ metadata }) => metadata.name);
    expect(all.length).toBeGreaterThan(30);
    const gone = all.filter((_, i) => i % 3 === 0);
    for (const name of gone) await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name });
    const before = kube.calls.length;
    const repaired = await publisher.repair(committed);
    expect(kube.calls.slice(before).filter(({ verb }) => verb === 'get').length).toBeLessThan(10);
    for (let round = 0; round < all.length / 8; round++) repaired.push(...(await publisher.repair(committed)));
    expect(repaired.sort()).toEqual(gone.sort());
    await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: all[5] as string });
    expect(await publisher.repair(committed, true)).toEqual([all[5]]);
    expect(await another().load(TENANT)).toEqual(committed);
  });

  test('replaced shards, and those without our labels, are replaced', async () => {
    const committed = await publisher.publish(publication(1), undefined);
    const [a, b] = shards() as [ConfigMap, ConfigMap];
    for (const { metadata } of [a, b]) await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: metadata.name });
    await kube.create(CONFIG_MAP, { ...a, binaryData: { data: b.binaryData?.data ?? '' } } as ConfigMap);
    await kube.create(CONFIG_MAP, { ...b, metadata: { name: b.metadata.name, namespace: NAMESPACE } } as ConfigMap);
    expect((await publisher.repair(committed)).sort()).toEqual([a.metadata.name, b.metadata.name].sort());
    expect(await another().load(TENANT)).toEqual(committed);
  });

  test.each([
    ['an edited manifest', (committed: ConfigMap) => edit(committed, { 'manifest.json': '{}' })],
    ['an edited index', (committed: ConfigMap) => edit(committed, { 'index.json': '{}' })],
    [
      'the head deleted',
      ({ metadata }: ConfigMap) => kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: metadata.name }),
    ],
    [
      'labels taken away',
      (committed: ConfigMap) =>
        kube.replace<ConfigMap>(CONFIG_MAP, { ...committed, metadata: { ...committed.metadata, labels: {} } }),
    ],
  ])('%s is put right by a repair, and by the next commit', async (_, damage) => {
    const first = await publisher.publish(publication(1), undefined);
    await damage(head());
    expect(await publisher.repair(first)).toEqual([first.configMapName]);
    expect(await another().load(TENANT)).toEqual(first);
    await damage(head());
    const second = await publisher.publish(publication(2), first);
    expect(await another().load(TENANT)).toEqual(second);
    expect(heads()).toHaveLength(1);
  });

  test('an older head that was put back is replaced by the one in force', async () => {
    const first = await publisher.publish(publication(1), undefined);
    const old = head();
    const second = await publisher.publish(publication(2), first);
    await edit(head(), old.data ?? {});
    expect(await publisher.repair(second)).toEqual([second.configMapName]);
    expect(await another().load(TENANT)).toEqual(second);
  });

  test('while no operator runs: refused with a code, never loaded', async () => {
    await publisher.publish(publication(1), undefined);
    const intact = head();
    const index = JSON.parse(intact.data?.['index.json'] ?? '') as { groups: Record<string, string[]> };
    const [state] = index.groups['state/0'] as [string];
    const other = { ...index, groups: { ...index.groups, 'state/0': index.groups.envelope } };
    await edit(intact, { 'index.json': JSON.stringify(other) });
    expect(await codeOf(another().load(TENANT))).toBe('AEGIS_HEAD_DAMAGED');
    await edit({ ...head() }, { 'index.json': intact.data?.['index.json'] ?? '' });
    await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: `aegis-shard.${state}` });
    const failure = await another()
      .load(TENANT)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DamagedCommit);
    expect(failure).toMatchObject({ code: 'AEGIS_SHARD_MISSING', nextSequence: 2 });
    expect((failure as Error).message).toContain(state);
  });

  test('a damaged commit is published over, above it and on top of it', async () => {
    const first = await publisher.publish(publication(1), undefined);
    const second = await publisher.publish(publication(2), first);
    const { groups } = JSON.parse(head().data?.['index.json'] ?? '') as { groups: Record<string, string[]> };
    await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: `aegis-shard.${groups['state/0']?.[0]}` });
    const next = another();
    const damage = await next.load(TENANT).catch((error: unknown) => error as DamagedCommit);
    expect(damage).toBeInstanceOf(DamagedCommit);
    const archived = await next.loadArchived(TENANT);
    expect(archived?.entries).toEqual(first.entries);
    expect(await codeOf(next.publish(publication(2), damage))).toBe('AEGIS_BUNDLE_INPUT');
    const third = await next.publish(publication(3, { entries: archived?.entries ?? new Map() }), damage);
    expect(third.manifest.previousManifestDigest).toBe(second.digest);
    expect(await another().load(TENANT)).toEqual(third);
  });

  test('a head that was deleted while no operator ran is damage, not a fresh start', async () => {
    const first = await publisher.publish(publication(1), undefined);
    const second = await publisher.publish(publication(2), first);
    await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: second.configMapName });
    const next = another();
    const damage = await next.load(TENANT).catch((error: unknown) => error as DamagedCommit);
    expect(damage).toMatchObject({ code: 'AEGIS_HEAD_DAMAGED', nextSequence: 3, resourceVersion: undefined });
    const archived = await next.loadArchived(TENANT);
    expect(archived?.manifest.sequence).toBe(1);
    const third = await next.publish(publication(3, { entries: archived?.entries ?? new Map() }), damage);
    expect(await another().load(TENANT)).toEqual(third);
  });

  test('a head that says nothing any more is published over with a gap', async () => {
    const first = await publisher.publish(publication(1), undefined);
    await publisher.publish(publication(2), first);
    await edit(head(), { 'manifest.json': 'not a manifest' });
    const next = another();
    const damage = await next.load(TENANT).catch((error: unknown) => error as DamagedCommit);
    expect(damage).toMatchObject({ nextSequence: 3, known: {} });
    const third = await next.publish(publication(3), damage);
    expect(await another().load(TENANT)).toEqual(third);
  });
});

describe('signing keys', () => {
  test('revocations are carried on for ever', async () => {
    const keys = { ...world.keys, active: () => world.keys.active(), storedRing: () => world.keys.storedRing() };
    let revoked = ['0'.repeat(32)];
    const signer = new Publisher({
      ...world,
      client: kube,
      namespace: NAMESPACE,
      crypto,
      engine: ENGINE,
      keys: { ...keys, revoked: () => revoked },
    });
    const first = await signer.publish(publication(1, { revokedApprovals: ['approval-1'] }), undefined);
    revoked = ['1'.repeat(32)];
    const renewed = await signer.renew(first, { lifetime: HOUR });
    revoked = [];
    const second = await signer.publish(publication(2), renewed);
    expect(second.manifest.revocations).toEqual({ keys: ['0'.repeat(32), '1'.repeat(32)], approvals: ['approval-1'] });
  });

  test('rotated in the middle of a commit: head and index are of one key', async () => {
    const [first, second] = [world.keys.active(), signingKeyFromSeed(new Uint8Array(32).fill(77), crypto)];
    let active = first;
    const ring = keyRingOf([first.publicKey, second.publicKey], crypto);
    const keys = { active: () => active, storedRing: () => ring, revoked: () => [] };
    const client = kube.client({
      before: ({ verb }) => {
        if (verb === 'create') active = second;
      },
    });
    const signer = new Publisher({ ...world, client, namespace: NAMESPACE, crypto, engine: ENGINE, keys });
    const committed = await signer.publish(publication(1), undefined);
    expect(committed.manifest.keyId).toBe(first.keyId);
    expect(await signer.load(TENANT)).toEqual(committed);
    const renewed = await signer.renew(committed, { lifetime: HOUR });
    expect(renewed.manifest.keyId).toBe(second.keyId);
    expect(await signer.load(TENANT)).toEqual(renewed);
  });

  test('a key that an earlier head revoked signs nothing', async () => {
    const first = await publisher.publish(publication(1), undefined);
    const { keyId } = world.keys.active();
    const keys = {
      active: () => world.keys.active(),
      storedRing: () => world.keys.storedRing(),
      revoked: () => [keyId],
    };
    const signer = new Publisher({ ...world, client: kube, namespace: NAMESPACE, crypto, engine: ENGINE, keys });
    const base = await signer.load(TENANT);
    expect(await codeOf(signer.publish(publication(2), base))).toBe('AEGIS_SIGNING_KEY_REVOKED');
    expect(await another().load(TENANT)).toEqual(first);
  });
});

describe('a gateway that holds more than the cluster', () => {
  test('is overtaken, and its revocations are kept', async () => {
    const first = await publisher.publish(publication(1), undefined);
    const backup = kube.backup();
    let last = first;
    for (let sequence = 2; sequence <= 5; sequence++) {
      last = await publisher.publish(publication(sequence, { revokedApprovals: [`approval-${sequence}`] }), last);
    }
    const held = new TextEncoder().encode(head().data?.['manifest.json']);
    kube.restore(backup);
    const next = another();
    const base = await next.load(TENANT);
    expect(base?.manifest.sequence).toBe(1);
    expect(next.acceptHigherHead(held, TENANT)).toMatchObject({ sequence: 5 });
    expect(next.acceptHigherHead(held, TENANT)).toBeUndefined();
    expect(await codeOf(next.publish(publication(2), base))).toBe('AEGIS_BUNDLE_INPUT');
    const above = await next.publish(publication(6), base);
    expect(above.manifest.revocations.approvals).toEqual(['approval-2', 'approval-3', 'approval-4', 'approval-5']);
    expect(next.acceptHigherHead(held, TENANT)).toBeUndefined();
  });

  test('is not believed when it shows what we have not signed for this tenant', async () => {
    await publisher.publish(publication(1), undefined);
    const bytes = new TextEncoder().encode(head().data?.['manifest.json']);
    expect(() => publisher.acceptHigherHead(bytes, { ...TENANT, uid: 'another' })).toThrow(/uid/);
    const forged = new TextEncoder().encode(head().data?.['manifest.json']?.replace('"sequence":1', '"sequence":9'));
    expect(() => publisher.acceptHigherHead(forged, TENANT)).toThrow(/not signed/);
  });
});

describe('a tenant that is gone', () => {
  test('has no bundle, and comes back above the old one', async () => {
    const first = await publisher.publish(publication(1), undefined);
    await publisher.remove(TENANT);
    expect(await publisher.list()).toEqual([]);
    await publisher.remove(TENANT);
    const again = await publisher.load(TENANT);
    expect(again).toEqual(first);
    const second = await publisher.publish(publication(2), again);
    expect(await publisher.list()).toEqual([TENANT]);
    expect(await another().load(TENANT)).toEqual(second);
  });

  test('leaves nothing in the end', async () => {
    const first = await publisher.publish(publication(1), undefined);
    await publisher.publish(publication(2), first);
    await publisher.remove(TENANT);
    world.clock.passed += 8 * 24 * HOUR;
    for (let turn = 0; turn < 80; turn++) {
      await publisher.collectGarbage(10);
      world.clock.passed += 30_000;
    }
    expect(kube.all(CONFIG_MAP)).toEqual([]);
  });
});

test('tenants do not get in each other’s way: same name, other uid; odd and long names', async () => {
  const tenants = [
    TENANT,
    { ...TENANT, uid: 'another' },
    { name: 'x'.repeat(253), uid: 'u' },
    { name: 'Odd:Name_1', uid: 'u' },
  ];
  for (const identity of tenants) await publisher.publish(publication(1, { identity }), undefined);
  expect((await another().list()).map(({ uid, name }) => `${name} ${uid}`).sort()).toEqual(
    tenants.map(({ uid, name }) => `${name} ${uid}`).sort(),
  );
  for (const identity of tenants) expect((await another().load(identity))?.identity).toEqual(identity);
  for (const { metadata } of heads()) {
    expect(metadata.name.length).toBeLessThanOrEqual(253);
    expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
    for (const label of Object.values(metadata.labels ?? {}))
      expect(label).toMatch(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
  }
});

test('a commit that takes too long is given up before its head', async () => {
  const client = kube.client({
    before: ({ verb }) => {
      if (verb === 'create') world.clock.passed += 60_000;
    },
  });
  expect(await codeOf(another(client).publish(publication(1), undefined))).toBe('AEGIS_COMMIT_SLOW');
  expect(heads()).toEqual([]);
});
