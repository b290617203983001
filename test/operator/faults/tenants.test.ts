/** Whose namespace is whose: no tenant publishes into another one, takes its name, or outlives its AgentTenant. */
import { eventually } from '../../apiserver/wait-for.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, registration, tenant, tool } from './samples-b.ts';
import { conditionsOf, messageOf, OPERATOR_NAMESPACE, World } from './world-b.ts';

let world: World;

async function current(kind: string, name: string, namespace?: string): Promise<void> {
  await eventually(async () => expect(kstatusOf(await world.object(kind, name, namespace))).toBe('Current'), 15_000);
}

/** What the AgentTenant says it owns. */
async function owned(name: string): Promise<unknown> {
  return (await world.object('AgentTenant', name)).status?.namespaces;
}

/** The columns of one resource as kubectl shows them. */
function row(kind: string, name: string, namespace?: string): string {
  const flags = ['get', kind, name, '--no-headers', ...(namespace === undefined ? [] : ['-n', namespace])];
  return world.server.kubectl(flags).trim().replaceAll(/ +/g, ' ');
}

const NAMESPACES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'one', 'two', 'lone', 'wiped'];

beforeAll(async () => {
  world = await World.open(NAMESPACES);
}, 60_000);

afterAll(async () => {
  await world?.close();
});

test('two AgentTenants list one namespace: the older keeps it, the other is told, and only of that one', async () => {
  await world.apply(tenant('older', ['alpha', 'beta']));
  await current('AgentTenant', 'older');
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // creation times have whole seconds
  await world.apply(tenant('newer', ['beta', 'gamma']));
  await eventually(async () => {
    const newer = await world.object('AgentTenant', 'newer');
    expect(kstatusOf(newer)).toBe('Failed');
    expect(conditionsOf(newer)).toMatchObject({ Accepted: 'False Conflict' });
    expect(messageOf(newer)).toContain('"beta" already belongs to tenant "older"');
  }, 15_000);
  expect(row('agten', 'newer')).toMatch(/False Conflict/);
  expect(await owned('older')).toBe('alpha, beta');
  expect(await owned('newer')).toBe('gamma');
  await world.apply(tool('beta'), registration('beta'), policy('beta', 'payments'));
  await current('AgentPolicy', 'payments', 'beta');
  expect((await world.object('AgentRegistration', 'buyer', 'beta')).status?.tenant).toBe('older');
  // the older one lets go: the other gets it without an edit
  await world.apply(tenant('older', ['alpha']));
  await eventually(async () => {
    expect(kstatusOf(await world.object('AgentTenant', 'newer'))).toBe('Current');
    expect(await owned('newer')).toBe('beta, gamma');
    expect((await world.object('AgentRegistration', 'buyer', 'beta')).status?.tenant).toBe('newer');
  }, 15_000);
});

test('a namespace with the name of an AgentTenant that does not list it is nobody: nothing of it is published', async () => {
  await world.apply(tenant('gold', ['delta']));
  await world.apply(tool('delta'), registration('delta'), policy('delta', 'payments', { cap: 70 }));
  const gateway = await world.agentPod({ namespace: 'delta', agent: 'buyer', tenant: 'gold' });
  expect((await gateway.decide(dollars(70))).verdict).toBe('allow');
  const sequence = await gateway.sequence();
  world.server.kubectl(['create', 'namespace', 'gold']);
  await world.apply(tool('gold'), registration('gold'), policy('gold', 'payments', { cap: 9_999 }));
  const waiting = await world.agentPod({ namespace: 'gold', agent: 'buyer', tenant: 'gold', until: 'live' });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await waiting.sequence()).toBeUndefined();
  expect((await waiting.decide(dollars(1))).verdict).not.toBe('allow');
  expect(await gateway.sequence()).toBe(sequence);
  expect((await gateway.decide(dollars(71))).verdict).toBe('deny');
  // listed, it is the tenant's
  await world.apply(tenant('gold', ['delta', 'gold']));
  await eventually(async () => {
    // two registrations of one agent id in two namespaces of one tenant: the older keeps it
    const second = await world.object('AgentRegistration', 'buyer', 'gold');
    expect(conditionsOf(second)).toMatchObject({ Accepted: 'False Conflict', Stalled: 'True Conflict' });
  }, 15_000);
  expect(row('agreg', 'buyer', 'gold')).toMatch(/False Conflict/);
  expect(await waiting.sequence()).toBeUndefined();
  expect(kstatusOf(await world.object('AgentRegistration', 'buyer', 'delta'))).toBe('Current');
}, 60_000);

test.each([
  ['of another name than its namespace', 'epic', 'epsilon'],
  ['of the name of its namespace', 'zeta', 'zeta'],
])(
  'an AgentTenant %s is deleted: its gateways are refused everything; made again, it is another tenant',
  async (_, name, namespace) => {
    await world.apply(tenant(name, [namespace]), tool(namespace), registration(namespace));
    await world.apply(policy(namespace, 'payments', { cap: 80 }));
    await current('AgentPolicy', 'payments', namespace);
    const gateway = await world.agentPod({ namespace, agent: 'buyer', tenant: name });
    expect((await gateway.decide(dollars(80))).verdict).toBe('allow');
    await world.remove('AgentTenant', name);
    await eventually(async () => expect((await gateway.decide(dollars(80))).verdict).toBe('deny'), 15_000);
    // the namespace is a tenant of its own now, and says so
    await eventually(async () => {
      expect((await world.object('AgentRegistration', 'buyer', namespace)).status?.tenant).toBe(namespace);
    }, 15_000);
    await world.apply(tenant(name, [namespace]));
    await current('AgentTenant', name);
    // its uid is another one: what the old gateway is pinned to never comes back
    const next = await world.agentPod({ namespace, agent: 'buyer', pod: 'buyer-2', tenant: name });
    expect((await next.decide(dollars(80))).verdict).toBe('allow');
    expect((await gateway.decide(dollars(80))).verdict).toBe('deny');
  },
  60_000,
);

