/**
 * From one policy applied to the API server until 500 gateways have acknowledged the bundle with it, on one operator
 * process: real pods' tokens, real TLS, real long polls; the gateways are simulated in a process of their own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { KubeObject } from '../operator/kube/types.ts';
import { AGENT_POLICY, CONFIG_MAP, NAMESPACE } from '../operator/model/resource-types.ts';
import { OPERATOR_NAMESPACE } from '../test/support/operator-process.ts';
import { type BenchCluster, fillCluster, inParallel, openCluster } from './support/cluster.ts';
import { cpuSeconds, residentMegabytes } from './support/processes.ts';
import type { Figures } from './support/report.ts';
import type { SimulatedGateway } from './support/simulated-gateways.ts';
import { median, quantile, table } from './support/statistics.ts';
import { TENANT } from './support/tenant.ts';

const SIZE = { policies: 1000, agents: 100, tools: 20, actionsPerTool: 5 };
const PODS_PER_AGENT = 5;
const CHANGES = 50;
const GATEWAYS = SIZE.agents * PODS_PER_AGENT;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Pods with their tokens, as a kubelet would have made them. */
async function makeGateways({ server, client }: BenchCluster): Promise<SimulatedGateway[]> {
  const namespace = await client.get<KubeObject>(NAMESPACE, { name: TENANT });
  const gateways: SimulatedGateway[] = [];
  const agents = Array.from({ length: SIZE.agents }, (_, index) => `agent-${index}`);
  for (const agent of agents)
    await server.serviceAccountToken({ namespace: TENANT, name: agent, audience: 'aegis.dev' });
  const names = agents.flatMap((agent) =>
    Array.from({ length: PODS_PER_AGENT }, (_, i) => [agent, `${agent}-${i}`] as const),
  );
  await inParallel(names, async ([agent, name]) => {
    const made = await server.createPod({
      namespace: TENANT,
      name,
      labels: { app: agent },
      serviceAccountName: agent,
    });
    const pod = { name, uid: made.metadata.uid };
    const token = await server.serviceAccountToken({ namespace: TENANT, name: agent, audience: 'aegis.dev', pod });
    gateways.push({ tenant: TENANT, tenantUid: namespace?.metadata.uid ?? '', agent, token, instance: pod.uid });
  });
  return gateways;
}

/** Counts acknowledgements, and knows when the last of a sequence came. */
class Acknowledgements {
  readonly #counts = new Map<number, number>();
  readonly #complete = new Map<number, number>();

  take(line: string): void {
    const { sequence, at } = JSON.parse(line) as { sequence: number; at: number };
    const count = (this.#counts.get(sequence) ?? 0) + 1;
    this.#counts.set(sequence, count);
    if (count === GATEWAYS) this.#complete.set(sequence, at);
  }

  latest(): number {
    return Math.max(0, ...this.#complete.keys());
  }

  /** ms since the epoch when all had acknowledged a sequence after this one. */
  async after(sequence: number): Promise<number> {
    for (let waited = 0; waited < 60_000; waited += 2) {
      const at = this.#complete.get(sequence + 1);
      if (at !== undefined) return at;
      await pause(2);
    }
    const counts = [...this.#counts].map(([known, count]) => `${known}: ${count}`).join(', ');
    throw new Error(`not all gateways acknowledge what comes after ${sequence} (${counts})`);
  }
}

export async function propagationBench(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  const cluster = await openCluster();
  const children: { kill(signal: 'SIGKILL'): boolean }[] = [];
  try {
    console.error('creating the tenant and its pods …');
    await fillCluster(cluster, SIZE);
    const gateways = await makeGateways(cluster);
    const operator = await cluster.startOperator();
    const trust = { namespace: OPERATOR_NAMESPACE, name: 'aegis-trusted-keys' };
    let ca: string | undefined;
    while (ca === undefined) {
      await pause(100);
      ca = (await cluster.client.get<KubeObject & { data: Record<string, string> }>(CONFIG_MAP, trust))?.data['ca.crt'];
    }
    writeFileSync(join(folder, 'ca.crt'), ca);
    writeFileSync(join(folder, 'gateways.json'), JSON.stringify(gateways), { mode: 0o600 });
    const script = fileURLToPath(new URL('support/simulated-gateways.ts', import.meta.url));
    const base = `https://127.0.0.1:${operator.bundles}/v1`;
    const plan = { base, caFile: join(folder, 'ca.crt'), file: join(folder, 'gateways.json') };
    const child = spawn(process.execPath, [script, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const acknowledgements = new Acknowledgements();
    createInterface({ input: child.stdout }).on('line', (line) => acknowledgements.take(line));
    console.error('waiting for all gateways …');
    while (acknowledgements.latest() === 0) await pause(100);
    // connections are there and statuses are written: from here on only changes count
    await pause(15_000);

    console.error('one change after the other …');
    const times: number[] = [];
    const before = cpuSeconds(operator.pid);
    for (let change = 0; change < CHANGES; change++) {
      const sequence = acknowledgements.latest();
      const at = Date.now();
      const name = `policy-${(change * 97) % SIZE.policies}`;
      await cluster.client.jsonPatch(AGENT_POLICY, { namespace: TENANT, name }, [
        { op: 'replace', path: '/spec/rules/0/conditions/maxAmount', value: 3000 + change },
      ]);
      times.push((await acknowledgements.after(sequence)) - at);
      await pause(300);
    }
    const cpu = cpuSeconds(operator.pid) - before;
    const p99 = quantile(times, 0.99);
    table(
      [`${GATEWAYS} gateways of ${SIZE.agents} agents, ${SIZE.policies} policies`, 'figure'],
      [
        ['applied to acknowledged by all, median ms', median(times)],
        ['the same, p99 ms', p99],
        ['CPU of the operator per change, ms', (cpu / CHANGES) * 1000],
        ['RSS of the operator, MB', residentMegabytes(operator.pid)],
      ],
    );
    return {
      gateways: GATEWAYS,
      p50_ms: median(times),
      p99_ms: p99,
      cpu_ms_per_change: (cpu / CHANGES) * 1000,
      rss_mb: residentMegabytes(operator.pid),
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
