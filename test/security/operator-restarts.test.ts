/** A new leader knows of what is in force only what was committed: nothing that stands there by now may widen it. */
import { Cluster, Leading } from './operator-world.ts';

const AGENT = 'AgentRegistration fintech/finance-agent';
const POLICY = 'AgentPolicy fintech/finance-payments';

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

test('an AgentTenant that is invalid when a leader starts: its tenant goes on as it was committed', async () => {
  const cluster = new Cluster();
  cluster.sample();
  const first = await lead(cluster);
  const before = await first.until(() => first.committed(), 'nothing is committed');
  expect(before.entries.get(POLICY)?.rollout?.stage).toBe('Enforce');

  cluster.edit('AgentTenant', 'fintech', (spec) => Object.assign(spec, { namespacess: ['other'] }));
  const second = await lead(cluster);
  const after = await second.until(() => second.committed(), 'it is not taken over');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(second.tenants.tenancy.scopes.get('fintech')?.identity).toEqual(before.identity);
  expect(second.committed()?.manifest.sequence).toBe(before.manifest.sequence);
  expect(after.entries.get(AGENT)?.tombstone).toBeUndefined();
  expect(after.entries.get(POLICY)?.rollout?.stage).toBe('Enforce');
  // and nobody else was taken for the owner of its namespaces in between
  expect(second.records.map(({ scope }) => scope.identity.uid)).not.toContain('ns-fintech');
});