test('policies and tools of the platform bind every tenant; they cannot permit, and a tenant cannot take their names', async () => {
  await world.apply(tool('one'), registration('one'), policy('one', 'payments', { cap: 500 }));
  const gateway = await world.agentPod({ namespace: 'one', agent: 'buyer' });
  await eventually(async () => expect((await gateway.decide(dollars(400))).verdict).toBe('allow'), 15_000);
  const restrict = policy(OPERATOR_NAMESPACE, 'ceiling', { cap: 300 });
  restrict.spec.scope = { tenantWide: true };
  const [rule] = restrict.spec.rules as object[];
  restrict.spec.rules = [{ ...rule, type: 'Restrict' }];
  await world.apply(restrict);
  await eventually(async () => {
    expect((await gateway.decide(dollars(301))).verdict).toBe('deny');
    expect((await gateway.decide(dollars(300))).verdict).toBe('allow');
  }, 15_000);
  const permit = policy(OPERATOR_NAMESPACE, 'permit', { cap: 9_999 });
  await world.apply(permit);
  await eventually(async () => {
    const found = await world.object('AgentPolicy', 'permit', OPERATOR_NAMESPACE);
    expect(kstatusOf(found)).toBe('Failed');
    expect(row('agpol', 'permit', OPERATOR_NAMESPACE)).toMatch(/False InvalidRule/);
  }, 15_000);
  expect((await gateway.decide(dollars(301))).verdict).toBe('deny');
  // a tool of the catalogue
  await world.apply(tool(OPERATOR_NAMESPACE, 'shared'), tool('one', 'mine', { toolId: 'shared' }));
  await current('AgentTool', 'shared', OPERATOR_NAMESPACE);
  await eventually(async () => {
    expect(row('agtool', 'mine', 'one')).toMatch(/False Conflict/);
  }, 15_000);
  await world.remove('AgentPolicy', 'ceiling', OPERATOR_NAMESPACE);
  await world.remove('AgentPolicy', 'permit', OPERATOR_NAMESPACE);
  await eventually(async () => expect((await gateway.decide(dollars(400))).verdict).toBe('allow'), 15_000);
}, 60_000);

test('references come in any order of a sync: Reconciling until they are there, then Ready without an edit', async () => {
  await world.apply(policy('two', 'payments'));
  await eventually(async () => {
    const waiting = await world.object('AgentPolicy', 'payments', 'two');
    expect(kstatusOf(waiting)).toBe('InProgress');
    expect(conditionsOf(waiting)).toMatchObject({ Reconciling: 'True Progressing' });
    expect(conditionsOf(waiting)).not.toHaveProperty('Stalled');
    expect(row('agpol', 'payments', 'two')).toMatch(/False Unknown(Tool|Agent)/);
  }, 15_000);
  await world.apply(registration('two'));
  await eventually(async () => {
    expect(kstatusOf(await world.object('AgentRegistration', 'buyer', 'two'))).toBe('InProgress');
    expect(kstatusOf(await world.object('AgentPolicy', 'payments', 'two'))).toBe('InProgress');
    expect(row('agreg', 'buyer', 'two')).toMatch(/False UnknownTool/);
  }, 15_000);
  await world.apply(tool('two'));
  await current('AgentPolicy', 'payments', 'two');
  await current('AgentRegistration', 'buyer', 'two');
  await current('AgentTool', 'stripe-payments', 'two');
  expect((await world.object('AgentPolicy', 'payments', 'two')).metadata.generation).toBe(1);
  expect(row('agpol', 'payments', 'two')).toMatch(/Enforce True Completed 0\/0/);
  expect(row('agreg', 'buyer', 'two')).toMatch(/True NoMatchingPods/);
  expect(row('agtool', 'stripe-payments', 'two')).toMatch(/True Published/);
  // and the other way round, in another namespace
  await world.apply(registration('lone'));
  await world.apply(policy('lone', 'payments'));
  await eventually(async () => expect(row('agpol', 'payments', 'lone')).toMatch(/False UnknownTool/), 15_000);
  await world.apply(tool('lone'));
  await current('AgentPolicy', 'payments', 'lone');
}, 60_000);

test('everything of a namespace is deleted: its gateway is refused everything, others do not notice', async () => {
  await world.apply(tool('wiped'), registration('wiped'), policy('wiped', 'payments', { cap: 60 }));
  const gateway = await world.agentPod({ namespace: 'wiped', agent: 'buyer' });
  await eventually(async () => expect((await gateway.decide(dollars(60))).verdict).toBe('allow'), 15_000);
  const other = (await world.head('lone'))?.data;
  world.server.kubectl(['delete', 'agpol,agreg,agtool', '--all', '-n', 'wiped', '--wait=false']);
  await eventually(async () => expect((await gateway.decide(dollars(60))).verdict).toBe('deny'), 15_000);
  expect((await world.head('lone'))?.data).toEqual(other);
  // back again: it goes on above, with the same gateway
  await world.apply(tool('wiped'), registration('wiped'), policy('wiped', 'payments', { cap: 61 }));
  await eventually(async () => expect((await gateway.decide(dollars(61))).verdict).toBe('allow'), 15_000);
}, 60_000);
