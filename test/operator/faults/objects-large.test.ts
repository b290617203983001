/** Objects near what schema and API server allow, and a slice beyond one ConfigMap. */
import { randomBytes } from 'node:crypto';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, type Resource, registration, tool } from './samples-b.ts';
import { conditionsOf, configMapPath, pathOf, World } from './world-b.ts';

const BIG = 'big';
const CALM = 'calm';
/** As many as the schema allows. */
const RULES = 64;
const VALUES = 128;

let world: World;
let gateway: AgentPod;
let calm: AgentPod;

/** Client-side: server-side apply would note each value of a set once more, in managedFields. */
async function make(resource: Resource): Promise<{ status: number; message: string }> {
  const { kind, metadata } = resource;
  const { status, body } = await world.server.raw('POST', pathOf(kind, '', metadata.namespace).slice(0, -1), resource);
  return { status, message: (body as { message?: string }).message ?? '' };
}

/** One action for each rule. */
function memoTool(name: string): Resource {
  const made = tool(BIG, name);
  const [action = {}] = made.spec.actions as Record<string, unknown>[];
  made.spec.actions = Array.from({ length: RULES }, (_, i) => ({
    ...action,
    name: `pay_${i}`,
    match: { method: 'POST', path: `/v1/pay/${i}` },
    parameters: { memo: { in: 'form', type: 'string' } },
  }));
  return made;
}

/** What cannot be compressed much. */
const value = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);

/** Permits what has one of so many memos, each of so many characters; no two are the same. */
function memoPolicy(name: string, toolId: string, length: number): { resource: Resource; memos: string[] } {
  const resource = policy(BIG, name, { tools: [toolId] });
  const memos: string[] = [];
  resource.spec.rules = Array.from({ length: RULES }, (_, i) => {
    const values = Array.from({ length: VALUES }, () => value(length));
    memos.push(...values);
    return { name: `rule-${i}`, actions: [`pay_${i}`], conditions: { params: { memo: { enum: values } } } };
  });
  return { resource, memos };
}

/** Another namespace goes on as if nothing were. */
async function calmWorks(cap: number): Promise<void> {
  await world.apply(policy(CALM, 'payments', { cap }));
  await eventually(async () => {
    expect((await calm.decide(dollars(cap))).verdict).toBe('allow');
    expect((await calm.decide(dollars(cap + 1))).verdict).toBe('deny');
  }, 20_000);
}

const TOOLS = Array.from({ length: 5 }, (_, i) => (i === 0 ? 'stripe-payments' : `tool-${i}`));

beforeAll(async () => {
  world = await World.open([BIG, CALM]);
  await world.apply(tool(CALM), registration(CALM), policy(CALM, 'payments'));
  await world.apply(...TOOLS.map(memoTool), registration(BIG, 'buyer', { tools: TOOLS }));
  gateway = await world.agentPod({ namespace: BIG, agent: 'buyer' });
  calm = await world.agentPod({ namespace: CALM, agent: 'buyer' });
}, 60_000);

afterAll(async () => {
  await world?.close();
});

test('a policy with as many rules and values as the schema allows comes into force', async () => {
  const { resource, memos } = memoPolicy('large', 'stripe-payments', 40);
  expect(JSON.stringify(resource).length).toBeGreaterThan(350_000);
  expect(await make(resource)).toMatchObject({ status: 201 });
  await eventually(async () => {
    const found = await world.object('AgentPolicy', 'large', BIG);
    expect(conditionsOf(found)).toMatchObject({ Ready: 'True Completed', Programmed: 'True AllAcknowledged' });
  }, 30_000);
  const last = RULES - 1;
  expect(await gateway.decide({ memo: memos[0] }, 'pay_0')).toMatchObject({ verdict: 'allow' });
  expect(await gateway.decide({ memo: memos[RULES * VALUES - 1] }, `pay_${last}`)).toMatchObject({ verdict: 'allow' });
  expect(await gateway.decide({ memo: memos[0] }, `pay_${last}`)).toMatchObject({ verdict: 'deny' });
  await calmWorks(101);
}, 60_000);

test('beyond that: refused by the API server, with the limit in its message, and nothing happens', async () => {
  const sequence = await gateway.sequence();
  const { resource } = memoPolicy('beyond', 'stripe-payments', 40);
  const [first] = resource.spec.rules as object[];
  resource.spec.rules = [...(resource.spec.rules as object[]), { ...first, name: 'one-more' }];
  expect(await make(resource)).toMatchObject({
    status: 422,
    message: expect.stringMatching(/must have at most 64 items/),
  });
  // within the schema, and too large for etcd
  const huge = memoPolicy('huge', 'stripe-payments', 250);
  const answer = await make(huge.resource);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.message).toMatch(/too large/);
  expect(await gateway.sequence()).toBe(sequence);
});

test('a slice of many shards, too large for a bootstrap copy: gateways get it, and it is said that the copy is not', async () => {
  const before = (await gateway.sequence()) as number;
  for (const [i, toolId] of TOOLS.slice(1).entries()) {
    expect(await make(memoPolicy(`large-${i}`, toolId, 60).resource)).toMatchObject({ status: 201 });
  }
  await eventually(async () => {
    for (const [i] of TOOLS.slice(1).entries()) {
      const found = await world.object('AgentPolicy', `large-${i}`, BIG);
      expect(conditionsOf(found)).toMatchObject({ Ready: 'True Completed', Programmed: 'True AllAcknowledged' });
    }
    expect(await gateway.sequence()).toBeGreaterThan(before);
  }, 40_000);
  const head = await world.head(BIG);
  const { groups } = JSON.parse(head?.data?.['index.json'] ?? '{}') as { groups: Record<string, string[]> };
  expect(Object.values(groups).flat().length).toBeGreaterThan(10);
  for (const { binaryData = {} } of await world.stored('bundle-shard', BIG)) {
    expect(Object.values(binaryData).join('').length).toBeLessThan(1_000_000);
  }
  await eventually(() => {
    expect(world.operator.log()).toContainEqual(
      expect.objectContaining({
        event: 'bootstrap.failed',
        resource: `AgentRegistration ${BIG}/buyer`,
        error: 'AEGIS_BOOTSTRAP_TOO_LARGE',
      }),
    );
  }, 10_000);
  expect(kstatusOf(await world.object('AgentRegistration', 'buyer', BIG))).toBe('Current');
  // every other copy is made as before
  const copy = await world.server.raw('GET', configMapPath('aegis-bootstrap-buyer', CALM));
  expect(copy.status).toBe(200);
  await calmWorks(102);
  // a new gateway of that agent starts from the operator
  const next = await world.agentPod({ namespace: BIG, agent: 'buyer', pod: 'next' });
  expect(await next.sequence()).toBe(await gateway.sequence());
}, 90_000);

test('an operator that starts reads all of it again', async () => {
  await world.stopOperator();
  await world.startOperator();
  await calmWorks(103);
  const before = (await gateway.sequence()) as number;
  await world.remove('AgentPolicy', 'large-0', BIG);
  await eventually(async () => expect(await gateway.sequence()).toBe(before + 1), 20_000);
}, 60_000);
