/** Two hundred bad objects among a thousand good ones: each stalls itself alone, with place and reason. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, type Resource, registration, tool } from './samples-b.ts';
import { conditionsOf, messageOf, pathOf, type StatusObject, World } from './world-b.ts';

const MANY = 'many';
const PAIRS = 100;
const POLICIES_PER_PAIR = 8;

let world: World;
let gateway: AgentPod;

/** Ten requests at a time. */
async function each(resources: readonly Resource[], send: (resource: Resource) => Promise<void>): Promise<void> {
  const rest = [...resources];
  const worker = async (): Promise<void> => {
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) await send(next);
  };
  await Promise.all(Array.from({ length: 10 }, worker));
}

async function make(resource: Resource): Promise<void> {
  const { kind, metadata } = resource;
  const path = pathOf(kind, '', metadata.namespace).slice(0, -1);
  const { status, body } = await world.server.raw('POST', `${path}?fieldValidation=Ignore`, resource);
  if (status !== 201) throw new Error(JSON.stringify(body));
}

async function remake(resource: Resource): Promise<void> {
  const { kind, metadata } = resource;
  const path = pathOf(kind, metadata.name, metadata.namespace);
  const { resourceVersion = '' } = (await world.object(kind, metadata.name, metadata.namespace)).metadata;
  const body = { ...resource, metadata: { ...metadata, resourceVersion } };
  const answer = await world.server.raw('PUT', path, body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}

interface Bad {
  resource: Resource;
  /** What its status has to say. */
  reason: string;
  message: RegExp;
  corrected: Resource;
}

function withRule(name: string, rule: Record<string, unknown>): Resource {
  const made = policy(MANY, name, { agents: ['agent-0'], tools: ['tool-0'] });
  made.spec.rules = [{ name: 'cap', actions: ['create_payment'], ...rule }];
  return made;
}

function badPolicy(i: number): Bad {
  const name = `bad-${i}`;
  const corrected = policy(MANY, name, { cap: 100, agents: ['agent-0'], tools: ['tool-0'] });
  switch (i % 4) {
    case 0:
      return {
        resource: withRule(name, { condition: { maxAmount: 5 } }),
        reason: 'UnknownField',
        message: /spec\.rules\[0\]\.condition\b.*conditions/s,
        corrected,
      };
    case 1:
      return {
        resource: withRule(name, { actions: ['create_paymant'] }),
        reason: 'UnknownAction',
        message: /create_paymant/,
        corrected,
      };
    case 2:
      return {
        resource: withRule(name, { conditions: { params: { currency: { pattern: '^(U' } } } }),
        reason: 'InvalidRule',
        message: /spec\.rules\[0\]\.conditions\.params\.currency/,
        corrected,
      };
    default: {
      const resource = structuredClone(corrected);
      resource.spec['roll-out'] = {};
      return { resource, reason: 'UnknownField', message: /spec\.roll-out/, corrected };
    }
  }
}

function badTool(i: number): Bad {
  const corrected = tool(MANY, `bad-${i}`);
  const resource = structuredClone(corrected);
  const [action] = resource.spec.actions as Record<string, unknown>[];
  if (action !== undefined) action.efect = 'read';
  return { resource, reason: 'UnknownField', message: /spec\.actions\[0\]\.efect/, corrected };
}

function badRegistration(i: number): Bad {
  const corrected = registration(MANY, `bad-${i}`, { tools: ['tool-0'] });
  const resource = structuredClone(corrected);
  resource.spec.suspend = true;
  return { resource, reason: 'UnknownField', message: /spec\.suspend\b/, corrected };
}

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);
const GOOD: Resource[] = [
  ...numbers(PAIRS).map((i) => tool(MANY, `tool-${i}`)),
  ...numbers(PAIRS).map((i) => registration(MANY, `agent-${i}`, { tools: [`tool-${i}`] })),
  ...numbers(PAIRS * POLICIES_PER_PAIR).map((i) => {
    const at = i % PAIRS;
    return policy(MANY, `policy-${i}`, { agents: [`agent-${at}`], tools: [`tool-${at}`] });
  }),
];
const BAD: Bad[] = [...numbers(160).map(badPolicy), ...numbers(20).map(badTool), ...numbers(20).map(badRegistration)];

/** A list of all of them is work for the API server as well, so not too often. */
async function everything(): Promise<Map<string, StatusObject>> {
  await sleep(500);
  const lists = await Promise.all(
    ['AgentPolicy', 'AgentTool', 'AgentRegistration'].map((kind) => world.objects(kind, MANY)),
  );
  return new Map(lists.flat().map((object) => [`${object.kind} ${object.metadata.name}`, object]));
}

const keyOf = ({ kind, metadata }: Resource): string => `${kind} ${metadata.name}`;

beforeAll(async () => {
  world = await World.open([MANY]);
  // tool, agent and cap of the gateway that looks on
  await world.apply(tool(MANY), registration(MANY), policy(MANY, 'payments'));
  gateway = await world.agentPod({ namespace: MANY, agent: 'buyer' });
}, 60_000);

afterAll(async () => {
  await world?.close();
});

test('all good ones are Ready and published; every bad one says where and why', async () => {
  const mixed = [...GOOD];
  for (const [i, { resource }] of BAD.entries()) mixed.splice(i * 6, 0, resource);
  await each(mixed, make);
  await eventually(async () => {
    const all = await everything();
    const wrong = GOOD.filter((resource) => kstatusOf(all.get(keyOf(resource))) !== 'Current').map(keyOf);
    expect({ count: wrong.length, some: wrong.slice(0, 3) }).toEqual({ count: 0, some: [] });
    const silent = BAD.filter(({ resource }) => kstatusOf(all.get(keyOf(resource))) !== 'Failed');
    expect(silent.map(({ resource }) => keyOf(resource)).slice(0, 3)).toEqual([]);
  }, 60_000);
  const all = await everything();
  for (const resource of GOOD) {
    const found = all.get(keyOf(resource)) as StatusObject;
    expect(conditionsOf(found)).toMatchObject({ BundlePublished: 'True Published' });
  }
  for (const { resource, reason, message } of BAD) {
    const found = all.get(keyOf(resource)) as StatusObject;
    expect(conditionsOf(found)).toMatchObject({ Accepted: `False ${reason}`, Stalled: `True ${reason}` });
    expect(messageOf(found)).toMatch(message);
  }
  expect((await gateway.decide(dollars(100))).verdict).toBe('allow');
}, 120_000);

test('at a glance: which ones, and why', async () => {
  const table = world.server.kubectl(['get', 'agpol,agreg,agtool', '-n', MANY, '--no-headers']);
  const rows = table.split('\n').filter((line) => line.includes('/'));
  expect(rows).toHaveLength(GOOD.length + BAD.length + 3);
  expect(rows.filter((row) => /\bTrue\b/.test(row))).toHaveLength(GOOD.length + 3);
  expect(rows.filter((row) => /\bFalse +(UnknownField|UnknownAction|InvalidRule)\b/.test(row))).toHaveLength(
    BAD.length,
  );
});

test('corrected, all of them come into force', async () => {
  await each(
    BAD.map(({ corrected }) => corrected),
    remake,
  );
  await eventually(async () => {
    const all = await everything();
    const wrong = [...all.values()].filter((object) => kstatusOf(object) !== 'Current');
    expect(wrong.map(({ kind, metadata }) => `${kind} ${metadata.name}`).slice(0, 3)).toEqual([]);
  }, 60_000);
}, 90_000);
