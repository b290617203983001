/** What the operator stores, edited or deleted by hand: repaired or refused, and never activated by a gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, registration, tool } from './samples-b.ts';
import { configMapPath, OPERATOR_NAMESPACE, type StoredConfigMap, World } from './world-b.ts';

const SHOP = 'shop';
/** The operator looks after what it has stored every half a minute. */
const HOUSEKEEPING = 50_000;

let world: World;
let gateway: AgentPod;

/** What the gateway decides for these amounts: the cap that is in force. */
async function verdicts(...amounts: number[]): Promise<string[]> {
  return Promise.all(amounts.map(async (amount) => (await gateway.decide(dollars(amount))).verdict));
}

async function head(): Promise<StoredConfigMap> {
  const found = await world.head(SHOP);
  if (found === undefined) throw new Error('there is no head');
  return found;
}

async function read(path: string): Promise<StoredConfigMap> {
  const { status, body } = await world.server.raw('GET', path);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return body as StoredConfigMap;
}

function contentOf({ data }: StoredConfigMap): unknown {
  const { sequence, contentRoot } = JSON.parse(data?.['manifest.json'] ?? '') as Record<string, unknown>;
  return { sequence, contentRoot };
}

async function shardNames(): Promise<string[]> {
  const { data } = await head();
  const { groups } = JSON.parse(data?.['index.json'] ?? '{}') as { groups: Record<string, string[]> };
  return Object.values(groups)
    .flat()
    .map((digest) => `aegis-shard.${digest}`);
}

/** Another cap comes into force everywhere: everything works. */
async function worksWith(cap: number): Promise<void> {
  await world.apply(policy(SHOP, 'payments', { cap }));
  await eventually(async () => {
    expect(await verdicts(cap, cap + 1)).toEqual(['allow', 'deny']);
    expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current');
  }, 30_000);
}

beforeAll(async () => {
  world = await World.open([SHOP]);
  await world.apply(tool(SHOP), registration(SHOP), policy(SHOP, 'payments', { cap: 100 }));
  await eventually(async () => expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current'));
  gateway = await world.agentPod({ namespace: SHOP, agent: 'buyer' });
  await worksWith(200);
}, 90_000);

afterAll(async () => {
  await world?.close();
});

/** While the operator runs: what somebody makes of the head, and its ConfigMap's name. */
const DAMAGES: [string, (head: StoredConfigMap, path: string) => Promise<void>][] = [
  [
    'other bytes',
    ({ data = {} }, path) =>
      world.patch(path, { data: { 'manifest.json': data['manifest.json']?.replace('"sequence":', '"sequence":9') } }),
  ],
  [
    'truncated',
    ({ data = {} }, path) => world.patch(path, { data: { 'index.json': data['index.json']?.slice(0, 99) } }),
  ],
  ['without a manifest', (_, path) => world.patch(path, { data: { 'manifest.json': null } })],
  ['without its labels', (_, path) => world.patch(path, { metadata: { labels: null, annotations: null } })],
  ['deleted', (_, path) => world.drop(path)],
  [
    'an older one',
    async (_, path) => {
      const { metadata } = await head();
      const archived = await world.stored('bundle-archive', SHOP);
      const sequence = (each: StoredConfigMap) => Number(each.metadata.annotations?.['aegis.dev/sequence']);
      const [oldest] = archived.sort((a, b) => sequence(a) - sequence(b));
      await world.overwrite(path, { ...oldest, immutable: false, metadata } as StoredConfigMap);
    },
  ],
];

test.each(
  DAMAGES,
)('a head that is edited by hand (%s): no gateway notices, the next commit replaces it', async (what, damage) => {
  const before = await head();
  const sequence = await gateway.sequence();
  const cap = 300 + DAMAGES.findIndex(([name]) => name === what);
  await damage(before, configMapPath(before.metadata.name));
  await sleep(400);
  expect(await gateway.sequence()).toBe(sequence);
  await worksWith(cap);
  expect(await gateway.sequence()).toBe((sequence as number) + 1);
  expect((await head()).metadata.annotations?.['aegis.dev/sequence']).toBe(String((sequence as number) + 1));
});

test('everything at once: put right again, and no gateway has activated anything meanwhile', async () => {
  const wanted = await head();
  const sequence = await gateway.sequence();
  const [gone = '', changed = '', ...rest] = await shardNames();
  const bootstrap = configMapPath('aegis-bootstrap-buyer', SHOP);
  const trusted = configMapPath('aegis-trusted-keys');
  const keysPath = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets/aegis-signing-keys`;
  const before = await read(bootstrap);
  const trust = await read(trusted);
  const keys = await read(keysPath);
  const { binaryData = {} } = before;
  await world.patch(configMapPath(wanted.metadata.name), { data: { 'manifest.json': '{}' } });
  await world.drop(configMapPath(gone));
  const shard = await read(configMapPath(changed));
  const other = (await read(configMapPath(rest[0] ?? ''))).binaryData ?? {};
  await world.drop(configMapPath(changed));
  const replaced: StoredConfigMap = { ...shard, binaryData: other };
  await world.overwrite(configMapPath(changed), replaced);
  for (const { metadata } of await world.stored('bundle-archive', SHOP)) await world.drop(configMapPath(metadata.name));
  const [shardKey = ''] = Object.keys(binaryData).filter((key) => key.startsWith('shard-'));
  await world.patch(bootstrap, { binaryData: { [shardKey]: Buffer.from('other').toString('base64') } });
  await world.patch(trusted, { data: { 'keyring.json': '{"keys":[]}', 'ca.crt': 'none' } });
  await world.drop(keysPath);
  // the bootstrap copy is watched
  await eventually(async () => expect(await read(bootstrap)).toMatchObject({ binaryData }), 5_000);
  await world.drop(bootstrap);
  await eventually(async () => {
    // keys that were restored renew the head; what it commits stays
    expect(contentOf(await head())).toEqual(contentOf(wanted));
    expect((await read(configMapPath(changed))).binaryData).toEqual(shard.binaryData);
    await read(configMapPath(gone));
    expect(Object.keys((await read(bootstrap)).binaryData ?? {})).toContain(shardKey);
    expect((await read(trusted)).data).toEqual(trust.data);
    expect((await read(keysPath)).data).toEqual(keys.data);
  }, HOUSEKEEPING);
  expect(await gateway.sequence()).toBe(sequence);
  await worksWith(401);
}, 90_000);
