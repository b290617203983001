/** A real API server with a tenant in it, and the operator beside it, for benchmarks. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createKubeClient } from '../../operator/kube/client.ts';
import type { KubeClient, KubeObject } from '../../operator/kube/types.ts';
import { AGENT_POLICY, AGENT_REGISTRATION, AGENT_TOOL, NAMESPACE } from '../../operator/model/resource-types.ts';
import { ApiServer } from '../../test/apiserver/api-server.ts';
import { installOperator, type OperatorProcess, startOperator } from '../../test/support/operator-process.ts';
import { cpuSeconds, residentMegabytes } from './processes.ts';
import { TENANT, type TenantSize, tenantResources } from './tenant.ts';

const PARALLEL = 12;
const PROGRAM = fileURLToPath(new URL('../../dist/operator.mjs', import.meta.url));
const TYPES = { AgentPolicy: AGENT_POLICY, AgentRegistration: AGENT_REGISTRATION, AgentTool: AGENT_TOOL };

export interface BenchCluster {
  server: ApiServer;
  client: KubeClient;
  /** `dist/operator.mjs`, as it ships. */
  startOperator(settings?: Record<string, string>): Promise<OperatorProcess>;
  close(): Promise<void>;
}

export async function openCluster(): Promise<BenchCluster> {
  const server = await ApiServer.start();
  const client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'bench' });
  const operators: OperatorProcess[] = [];
  await installOperator(server);
  return {
    server,
    client,
    async startOperator(settings = {}) {
      const operator = await startOperator(server, {
        settings,
        command: [
          process.execPath,
          existsSync(PROGRAM) ? PROGRAM : fileURLToPath(new URL('../../operator/main.ts', import.meta.url)),
        ],
      });
      operators.push(operator);
      return operator;
    },
    async close() {
      for (const operator of operators) await operator.kill();
      await client.close();
      await server.stop();
    },
  };
}

/** Runs `work` over all items, a dozen at a time. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Creates the whole tenant; its policies go straight to enforce. */
export async function fillCluster({ client }: BenchCluster, size: TenantSize): Promise<void> {
  await client.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: TENANT } });
  const objects = tenantResources(size).map(({ object }) => object as KubeObject & { spec: Record<string, unknown> });
  await inParallel(objects, (object) => {
    if (object.kind === 'AgentPolicy') object.spec.rollout = { profile: 'immediate' };
    return client.create(TYPES[object.kind as keyof typeof TYPES], object);
  });
}

/** Sum of all series of a metric. */
export function metric(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

export interface Idle {
  seconds: number;
  /** Percent of one processor. */
  cpuPercent: number;
  rssMb: number;
  requestsPerMinute: number;
}

/** What the operator costs while nothing happens. */
export async function measureIdle(operator: OperatorProcess, seconds: number): Promise<Idle> {
  const requests = async (): Promise<number> => metric(await operator.metrics(), 'aegis_operator_api_requests_total');
  const [cpu, before] = [cpuSeconds(operator.pid), await requests()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return {
    seconds,
    cpuPercent: ((cpuSeconds(operator.pid) - cpu) / seconds) * 100,
    rssMb: residentMegabytes(operator.pid),
    requestsPerMinute: (((await requests()) - before) / seconds) * 60,
  };
}

/** Until nothing waits in any queue any more. */
export async function settled(operator: OperatorProcess): Promise<void> {
  for (let calm = 0; calm < 2; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const text = await operator.metrics();
    const busy = metric(text, 'aegis_operator_queue_depth') + metric(text, 'aegis_operator_queue_in_flight');
    const published = metric(text, 'aegis_operator_commits_total') > 0;
    calm = published && busy === 0 ? calm + 1 : 0;
  }
}
