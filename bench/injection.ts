/** What the webhook for pods costs: on a real API server, in a tenant with 10,000 policies and 100 agents. */
import { performance } from 'node:perf_hooks';
import { NAMESPACE } from '../operator/model/resource-types.ts';
import { installPodWebhooks } from '../test/support/pod-webhooks.ts';
import { type BenchCluster, fillCluster, inParallel, openCluster } from './support/cluster.ts';
import type { Figures } from './support/report.ts';
import { median, quantile, table } from './support/statistics.ts';
import { TENANT } from './support/tenant.ts';

const SIZE = { policies: 10_000, agents: 100, tools: 20, actionsPerTool: 5 };
const PODS = 1_000;
/** Of an unlabelled namespace, for what the API server itself takes. */
const PLAIN = 'plain';

interface Registration {
  metadata: { name: string };
  spec: { workload: { selector: { matchLabels: Record<string, string> }; serviceAccountName: string } };
}

/** ms per pod, tried one after the other (dry runs: nothing is stored). */
async function admissions({ server }: BenchCluster, namespace: string, agents: readonly Registration[]) {
  const times: number[] = [];
  let injected = 0;
  for (let i = 0; i < PODS; i++) {
    const { selector, serviceAccountName } = (agents[i % agents.length] as Registration).spec.workload;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${i}`, namespace, labels: selector.matchLabels },
      spec: { serviceAccountName, automountServiceAccountToken: false, containers: [{ name: 'app', image: 'app:1' }] },
    };
    const start = performance.now();
    const { status, body } = await server.raw('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
    times.push(performance.now() - start);
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body).slice(0, 500)}`);
    if (JSON.stringify(body).includes('aegis-gateway')) injected++;
  }
  return { times, injected };
}

export async function injectionBench(): Promise<Figures> {
  const cluster = await openCluster();
  try {
    const { server, client } = cluster;
    await fillCluster(cluster, SIZE);
    await client.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: PLAIN } });
    const { items } = (await server.raw('GET', `/apis/aegis.dev/v1alpha1/namespaces/${TENANT}/agentregistrations`))
      .body as { items: Registration[] };
    const accounts = [...new Set(items.map(({ spec }) => spec.workload.serviceAccountName))];
    await inParallel(
      [TENANT, PLAIN].flatMap((namespace) => accounts.map((name) => ({ name, namespace }))),
      (metadata) => server.applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })),
    );
    const operator = await cluster.startOperator({ 'injection.image': 'aegis-gateway:1' });
    await installPodWebhooks(server, operator.webhook);
    await server.runKubectl(['label', 'namespace', TENANT, 'aegis.dev/inject=enabled']);
    await admissions(cluster, PLAIN, items.slice(0, 10));
    const without = await admissions(cluster, PLAIN, items);
    const within = await admissions(cluster, TENANT, items);
    if (within.injected !== PODS || without.injected !== 0) throw new Error(`${within.injected} pods got a gateway`);
    const added = quantile(within.times, 0.99) - median(without.times);
    table(
      ['pod creation, ms', 'p50', 'p99'],
      [
        ['without', median(without.times), quantile(without.times, 0.99)],
        ['with /inject and /check', median(within.times), quantile(within.times, 0.99)],
      ],
    );
    return {
      pods: PODS,
      webhook_p50_ms: median(within.times) - median(without.times),
      webhook_p99_ms: added,
    };
  } finally {
    await cluster.close();
  }
}
