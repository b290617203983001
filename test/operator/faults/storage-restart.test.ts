/** What the operator stores, edited or deleted by hand while no operator runs: the next one publishes over it. */
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, registration, tool } from './samples-b.ts';
import { configMapPath, type StoredConfigMap, World } from './world-b.ts';

// a gateway that was refused for a while asks again after a minute at the latest
jest.setTimeout(120_000);

const SHOP = 'shop';
/** Whoever begins anew under it stays in Shadow for a week. */
const SLOW = { profile: 'standard' };

let world: World;
let gateway: AgentPod;
let otherCap = 1000;

async function verdicts(...amounts: number[]): Promise<string[]> {
  return Promise.all(amounts.map(async (amount) => (await gateway.decide(dollars(amount))).verdict));
}

async function head(): Promise<StoredConfigMap> {
  const found = await world.head(SHOP);
  if (found === undefined) throw new Error('there is no head');
  return found;
}

async function shardNames(group: RegExp): Promise<string[]> {
  const { data } = await head();
  const { groups } = JSON.parse(data?.['index.json'] ?? '{}') as { groups: Record<string, string[]> };
  const digests = Object.entries(groups).flatMap(([name, all]) => (group.test(name) ? all : []));
  return digests.map((digest) => `aegis-shard.${digest}`);
}

async function inForce(cap: number, above: number): Promise<void> {
  await eventually(async () => {
    expect(await gateway.sequence()).toBeGreaterThan(above);
    expect(await verdicts(cap, cap + 1)).toEqual(['allow', 'deny']);
    const found = await world.object('AgentPolicy', 'payments', SHOP);
    expect(kstatusOf(found)).toBe('Current');
    expect(found.status?.rollout).toMatchObject({ stage: 'Enforce' });
  }, 75_000);
}

async function sequenceOf(): Promise<number> {
  return (await gateway.sequence()) as number;
}

/** Of another policy: what is archived last is one commit old. */
async function commitAnother(): Promise<void> {
  const before = await sequenceOf();
  otherCap++;
  await world.apply(policy(SHOP, 'other', { tools: ['other'], cap: otherCap }));
  await eventually(async () => expect(await sequenceOf()).toBeGreaterThan(before), 20_000);
}

async function dropArchive(): Promise<void> {
  for (const { metadata } of await world.stored('bundle-archive', SHOP)) await world.drop(configMapPath(metadata.name));
}

beforeAll(async () => {
  world = await World.open([SHOP]);
  await world.apply(
    tool(SHOP),
    registration(SHOP, 'buyer', { tools: ['stripe-payments', 'other'] }),
    policy(SHOP, 'payments', { cap: 100 }),
  );
  await eventually(async () => expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current'));
  gateway = await world.agentPod({ namespace: SHOP, agent: 'buyer' });
  await world.apply(policy(SHOP, 'payments', { cap: 200 }));
  await inForce(200, 1);
  // from here on nothing that begins anew gets into force by itself
  await world.apply(policy(SHOP, 'payments', { cap: 200, rollout: SLOW }));
  await world.apply(tool(SHOP, 'other'), policy(SHOP, 'other', { tools: ['other'] }));
  await inForce(200, 2);
}, 180_000);

afterAll(async () => {
  await world?.close();
});

const DAMAGES: [string, () => Promise<void>][] = [
  [
    'the head, other bytes',
    async () => {
      const { metadata, data } = await head();
      const manifest = data?.['manifest.json']?.replace(/"sequence":(\d+)/, '"sequence":9$1');
      await world.patch(configMapPath(metadata.name), { data: { 'manifest.json': manifest } });
    },
  ],
  [
    'the head, truncated',
    async () => {
      const { metadata, data } = await head();
      await world.patch(configMapPath(metadata.name), {
        data: { 'manifest.json': data?.['manifest.json']?.slice(0, 80) },
      });
    },
  ],
  ['the head, deleted', async () => world.drop(configMapPath((await head()).metadata.name))],
  [
    'shards, deleted',
    async () => {
      for (const name of await shardNames(/^(tenant|state)/)) await world.drop(configMapPath(name));
    },
  ],
  [
    'a shard, replaced by another',
    async () => {
      const [name = ''] = await shardNames(/^agents/);
      const [other = ''] = await shardNames(/^changes/);
      const shard = (await world.server.raw('GET', configMapPath(name))).body as StoredConfigMap;
      const { binaryData } = (await world.server.raw('GET', configMapPath(other))).body as StoredConfigMap;
      await world.drop(configMapPath(name));
      const replaced: StoredConfigMap = { ...shard, binaryData: binaryData ?? {} };
      await world.overwrite(configMapPath(name), replaced);
    },
  ],
  [
    'everything of the tenant, deleted',
    async () => {
      await dropArchive();
      for (const name of await shardNames(/./)) await world.drop(configMapPath(name));
      await world.drop(configMapPath((await head()).metadata.name));
    },
  ],
];

test.each(DAMAGES)('%s: what was enforced stays in force, above everything that was committed', async (_, damage) => {
  await commitAnother();
  const before = await sequenceOf();
  await world.stopOperator();
  await damage();
  expect(await verdicts(200, 201)).toEqual(['allow', 'deny']);
  await world.startOperator();
  await inForce(200, before);
});

test('the promotion itself was the last commit, and is damaged: the policy does not fall back', async () => {
  const gate = { minDuration: '1s', minDecisions: 0, minAgents: 0 };
  const gates = [
    { to: 'Partial', ...gate },
    { to: 'Enforce', ...gate },
  ];
  await world.apply(policy(SHOP, 'payments', { cap: 300, rollout: { gates } }));
  const before = await sequenceOf();
  await inForce(300, before);
  const last = await sequenceOf();
  await world.stopOperator();
  await world.apply(policy(SHOP, 'payments', { cap: 300, rollout: SLOW }));
  for (const name of await shardNames(/^state/)) await world.drop(configMapPath(name));
  await world.startOperator();
  await inForce(300, last);
});

test('an older head of ours: the gateway refuses it, shows its own, and is brought above it', async () => {
  const last = await sequenceOf();
  await world.stopOperator();
  const current = await head();
  const archived = await world.stored('bundle-archive', SHOP);
  const sequence = (each: StoredConfigMap) => Number(each.metadata.annotations?.['aegis.dev/sequence']);
  // the one before the last: what is published on top of it has the number that the gateway holds already
  const [previous] = archived.sort((a, b) => sequence(b) - sequence(a));
  await world.overwrite(configMapPath(current.metadata.name), {
    ...previous,
    immutable: false,
    metadata: current.metadata,
  } as StoredConfigMap);
  await world.apply(policy(SHOP, 'payments', { cap: 301 }));
  await world.startOperator();
  await inForce(301, last);
});
