/** A frozen or stuck tenant: nothing new comes into force, and whoever is to be stopped is stopped all the same. */
import type { ConfigMap } from '../../operator/bundles/trusted-keys.ts';
import { CONFIG_MAP } from '../../operator/model/resource-types.ts';
import type { Freeze } from '../../policy/bundle/manifest.ts';
import { Cluster, Leading } from './operator-world.ts';

const AGENT = 'AgentRegistration fintech/finance-agent';

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

/** What gateways get. */
interface Slice {
  suspended: boolean;
  tools: Record<string, unknown>;
}

async function sliceOf(one: Leading, agent = 'finance-agent'): Promise<Slice | undefined> {
  const bytes = (await one.files()).get(`aegis/agents/${agent}/data.json`)?.bytes;
  return bytes && (JSON.parse(Buffer.from(bytes).toString()) as Slice);
}

const frozen = (freeze: Freeze | undefined): boolean => freeze !== undefined && freeze.mode !== 'None';

async function frozenWorld(): Promise<{ cluster: Cluster; one: Leading; sequence: number }> {
  const cluster = new Cluster();
  cluster.sample();
  const one = await lead(cluster);
  await one.until(() => one.committed(), 'nothing is committed');
  cluster.edit('AgentTenant', 'fintech', (spec) => Object.assign(spec, { freeze: { reason: 'audit' } }));
  await one.until(() => frozen(one.committed()?.manifest.freeze), 'it is not frozen');
  return { cluster, one, sequence: one.committed()?.manifest.sequence as number };
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

function raiseCap(cluster: Cluster): void {
  cluster.edit('AgentPolicy', 'fintech/finance-payments', (spec: { rules: { conditions: object }[] }) => {
    (spec.rules[0] as { conditions: object }).conditions = { maxAmount: 999_999, currency: 'USD' };
  });
}

test('frozen: a new grant waits, a suspension comes through and brings nothing else along', async () => {
  const { cluster, one, sequence } = await frozenWorld();
  raiseCap(cluster);
  await quiet();
  expect(one.committed()?.manifest.sequence).toBe(sequence);

  cluster.edit('AgentRegistration', 'fintech/planner-agent', (spec) => Object.assign(spec, { suspended: true }));
  await one.until(() => one.committed()?.manifest.sequence === sequence + 1, 'the suspension does not come through');
  expect(one.committed()?.manifest.freeze).toMatchObject({ exception: 'Suspension', reason: 'audit' });
  expect(await sliceOf(one, 'planner-agent')).toMatchObject({ suspended: true });
  expect(await sliceOf(one)).toMatchObject({ suspended: false });
  expect(JSON.stringify(await sliceOf(one))).not.toContain('999999');

  // taken back while it is frozen: a grant like any other; so is what a restart finds
  cluster.edit('AgentRegistration', 'fintech/planner-agent', (spec) => Object.assign(spec, { suspended: false }));
  await quiet();
  const two = await lead(cluster);
  await two.until(() => two.committed(), 'nothing is committed');
  await quiet();
  expect(two.committed()?.manifest.sequence).toBe(sequence + 1);
  expect(await sliceOf(two, 'planner-agent')).toMatchObject({ suspended: true });

  // whoever has missed the head with the exception gets its renewals
  two.controller.renewAll();
  const { issuedAt } = two.committed()?.manifest ?? {};
  await two.until(() => two.committed()?.manifest.issuedAt !== issuedAt, 'it is not renewed');
  expect(two.committed()?.manifest.freeze).toMatchObject({ exception: 'Suspension' });

  // over: everything at once, in a head that is not frozen any more
  cluster.edit('AgentTenant', 'fintech', (spec: { freeze?: unknown }) => {
    delete spec.freeze;
  });
  await two.until(() => two.committed()?.manifest.sequence === sequence + 2, 'it does not thaw');
  expect(two.committed()?.manifest.freeze).toEqual({ mode: 'None' });
  expect(JSON.stringify(await sliceOf(two))).toContain('999999');
  expect(await sliceOf(two, 'planner-agent')).toMatchObject({ suspended: false });
  expect(two.committed()?.entries.get('AgentRegistration fintech/planner-agent')?.accepted).toMatchObject({
    spec: { suspended: false },
  });
});

test('frozen: a deleted registration is refused, a deleted policy stays', async () => {
  const { cluster, one, sequence } = await frozenWorld();
  cluster.stores.AgentPolicy.set('fintech/finance-payments', undefined);
  await quiet();
  expect(one.committed()?.manifest.sequence).toBe(sequence);
  cluster.stores.AgentRegistration.set('fintech/planner-agent', undefined);
  await one.until(() => one.committed()?.manifest.sequence === sequence + 1, 'it does not come through');
  expect(await sliceOf(one, 'planner-agent')).toMatchObject({ suspended: true, tools: {} });
  expect(JSON.stringify(await sliceOf(one))).toContain('cap-payments');
  expect(one.committed()?.entries.get(AGENT)?.tombstone).toBeUndefined();
});

test('a typo in the AgentTenant ends no freeze, not even for the next leader', async () => {
  const { cluster, one, sequence } = await frozenWorld();
  cluster.edit('AgentTenant', 'fintech', (spec: { freeze?: unknown; freez?: unknown }) => {
    spec.freez = spec.freeze;
    delete spec.freeze;
  });
  raiseCap(cluster);
  await quiet();
  expect(frozen(one.committed()?.manifest.freeze)).toBe(true);
  const two = await lead(cluster);
  await two.until(() => two.committed(), 'nothing is committed');
  await quiet();
  expect(frozen(two.committed()?.manifest.freeze)).toBe(true);
  expect(two.committed()?.manifest.sequence).toBe(sequence);
});

test('a freeze with an end thaws by itself, and what waited is published in a head that is not frozen', async () => {
  const { cluster, one, sequence } = await frozenWorld();
  raiseCap(cluster);
  const until = new Date(Date.now() + 400).toISOString();
  cluster.edit('AgentTenant', 'fintech', (spec) => Object.assign(spec, { freeze: { reason: 'audit', until } }));
  await one.until(() => one.committed()?.manifest.sequence === sequence + 1, 'it does not thaw');
  expect(one.committed()?.manifest.freeze).toEqual({ mode: 'None' });
});

async function damaged(cluster: Cluster): Promise<Leading> {
  await leading?.stop();
  leading = undefined;
  const all = cluster.kube.all<ConfigMap>(CONFIG_MAP);
  const head = all.find(({ metadata }) => metadata.name.startsWith('aegis-head.')) as ConfigMap;
  await cluster.kube.replace(CONFIG_MAP, { ...head, data: { ...head.data, 'index.json': '{}' } } as ConfigMap);
  return lead(cluster);
}

test('frozen and damaged: what is published anew is what is known to have been in force', async () => {
  const cluster = new Cluster();
  cluster.sample();
  const one = await lead(cluster);
  await one.until(() => one.committed(), 'nothing is committed');
  cluster.edit('AgentRegistration', 'fintech/planner-agent', (spec) => Object.assign(spec, { owner: 'x@example.com' }));
  await one.until(() => one.committed()?.manifest.sequence === 2, 'no second sequence');
  cluster.edit('AgentTenant', 'fintech', (spec) => Object.assign(spec, { freeze: { reason: 'audit' } }));
  await one.until(() => frozen(one.committed()?.manifest.freeze), 'it is not frozen');
  raiseCap(cluster);
  const two = await damaged(cluster);
  await two.until(() => two.committed()?.manifest.sequence === 3, 'it is not published anew');
  expect(frozen(two.committed()?.manifest.freeze)).toBe(true);
  expect(JSON.stringify(await sliceOf(two))).not.toContain('999999');
});

test('frozen, damaged and nothing known: nothing is published until it thaws', async () => {
  const { cluster } = await frozenWorld();
  raiseCap(cluster);
  const two = await damaged(cluster);
  await two.until(() => two.records.length > 0, 'no pass');
  await quiet();
  expect(two.committed()).toBeUndefined();
  cluster.edit('AgentTenant', 'fintech', (spec: { freeze?: unknown }) => {
    delete spec.freeze;
  });
  await two.until(() => two.committed(), 'it does not thaw');
});
