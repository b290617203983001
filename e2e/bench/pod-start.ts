/**
 * How much longer a pod takes to start with its gateway than without: run inside of a cluster (`bench/injection.ts` does).
 * Prints one line of JSON: ms from the creation of the pod until its program runs, of both kinds in turn.
 */
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster } from '../cluster/cluster.ts';
import { installAegis, published } from '../world/aegis.ts';
import { podSpec } from '../world/agent.ts';

const ROUNDS = 12;
const cluster = Cluster.attach();
const account = 'starter';

async function prepare(labels: Record<string, string>): Promise<string> {
  const namespace = await cluster.namespace('start', labels);
  const metadata = { name: account, namespace };
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  return namespace;
}

/** ms until the program of the pod runs, by the clock that both share. */
async function start(namespace: string, index: number): Promise<number> {
  const name = `pod-${index}`;
  const spec = podSpec({
    serviceAccountName: account,
    container: { command: ['sh', '-c', 'date +%s%3N; exec sleep infinity'] },
  });
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: { app: account } }, spec };
  const created = Date.now();
  await cluster.apply(pod);
  const text = await waitFor(
    async () => {
      const { code, stdout } = await cluster.run(['logs', '-n', namespace, name, '-c', 'agent']);
      return code === 0 && /^\d+$/.test(stdout.trim()) && stdout.trim();
    },
    60_000,
    `${name} does not start`,
  );
  await cluster.kubectl(['delete', '-n', namespace, `pod/${name}`, '--now', '--wait=true']);
  return Number(text) - created;
}

await installAegis(cluster);
const plain = await prepare({});
const guarded = await prepare({ 'aegis.dev/inject': 'enabled' });
await cluster.apply({
  apiVersion: 'aegis.dev/v1alpha1',
  kind: 'AgentRegistration',
  metadata: { name: account, namespace: guarded },
  spec: {
    owner: 'bench@example.com',
    workload: { selector: { matchLabels: { app: account } }, serviceAccountName: account },
    egressGuard: 'Enforce',
  },
});
await published(cluster, guarded, account);
const times: { without: number[]; within: number[] } = { without: [], within: [] };
for (let round = 0; round < ROUNDS; round++) {
  times.without.push(await start(plain, round));
  times.within.push(await start(guarded, round));
}
console.log(JSON.stringify(times));
