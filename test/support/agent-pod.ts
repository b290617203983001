/** A pod of an agent with its gateway: a Pod object in the API server, and the real gateway program with its token. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../../operator/kube/types.ts';
import type { ApiServer } from '../apiserver/api-server.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { OPERATOR_NAMESPACE, type OperatorProcess } from './operator-process.ts';

export interface AgentPodOptions {
  namespace: string;
  agent: string;
  /** Name of the pod; the agent's where absent. */
  pod?: string;
  tenant?: string;
  settings?: Readonly<Record<string, string>>;
  until?: 'ready' | 'live';
}

export interface AgentPod extends GatewayProcess {
  pod: { namespace: string; name: string; uid: string };
  folder: string;
  /** Sequence in force; undefined: none. */
  sequence(): Promise<number | undefined>;
  decide(params: Record<string, unknown>, action?: string): Promise<{ verdict: string; sequence?: number }>;
  /** Ends gateway and pod. */
  remove(): Promise<void>;
}

/** What a webhook would put into the pod: keys and CA by a mount, who the tenant is by the spec. */
async function trust(server: ApiServer): Promise<{ keyring: string; ca: string }> {
  return waitFor(
    async () => {
      const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/configmaps/aegis-trusted-keys`;
      const { status, body } = await server.raw('GET', path);
      const { data = {} } = body as { data?: Record<string, string> };
      if (status !== 200 || data['keyring.json'] === undefined || data['ca.crt'] === undefined) return undefined;
      return { keyring: data['keyring.json'], ca: data['ca.crt'] };
    },
    20_000,
    'the trusted keys are not published',
  );
}

async function tenantUid(server: ApiServer, tenant: string, namespace: string): Promise<string> {
  const own = await server.raw('GET', `/apis/aegis.dev/v1alpha1/agenttenants/${tenant}`);
  const found = own.status === 200 ? own : await server.raw('GET', `/api/v1/namespaces/${namespace}`);
  return (found.body as KubeObject).metadata.uid ?? '';
}

export async function startAgentPod(
  server: ApiServer,
  operator: Pick<OperatorProcess, 'bundles'>,
  options: AgentPodOptions,
): Promise<AgentPod> {
  const { namespace, agent, pod: name = agent, tenant = namespace, settings = {}, until } = options;
  const folder = mkdtempSync(join(tmpdir(), 'aegis-agent-'));
  // the ServiceAccount first: the token is bound to both
  await server.serviceAccountToken({ namespace, name: agent, audience: 'aegis.dev' });
  const made = await server.createPod({ namespace, name, labels: { app: agent }, serviceAccountName: agent });
  const pod = { namespace, name, uid: made.metadata.uid };
  const token = await server.serviceAccountToken({ namespace, name: agent, audience: 'aegis.dev', pod });
  const { keyring, ca } = await trust(server);
  mkdirSync(join(folder, 'store'));
  writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
  writeFileSync(join(folder, 'keyring.json'), keyring);
  writeFileSync(join(folder, 'ca.crt'), ca);
  const base = `https://127.0.0.1:${operator.bundles}/v1`;
  const gateway = await startGateway({
    settings: {
      agent,
      tenant,
      tenantUid: await tenantUid(server, tenant, namespace),
      'bundle.url': `${base}/bundles/${tenant}/${agent}.tar.gz`,
      'bundle.tokenFile': join(folder, 'token'),
      'bundle.caFile': join(folder, 'ca.crt'),
      'bundle.trustedKeys': join(folder, 'keyring.json'),
      'bundle.store': join(folder, 'store'),
      'bundle.acknowledge.url': `${base}/acknowledgements`,
      'bundle.acknowledge.instance': pod.uid,
      'report.url': `${base}/reports`,
      ...settings,
    },
    ...(until !== undefined && { until }),
  });
  const health = async () =>
    (await (await fetch(`http://127.0.0.1:${gateway.admin}/health`)).json()) as { bundle?: { sequence?: number } };
  return {
    ...gateway,
    pod,
    folder,
    sequence: async () => (await health()).bundle?.sequence,
    async decide(params, action = 'create_payment') {
      const answer = await fetch(`http://127.0.0.1:${gateway.decisions}/v1/decisions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ input: { agent, tool: 'stripe-payments', action, params }, dryRun: true }),
      });
      const body = (await answer.json()) as { enforced?: { verdict: string }; verdict?: string };
      return {
        verdict: body.enforced?.verdict ?? body.verdict ?? `status ${answer.status}`,
        reasons: JSON.stringify(body),
      } as never;
    },
    async remove() {
      await gateway.kill();
      await server.deletePod(pod);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
