/** Who may write Aegis kinds in one namespace tries to be another agent, or to hurt others by what is written. */
import { Documents } from '../../operator/controllers/documents.ts';
import { Intake } from '../../operator/controllers/intake.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { EvidenceTable } from '../../operator/serving/evidence-table.ts';
import type { Resource } from '../../policy/resources/resource.ts';
import type { AgentTool } from '../../policy/resources/types.generated.ts';
import { systemClock } from '../../runtime/time/clock.ts';
import { HandStore, sampleObjects, textOf, World } from '../operator/planning/world.ts';
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

function registration(name: string, app: string, agentId?: string): Resource {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name, namespace: 'fintech' },
    spec: {
      owner: 'x@example.com',
      ...(agentId !== undefined && { agentId }),
      workload: { selector: { matchLabels: { app } }, serviceAccountName: app },
      tools: [],
    },
  } as unknown as Resource;
}

describe('one agent id, two registrations in one namespace', () => {
  test('the younger one has no slice', async () => {
    const cluster = new Cluster();
    cluster.sample();
    cluster.apply(registration('thief', 'thief', 'finance-agent'));
    const { directory } = await lead(cluster);
    expect(directory.registration('fintech/finance-agent')).toMatchObject({ agentId: 'finance-agent' });
    expect(directory.registration('fintech/thief')).toBeUndefined();
  });

  test('of two of the same second one and the same has it, in whichever order they were read', async () => {
    const taken = async (names: readonly string[]): Promise<string[]> => {
      const cluster = new Cluster();
      cluster.namespace('fintech');
      const creationTimestamp = '2026-11-22T08:00:00Z';
      for (const name of names) cluster.apply(registration(name, name, 'shared'), { creationTimestamp });
      const one = await lead(cluster);
      await one.until(() => one.committed(), 'nothing is committed');
      const { results } = one.records.at(-1)?.outcome.plan ?? {};
      const planned = names.filter(
        (name) => results?.get(`AgentRegistration fintech/${name}`)?.takesPart === 'current',
      );
      const served = names.filter((name) => one.directory.registration(`fintech/${name}`) !== undefined);
      expect(served).toEqual(planned);
      return served;
    };
    expect(await taken(['a', 'b'])).toEqual(['a']);
    expect(await taken(['b', 'a'])).toEqual(['a']);
  });
});

test('calls of an agent that a policy does not name are no evidence for it', () => {
  const table = new EvidenceTable({ clock: systemClock });
  const world = new World();
  for (const object of sampleObjects('fintech')) world.apply(object);
  world.pass();
  const gates = [
    { to: 'Partial', minDuration: '1s', minDecisions: 10, minAgents: 1 },
    { to: 'Enforce', minDuration: '1s', minDecisions: 10, minAgents: 1 },
  ];
  world.edit(
    'AgentPolicy',
    'fintech/finance-payments',
    (spec: { rules: { conditions: object }[]; rollout: object }) => {
      (spec.rules[0] as { conditions: object }).conditions = { maxAmount: 900_000, currency: 'USD' };
      spec.rollout = { gates };
    },
  );
  const tenant = { name: 'fintech', uid: 'uid' };
  world.now = Date.now();
  world.evidence = (question) => table.evidence(tenant, question);
  const stage = () => world.pass().results.get('AgentPolicy fintech/finance-payments')?.plan?.state;
  const revision = stage()?.revision ?? '';
  const tell = (agentId: string): void => {
    const by = {
      tenant,
      agentId,
      namespace: 'fintech',
      podName: agentId,
      podUid: agentId,
      registration: `fintech/${agentId}`,
    };
    const zero = { wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 };
    const candidates = [{ policy: 'fintech/finance-payments', revision, calls: 5000, ...zero }];
    const since = new Date(world.now).toISOString();
    table.record(by, {
      version: 1,
      instance: agentId,
      boot: 'boot-0001',
      since,
      candidates,
      violations: [],
      overflow: 0,
    });
  };
  tell('planner-agent');
  world.now += 60_000;
  expect(stage()?.stage).toBe('Shadow');
  tell('finance-agent');
  world.now += 60_000;
  expect(stage()?.stage).toBe('Partial');
});

test('a version that not even the checks can bear is invalid, not absent: the last good one goes on', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 20_000; level++) deep = [deep];
  const world = new World();
  for (const object of sampleObjects('fintech')) world.apply(object);
  world.pass();
  const good = textOf(world.plan().compiled.agents.get('finance-agent')?.bytes);
  const store = world.stores.AgentPolicy;
  const policy = store.get('fintech/finance-payments') as KubeObject & { spec: object };
  const metadata = { ...policy.metadata, generation: 2 };
  store.set('fintech/finance-payments', { ...policy, metadata, spec: { ...policy.spec, deep } } as KubeObject);
  // a process that starts now reads nothing but this version
  const intake = new Intake(world.stores);
  expect(intake.get('AgentPolicy fintech/finance-payments')).toMatchObject({ valid: false });
  world.restart();
  const plan = world.plan();
  expect(plan.results.get('AgentPolicy fintech/finance-payments')).toMatchObject({ takesPart: 'lastGood' });
  expect(textOf(plan.compiled.agents.get('finance-agent')?.bytes)).toBe(good);
});

describe('OpenAPI documents that tools name', () => {
  const tool = (name: string, document: string): Resource =>
    ({
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentTool',
      metadata: { name, namespace: 'ehr' },
      spec: {
        protocol: 'HTTP',
        upstream: { url: 'https://example.com' },
        openapi: { configMapRef: { name: document } },
        actions: [{ name: 'get', effect: 'read', match: { operationId: 'get' } }],
      },
    }) as unknown as Resource;

  test('one that cannot be read holds up its own tenant for a while, and no other', async () => {
    const cluster = new Cluster();
    cluster.follow = () => {
      const store = new HandStore();
      store.synced = false;
      return { store, stop: () => undefined };
    };
    cluster.sample();
    cluster.sample('ehr');
    cluster.apply(tool('slow', 'nowhere'));
    const one = await lead(cluster);
    await one.until(() => one.committed('fintech'), 'another tenant waits as well');
    expect(one.directory.ready).toBe(true);
    expect(one.committed('ehr')).toBeUndefined();
    await one.until(() => one.committed('ehr'), 'it waits without end', 10_000);
  }, 20_000);

  test('thousands of names are no thousands of connections; the next takes the place of one that is given up', () => {
    const open = new Set<string>();
    const documents = new Documents((namespace, name) => {
      const key = `${namespace}/${name}`;
      open.add(key);
      return { store: new HandStore(), stop: () => open.delete(key) };
    });
    for (let i = 0; i < 5000; i++) documents.update(`AgentTool ehr/t${i}`, tool(`t${i}`, `d${i}`) as AgentTool);
    expect(open.size).toBe(64);
    documents.update('AgentTool other/t', {
      ...tool('t', 'd'),
      metadata: { name: 't', namespace: 'other' },
    } as AgentTool);
    expect(open).toContain('other/d');
    documents.update('AgentTool ehr/t3', undefined);
    expect(open).toContain('ehr/d64');
    expect(open.size).toBe(65);
    for (let i = 0; i < 5000; i++) documents.update(`AgentTool ehr/t${i}`, undefined);
    expect([...open]).toEqual(['other/d']);
  });
});
