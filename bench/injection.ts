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
import { type BenchCluster, fillCluster, inParallel, openCluster, settled } from './support/cluster.ts';
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

/** ms per pod, tried one after the other and with and without in turn (dry runs: nothing is stored). */
async function admissions({ server }: BenchCluster, agents: readonly Registration[], pods: number) {
  const create = async (namespace: string, index: number): Promise<{ ms: number; injected: boolean }> => {
    const { selector, serviceAccountName } = (agents[index % agents.length] as Registration).spec.workload;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${index}`, namespace, labels: selector.matchLabels },
      spec: { serviceAccountName, automountServiceAccountToken: false, containers: [{ name: 'app', image: 'app:1' }] },
    };
    const start = performance.now();
    const { status, body } = await server.raw('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
    const ms = performance.now() - start;
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body).slice(0, 500)}`);
    return { ms, injected: JSON.stringify(body).includes('aegis-gateway') };
  };
  const without: number[] = [];
  const within: number[] = [];
  for (let i = 0; i < pods; i++) {
    const [plain, guarded] = [await create(PLAIN, i), await create(TENANT, i)];
    if (plain.injected || !guarded.injected) throw new Error('the wrong pods got a gateway');
    without.push(plain.ms);
    within.push(guarded.ms);
  }
  return { without, within };
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
    // both kinds of connections are open
    await admissions(cluster, items, 10);
    const busy = await admissions(cluster, items, PODS);
    await settled(operator);
    const calm = await admissions(cluster, items, PODS);
    const row = (name: string, times: number[]) => [name, median(times), quantile(times, 0.99)];
    table(
      ['pod creation, ms', 'p50', 'p99'],
      [
        row('without', calm.without),
        row('with /inject and /check', calm.within),
        row('without, while the operator reconciles all for the first time', busy.without),
        row('with them, meanwhile', busy.within),
      ],
    );
    // both webhooks, their connections, and what the API server does for them
    const added = ({ without, within }: typeof calm, share: number) => quantile(within, share) - median(without);
    return {
      pods: PODS,
      webhook_p50_ms: added(calm, 0.5),
      webhook_p99_ms: added(calm, 0.99),
      webhook_busy_p99_ms: added(busy, 0.99),
    };
  } finally {
    await cluster.close();
  }
}
