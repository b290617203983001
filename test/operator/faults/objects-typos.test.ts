/** A typo that gets past every check of the client: it stalls its resource, and widens nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, type Resource, registration, tool } from './samples-b.ts';
import { conditionsOf, messageOf, pathOf, World } from './world-b.ts';

const SHOP = 'shop';

let world: World;
let gateway: AgentPod;
let stranger: AgentPod;

/** The object as a whole takes the place of what is there, as `kubectl replace --validate=ignore` does it. */
async function replace(resource: Resource): Promise<void> {
  const { kind, metadata } = resource;
  const path = `${pathOf(kind, metadata.name, metadata.namespace)}?fieldValidation=Ignore`;
  const { resourceVersion = '' } = (await world.object(kind, metadata.name, metadata.namespace)).metadata;
  const { status, body } = await world.server.raw('PUT', path, {
    ...resource,
    metadata: { ...metadata, resourceVersion },
  });
  if (status !== 200) throw new Error(JSON.stringify(body));
}

const RULE = { name: 'cap', actions: ['create_payment'] };
const CAP = { maxAmount: 100, currency: 'USD' };

function payments(change: (spec: Record<string, unknown>) => void): Resource {
  const made = policy(SHOP, 'payments', { cap: 100 });
  change(made.spec);
  return made;
}

function changed(resource: Resource, change: (spec: Record<string, unknown>) => void): Resource {
  change(resource.spec);
  return resource;
}

/** Where the wrong field stands, and what would let more pass if it were just ignored. */
const TYPOS: [string, Resource][] = [
  ['spec.rules[0].condition', payments((spec) => (spec.rules = [{ ...RULE, condition: CAP }]))],
  [
    'spec.rules[0].conditions.maxamount',
    payments((spec) => (spec.rules = [{ ...RULE, conditions: { maxamount: 100 } }])),
  ],
  [
    'spec.rules[0].conditions.amount',
    payments((spec) => (spec.rules = [{ ...RULE, conditions: { amount: { max: 100 } } }])),
  ],
  ['spec.rules[0].maxAmount', payments((spec) => (spec.rules = [{ ...RULE, maxAmount: 100 }]))],
  [
    'spec.rules[0].conditions.params.amount.rang',
    payments(
      (spec) =>
        (spec.rules = [{ ...RULE, conditions: { params: { amount: { required: true, rang: { max: 100 } } } } }]),
    ),
  ],
  [
    'spec.conditions',
    payments((spec) => {
      spec.rules = [RULE];
      spec.conditions = CAP;
    }),
  ],
  ['spec.scope.agent', payments((spec) => (spec.scope = { tools: ['stripe-payments'], agent: ['buyer'] }))],
  ['spec.rules[0].limit', payments((spec) => (spec.rules = [{ ...RULE, conditions: { maxAmount: 900 }, limit: [] }]))],
  ['spec.suspended', payments((spec) => (spec.suspended = true))],
  ['spec.suspend', changed(registration(SHOP, 'buyer'), (spec) => (spec.suspend = true))],
  ['spec.unmached', changed(registration(SHOP, 'buyer'), (spec) => (spec.unmached = 'Deny'))],
  [
    'spec.actions[0].parameters.amount.roles',
    changed(tool(SHOP), ({ actions }) => {
      const [action] = actions as { parameters: Record<string, unknown> }[];
      if (action !== undefined) action.parameters.amount = { in: 'form', type: 'integer', roles: 'amount' };
    }),
  ],
];

beforeAll(async () => {
  world = await World.open([SHOP]);
  await world.apply(
    tool(SHOP),
    registration(SHOP),
    registration(SHOP, 'stranger'),
    policy(SHOP, 'payments', { cap: 100 }),
  );
  await eventually(async () => expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current'));
  gateway = await world.agentPod({ namespace: SHOP, agent: 'buyer' });
  stranger = await world.agentPod({ namespace: SHOP, agent: 'stranger' });
}, 60_000);

afterAll(async () => {
  await world?.close();
});

async function nothingWidened(): Promise<void> {
  expect((await gateway.decide(dollars(100))).verdict).toBe('allow');
  expect((await gateway.decide(dollars(101))).verdict).toBe('deny');
  expect((await gateway.decide({ amount: 50, currency: 'EUR' })).verdict).toBe('deny');
  expect((await stranger.decide(dollars(1))).verdict).toBe('deny');
}

test.each(TYPOS)('%s: Stalled, and decisions stay as they were', async (field, resource) => {
  const { kind, metadata } = resource;
  await nothingWidened();
  const sequence = await gateway.sequence();
  await replace(resource);
  await eventually(async () => {
    const found = await world.object(kind, metadata.name, SHOP);
    expect(found.status?.observedGeneration).toBe(found.metadata.generation);
    expect(kstatusOf(found)).toBe('Failed');
    expect(conditionsOf(found)).toMatchObject({ Ready: 'False UnknownField', Stalled: 'True UnknownField' });
    expect(messageOf(found)).toContain(field);
    expect(messageOf(found)).toMatch(/last good version/);
  }, 10_000);
  await sleep(300);
  await nothingWidened();
  expect(await gateway.sequence()).toBe(sequence);
  // what the operator looks at after a restart is the same
  await replace(
    kind === 'AgentPolicy' ? payments(() => undefined) : kind === 'AgentTool' ? tool(SHOP) : registration(SHOP),
  );
  await eventually(
    async () => expect(kstatusOf(await world.object(kind, metadata.name, SHOP))).toBe('Current'),
    10_000,
  );
});

test('made with a typo, it never was in force: nobody may do anything by it', async () => {
  const made = policy(SHOP, 'strangers', { agents: ['stranger'] });
  made.spec.rules = [{ ...RULE, condition: CAP }];
  const path = `${pathOf('AgentPolicy', '', SHOP).slice(0, -1)}?fieldValidation=Ignore`;
  expect((await world.server.raw('POST', path, made)).status).toBe(201);
  await eventually(async () => {
    const found = await world.object('AgentPolicy', 'strangers', SHOP);
    expect(kstatusOf(found)).toBe('Failed');
    expect(messageOf(found)).toContain('spec.rules[0].condition');
  }, 10_000);
  await nothingWidened();
  const row = world.server.kubectl(['get', 'agpol', 'strangers', '-n', SHOP, '--no-headers', '-o', 'wide']);
  expect(row).toMatch(/False +UnknownField .*spec\.rules\[0\]\.condition/);
});

test('a typo that is there when an operator starts: the last good version is the committed one', async () => {
  await replace(payments((spec) => (spec.rules = [{ ...RULE, condition: CAP }])));
  await eventually(async () => expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Failed'));
  await world.stopOperator();
  await replace(changed(registration(SHOP, 'buyer'), (spec) => (spec.suspend = true)));
  await world.startOperator();
  await eventually(async () => {
    for (const [kind, name] of [
      ['AgentPolicy', 'payments'],
      ['AgentRegistration', 'buyer'],
    ] as const) {
      const found = await world.object(kind, name, SHOP);
      expect(kstatusOf(found)).toBe('Failed');
      expect(messageOf(found)).toMatch(/last good version/);
    }
  }, 10_000);
  await nothingWidened();
  const late = await world.agentPod({ namespace: SHOP, agent: 'buyer', pod: 'late' });
  expect((await late.decide(dollars(100))).verdict).toBe('allow');
  expect((await late.decide(dollars(101))).verdict).toBe('deny');
}, 30_000);
