/**
 * What injection costs: the webhook on a real API server, in a tenant with 10,000 policies and 100 agents; and the start of
 * pods on a real node.
 */
import { execFile } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RunningCluster } from '../e2e/cluster/running-cluster.ts';
import { buildImages } from '../e2e/images/images.ts';
import { NAMESPACE } from '../operator/model/resource-types.ts';
import { installPodWebhooks } from '../test/support/pod-webhooks.ts';
import { type BenchCluster, fillCluster, inParallel, openCluster } from './support/cluster.ts';
import type { Figures } from './support/report.ts';
import { median, quantile, table } from './support/statistics.ts';
import { TENANT } from './support/tenant.ts';

const SIZE = { policies: 10_000, agents: 100, tools: 20, actionsPerTool: 5 };
const PODS = 1_000;
const POD_START = fileURLToPath(new URL('../e2e/bench/pod-start.ts', import.meta.url));
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
  return { ...(await webhookFigures()), ...(await startFigures()) };
}

/** Pods of a real node, with a gateway and without, in turn. */
async function startFigures(): Promise<Figures> {
  const cluster = await RunningCluster.start(await buildImages());
  try {
    const words = [process.execPath, POD_START];
    const { stdout } = await promisify(execFile)(cluster.layout.enter, words, { maxBuffer: 1024 * 1024 });
    const { without, within } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number[]>;
    if (without === undefined || within === undefined) throw new Error('no figures of pods');
    const [plain, guarded] = [median(without), median(within)];
    table(
      ['pod start, ms', 'p50', 'longest'],
      [
        ['without', plain, Math.max(...without)],
        ['with gateway and guard', guarded, Math.max(...within)],
      ],
    );
    return { start_without_ms: plain, start_within_ms: guarded, start_added_ms: guarded - plain };
  } finally {
    await cluster.stop();
  }
}

async function webhookFigures(): Promise<Figures> {
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
