import { GarbageCollector, GRACE } from '../../../operator/bundles/garbage.ts';
import { Publisher } from '../../../operator/bundles/publisher.ts';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import type { Committed } from '../../../operator/model/committed.ts';
import { CONFIG_MAP } from '../../../operator/model/resource-types.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { crypto, ENGINE, entry, NAMESPACE, newWorld, part, publication, TENANT, type World } from './world.ts';

let kube: FakeKube;
let world: World;
let last: Committed | undefined;
let sequence: number;

beforeEach(async () => {
  kube = new FakeKube();
  world = await newWorld(kube);
  last = undefined;
  sequence = 0;
});

const shards = (): string[] =>
  kube
    .all<ConfigMap>(CONFIG_MAP)
    .filter((item) => part(item) === 'bundle-shard')
    .map(({ metadata }) => metadata.name);
const collector = (client = kube as ConstructorParameters<typeof GarbageCollector>[0]['client']) =>
  new GarbageCollector({ client, namespace: NAMESPACE, clock: world.clock, crypto });
/** All sixteen groups. */
const round = async (garbage: GarbageCollector): Promise<number> => {
  let deleted = 0;
  for (let turn = 0; turn < 16; turn++) deleted += (await garbage.step(() => 1)).shards;
  return deleted;
};
/** Content by a letter; the same letter has the same shards. */
const publish = async (content: string): Promise<Committed> => {
  const agents = { one: { content } };
  const entries = new Map([['AgentPolicy ns/p', entry(content)]]);
  last = await world.publisher.publish(publication(++sequence, { agents, entries, retention: 1 }), last);
  return last;
};

test('what is not referred to waits, then goes; what is referred to stays', async () => {
  await publish('a');
  await publish('b');
  const garbage = collector();
  const before = shards().length;
  expect(await round(garbage)).toBe(0);
  world.clock.passed += GRACE - 1;
  expect(await round(garbage)).toBe(0);
  world.clock.passed += 1; // the archived head of `a` goes first, its shards after another wait
  await round(garbage);
  await round(garbage);
  world.clock.passed += GRACE;
  const deleted = await round(garbage);
  expect(deleted).toBe(3); // agent, entry, envelope
  expect(shards()).toHaveLength(before - deleted);
  const reader = new Publisher({ ...world, client: kube, namespace: NAMESPACE, crypto, engine: ENGINE });
  expect(await reader.load(TENANT)).toEqual(last);
});

async function orphansOf(content: string): Promise<string[]> {
  await publish('b');
  const before = new Set(shards());
  const failing = new Publisher({
    ...world,
    client: kube.client({
      before: ({ verb, name }) => {
        if (verb === 'replace' && name.startsWith('aegis-head.')) throw new Error('killed');
      },
    }),
    namespace: NAMESPACE,
    crypto,
    engine: ENGINE,
  });
  const base = await failing.load(TENANT);
  const next = publication(2, {
    agents: { one: { content } },
    entries: new Map([['AgentPolicy ns/p', entry(content)]]),
  });
  await expect(failing.publish(next, base)).rejects.toThrow('killed');
  return shards().filter((name) => !before.has(name));
}

test('what a publisher that died has left goes', async () => {
  const orphans = await orphansOf('a');
  expect(orphans).toHaveLength(3);
  const garbage = collector();
  await round(garbage);
  world.clock.passed += GRACE;
  expect(await round(garbage)).toBe(3); // agent, entry, envelope
  expect(shards().filter((name) => orphans.includes(name))).toEqual([]);
});

test('what is used again while it is about to be deleted stays', async () => {
  await orphansOf('a');
  let commits = 0;
  const garbage = collector(
    kube.client({
      // between reading the references and deleting, another commit takes the orphans into use
      before: async ({ verb }) => {
        if (verb !== 'delete' || commits++ > 0) return;
        await publish('a');
      },
    }),
  );
  await round(garbage);
  world.clock.passed += GRACE;
  await round(garbage);
  expect(commits).toBeGreaterThan(0);
  const reader = new Publisher({ ...world, client: kube, namespace: NAMESPACE, crypto, engine: ENGINE });
  expect(await reader.load(TENANT)).toEqual(last);
});

test('what was in use in between waits anew', async () => {
  await orphansOf('a');
  const garbage = collector();
  await round(garbage);
  await publish('a');
  await round(garbage);
  await publish('b');
  // the archived head that refers to `a` is taken away by hand: nothing refers to its shards, but only since now
  for (const item of kube.all<ConfigMap>(CONFIG_MAP).filter((one) => part(one) === 'bundle-archive')) {
    await kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: item.metadata.name });
  }
  world.clock.passed += GRACE - 1;
  expect(await round(garbage)).toBe(0);
});

test.each([
  ['deleted', (head: ConfigMap) => kube.delete(CONFIG_MAP, { namespace: NAMESPACE, name: head.metadata.name })],
  [
    'damaged',
    (head: ConfigMap) =>
      kube.replace<ConfigMap>(CONFIG_MAP, { ...head, data: { ...head.data, 'manifest.json': '{}' } }),
  ],
])('the head is %s by hand: what it has replaced stays, whole', async (_, damage) => {
  const first = await publish('a');
  await publish('b');
  await damage(kube.all<ConfigMap>(CONFIG_MAP).find((item) => part(item) === 'bundle-head') as ConfigMap);
  const garbage = collector();
  for (let times = 0; times < 4; times++) {
    await round(garbage);
    world.clock.passed += GRACE;
  }
  const reader = new Publisher({ ...world, client: kube, namespace: NAMESPACE, crypto, engine: ENGINE });
  await expect(reader.load(TENANT)).rejects.toMatchObject({ nextSequence: 3 });
  expect((await reader.loadArchived(TENANT))?.entries).toEqual(first.entries);
});

test('the copy of a head that is about to be replaced stays, and is part of the chain', async () => {
  await orphansOf('a'); // archives the head and dies
  const garbage = collector();
  for (let times = 0; times < 3; times++) {
    await round(garbage);
    world.clock.passed += GRACE;
  }
  const archived = kube.all<ConfigMap>(CONFIG_MAP).filter((item) => part(item) === 'bundle-archive');
  expect(archived.map(({ metadata }) => metadata.name)).toEqual([`aegis-head-archive.${last?.digest}`]);
});

test('while a head cannot be read, nothing is deleted', async () => {
  await orphansOf('a');
  const head = kube.all<ConfigMap>(CONFIG_MAP).find((item) => part(item) === 'bundle-head') as ConfigMap;
  await kube.replace<ConfigMap>(CONFIG_MAP, { ...head, data: { ...head.data, 'index.json': '{}' } });
  const garbage = collector();
  await round(garbage);
  world.clock.passed += GRACE;
  expect(await round(garbage)).toBe(0);
});
