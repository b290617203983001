/**
 * The operator on a real API server with 10,000 policies in one tenant: from its start until every policy is reconciled
 * and says so, from one changed policy to the committed bundle, and what it costs while nothing happens.
 */
import type { KubeObject } from '../operator/kube/types.ts';
import { AGENT_POLICY, CONFIG_MAP } from '../operator/model/resource-types.ts';
import { OPERATOR_NAMESPACE } from '../test/support/operator-process.ts';
import { type BenchCluster, fillCluster, measureIdle, openCluster, settled } from './support/cluster.ts';
import { residentMegabytes } from './support/processes.ts';
import type { Figures } from './support/report.ts';
import { median, quantile, table } from './support/statistics.ts';
import { TENANT } from './support/tenant.ts';

const SIZE = { policies: 10_000, agents: 100, tools: 20, actionsPerTool: 5 };
const CHANGES = 100;
const IDLE_SECONDS = 60;

type Policy = KubeObject & {
  spec: { rules: { conditions: { maxAmount: number } }[] };
  status?: { observedGeneration?: number; conditions?: { type: string; status: string }[] };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function unready({ client }: BenchCluster): Promise<number> {
  const { items } = await client.list<Policy>(AGENT_POLICY, { namespace: TENANT });
  const isReady = ({ metadata, status }: Policy): boolean =>
    status?.observedGeneration === metadata.generation &&
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  return items.filter((policy) => !isReady(policy)).length;
}

/** Sequences as they are committed, and when (ms, monotonic). */
class Commits {
  readonly #at = new Map<number, number>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(cluster: BenchCluster) {
    this.#running = this.#follow(cluster);
  }

  latest(): number {
    return Math.max(0, ...this.#at.keys());
  }

  async after(sequence: number): Promise<number> {
    for (;;) {
      const at = this.#at.get(sequence + 1);
      if (at !== undefined) return at;
      await pause(1);
    }
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #follow({ client }: BenchCluster): Promise<void> {
    const selection = { namespace: OPERATOR_NAMESPACE, labelSelector: 'aegis.dev/component=bundle-head' };
    const { items, resourceVersion } = await client.list<KubeObject>(CONFIG_MAP, selection);
    for (const head of items) this.#take(head);
    const wanted = { ...selection, resourceVersion, timeoutSeconds: 3600 };
    try {
      for await (const event of client.watch<KubeObject>(CONFIG_MAP, wanted, this.#stop.signal)) {
        if (event.type !== 'BOOKMARK') this.#take(event.object);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  #take(head: KubeObject & { data?: Record<string, string> }): void {
    const manifest = JSON.parse(head.data?.['manifest.json'] ?? '{}') as {
      sequence?: number;
      tenant?: { name: string };
    };
    if (manifest.tenant?.name !== TENANT || manifest.sequence === undefined) return;
    if (!this.#at.has(manifest.sequence)) this.#at.set(manifest.sequence, performance.now());
  }
}

export async function operatorBench(): Promise<Figures> {
  const cluster = await openCluster();
  try {
    console.error('creating the tenant …');
    await fillCluster(cluster, SIZE);
    console.error('first reconcile …');
    const started = performance.now();
    const operator = await cluster.startOperator();
    await settled(operator);
    const firstSeconds = (performance.now() - started) / 1000;
    const left = await unready(cluster);
    if (left > 0) throw new Error(`${left} policies are not ready`);
    const loadedMb = residentMegabytes(operator.pid);

    console.error('one change after the other …');
    const commits = new Commits(cluster);
    await pause(500);
    const times: number[] = [];
    for (let change = 0; change < CHANGES; change++) {
      const name = `policy-${(change * 997) % SIZE.policies}`;
      const path = [{ op: 'replace' as const, path: '/spec/rules/0/conditions/maxAmount', value: 3000 + change }];
      const before = commits.latest();
      const at = performance.now();
      await cluster.client.jsonPatch(AGENT_POLICY, { namespace: TENANT, name }, path);
      times.push((await commits.after(before)) - at);
      await pause(250);
    }
    await commits.end();
    await settled(operator);
    const idle = await measureIdle(operator, IDLE_SECONDS);
    const p99 = quantile(times, 0.99);
    table(
      ['10,000 policies, 100 agents, one tenant', 'figure'],
      [
        ['start to every policy reconciled and its status written, s', firstSeconds],
        ['one change applied to bundle committed, median ms', median(times)],
        ['the same, p99 ms', p99],
        ['RSS after the first reconcile, MB', loadedMb],
        [`idle for ${IDLE_SECONDS} s: RSS, MB`, idle.rssMb],
        ['idle: percent of one processor', idle.cpuPercent],
        ['idle: requests to the API server per minute', idle.requestsPerMinute],
      ],
    );
    return {
      first_s: firstSeconds,
      change_p50_ms: median(times),
      change_p99_ms: p99,
      rss_mb: idle.rssMb,
      idle_cpu_percent: idle.cpuPercent,
      idle_requests_per_minute: idle.requestsPerMinute,
    };
  } finally {
    await cluster.close();
  }
}
