/** A cluster with one tenant (the sample), operators that come and go, and a journal of everything that was committed. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { headName } from '../../../operator/bundles/head-config-map.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { CONFIG_MAP } from '../../../operator/model/resource-types.ts';
import type { AgentPolicyStatus } from '../../../policy/resources/types.generated.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { HttpFaultProxy } from '../../apiserver/http-fault-proxy.ts';
import { eventually, waitFor } from '../../apiserver/wait-for.ts';
import { type AgentPod, startAgentPod } from '../../support/agent-pod.ts';
import {
  installOperator,
  OPERATOR_NAMESPACE,
  type OperatorOptions,
  type OperatorProcess,
  startOperator,
} from '../../support/operator-process.ts';

export const TENANT = 'fintech';
export const AGENT = 'finance-agent';
const SAMPLE = join(__dirname, '..', '..', '..', 'config/samples/fintech');
const FILES = ['tenant.yaml', 'tool.yaml', 'registrations.yaml', 'policies.yaml'];
const AEGIS = '/apis/aegis.dev/v1alpha1';
export const OBJECTS = {
  AgentPolicy: `${AEGIS}/namespaces/${TENANT}/agentpolicies/finance-payments`,
  AgentRegistration: `${AEGIS}/namespaces/${TENANT}/agentregistrations/${AGENT}`,
  AgentTool: `${AEGIS}/namespaces/${TENANT}/agenttools/stripe-payments`,
  AgentTenant: `${AEGIS}/agenttenants/${TENANT}`,
} as const;
export type SampleKind = keyof typeof OBJECTS;
export const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/aegis-operator`;

/** Another one leads soon after a leader is gone. */
export const QUICK = { 'leader.leaseDuration': '3s', 'leader.renewDeadline': '2s', 'leader.retryPeriod': '500ms' };
/** Keeps the Lease while the API server is away for some time. */
export const PATIENT = { ...QUICK, 'leader.leaseDuration': '60s', 'leader.renewDeadline': '50s' };

export type AegisObject = KubeObject & {
  metadata: { generation: number; resourceVersion: string };
  spec: Record<string, unknown>;
  status?: AgentPolicyStatus;
};

/** One version of the head, as it stood in the API server. */
export interface Commit {
  sequence: number;
  issuedAt: string;
  expiresAt: string;
  manifest: string;
}

export function sampleYaml(): string {
  return FILES.map((file) => readFileSync(join(SAMPLE, file), 'utf8')).join('\n---\n');
}

export class World {
  readonly server: ApiServer;
  /** Every version of the tenant's head, in order. */
  readonly commits: Commit[] = [];
  /** Name of the ConfigMap that is the tenant's head. */
  readonly head: string;
  readonly #stop = new AbortController();
  readonly #journal: Promise<void>;
  readonly #operators: OperatorProcess[] = [];
  readonly #proxies: HttpFaultProxy[] = [];
  #pod: AgentPod | undefined;

  private constructor(server: ApiServer, uid: string) {
    this.server = server;
    this.head = headName({ name: TENANT, uid }, nodeCrypto);
    const client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'journal' });
    const reflector = new Reflector<KubeObject & { data?: Record<string, string> }>({
      client,
      type: CONFIG_MAP,
      selection: { namespace: OPERATOR_NAMESPACE, fieldSelector: `metadata.name=${this.head}` },
      clock: systemClock,
      random: Math.random,
    });
    reflector.subscribe((_key, object) => {
      const manifest = object?.data?.['manifest.json'];
      if (manifest === undefined || manifest === this.commits.at(-1)?.manifest) return;
      const { sequence, issuedAt, expiresAt } = JSON.parse(manifest) as Omit<Commit, 'manifest'>;
      this.commits.push({ sequence, issuedAt, expiresAt, manifest });
    });
    this.#journal = reflector.run(this.#stop.signal).then(() => client.close());
  }

  /** The sample is applied, and nobody leads yet. */
  static async open(): Promise<World> {
    const server = await ApiServer.start();
    try {
      await installOperator(server);
      server.kubectl(['create', 'namespace', TENANT]);
      await server.applyYaml(sampleYaml());
      const { body } = await server.raw('GET', OBJECTS.AgentTenant);
      return new World(server, (body as KubeObject).metadata.uid ?? '');
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#pod?.remove();
    for (const operator of this.#operators) await operator.kill();
    this.#stop.abort();
    await this.#journal;
    for (const proxy of this.#proxies) await proxy.stop();
    await this.server.stop();
  }

  async operator(settings: Readonly<Record<string, string>>, options: OperatorOptions = {}): Promise<OperatorProcess> {
    const operator = await startOperator(this.server, { ...options, settings });
    this.#operators.push(operator);
    return operator;
  }

  async proxy(): Promise<HttpFaultProxy> {
    const proxy = await HttpFaultProxy.start(this.server);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** A replica that serves gateways and never leads: whenever it wants to, somebody else was faster. */
  async follower(): Promise<OperatorProcess> {
    const proxy = await this.proxy();
    proxy.answer({ verb: ['create', 'update'], resource: 'leases' }, { status: 409 });
    return this.operator(QUICK, { kubeconfig: proxy.kubeconfig });
  }

  /** The gateway of the finance agent, which asks this replica. */
  async gateway(operator: OperatorProcess): Promise<AgentPod> {
    await this.settled();
    this.#pod = await startAgentPod(this.server, operator, { namespace: TENANT, agent: AGENT });
    return this.#pod;
  }

  async object(kind: SampleKind = 'AgentPolicy'): Promise<AegisObject> {
    const { status, body } = await this.server.raw('GET', OBJECTS[kind]);
    if (status !== 200) throw new Error(`${kind}: ${status}`);
    return body as AegisObject;
  }

  get last(): Commit {
    const last = this.commits.at(-1);
    if (last === undefined) throw new Error('nothing is committed');
    return last;
  }

  /** Payments up to `cap` are allowed from now on. */
  async edit(cap: number): Promise<void> {
    const { spec } = await this.object();
    const rules = (spec.rules as object[]).map((rule, index) =>
      index === 0 ? { ...rule, conditions: { maxAmount: cap, currency: 'USD' } } : rule,
    );
    const contentType = 'application/merge-patch+json';
    const { status, body } = await this.server.raw('PATCH', OBJECTS.AgentPolicy, { spec: { rules } }, { contentType });
    if (status !== 200) throw new Error(JSON.stringify(body));
  }

  /** Until the policy's status speaks of its newest generation and of the newest commit. */
  async settled(ms = 20_000): Promise<AegisObject> {
    return eventually(async () => {
      const policy = await this.object();
      const { generation } = policy.metadata;
      const ready = policy.status?.conditions?.find(({ type }) => type === 'Ready');
      expect([policy.status?.observedGeneration, ready?.status, ready?.observedGeneration]).toEqual([
        generation,
        'True',
        generation,
      ]);
      expect(policy.status?.bundle?.sequence).toBeLessThanOrEqual(this.last.sequence);
      return policy;
    }, ms);
  }

  /** Every commit came after the one before: a newer head, and the next sequence or the same one. */
  expectOneHistory(): void {
    for (const [index, { sequence, issuedAt }] of this.commits.entries()) {
      const before = this.commits[index - 1];
      if (before === undefined) continue;
      expect([0, 1]).toContain(sequence - before.sequence);
      expect(issuedAt > before.issuedAt).toBe(true);
    }
  }
}

/** Until this process leads. */
export async function leads(operator: OperatorProcess, ms = 15_000): Promise<void> {
  await waitFor(
    () => operator.log().some(({ event }) => event === 'leader.started'),
    ms,
    () => `it does not lead:\n${operator.stderr().slice(-2000)}`,
  );
}

/** Its exit code, once it has ended by itself. */
export async function ended(operator: OperatorProcess, ms = 15_000): Promise<number | null> {
  const { child } = operator;
  await waitFor(() => child.exitCode !== null || child.signalCode !== null, ms, 'the operator does not end');
  return child.exitCode;
}

/** What the bundle API answers to the gateway of this pod. */
export function fetchBundle(
  pod: AgentPod,
  operator: OperatorProcess,
  etag?: string,
): Promise<{ status: number; etag: string }> {
  const token = readFileSync(join(pod.folder, 'token'), 'utf8');
  return new Promise((resolve, reject) => {
    const sent = request(`https://127.0.0.1:${operator.bundles}/v1/bundles/${TENANT}/${AGENT}.tar.gz`, {
      ca: readFileSync(join(pod.folder, 'ca.crt')),
      headers: { authorization: `Bearer ${token}`, ...(etag !== undefined && { 'if-none-match': etag }) },
      agent: false,
      timeout: 5_000,
    });
    sent.on('response', (answer) => {
      answer.resume().once('end', () => {
        resolve({ status: answer.statusCode ?? 0, etag: String(answer.headers.etag) });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('the bundle API does not answer')));
    sent.on('error', reject).end();
  });
}

/** allow: the policy in force has a cap of at least this. */
export async function allows(pod: AgentPod, amount: number): Promise<boolean> {
  const { verdict } = await pod.decide({ amount, currency: 'USD' });
  if (!['allow', 'approval_needed'].includes(verdict)) throw new Error(`the gateway said ${verdict}`);
  return verdict === 'allow';
}

/** The gateway's bundle, asked for again and again for as long as something takes: always the same one. */
export async function servedDuring(
  gateway: AgentPod,
  outage: Promise<unknown>,
  replica: OperatorProcess,
): Promise<void> {
  const { etag } = await fetchBundle(gateway, replica);
  let over = false;
  const end = outage.finally(() => {
    over = true;
  });
  let answers = 0;
  while (!over) {
    expect(await fetchBundle(gateway, replica)).toEqual({ status: 200, etag });
    expect(await fetchBundle(gateway, replica, etag)).toEqual({ status: 304, etag });
    expect(await allows(gateway, 4000)).toBe(true);
    answers++;
    await sleep(200);
  }
  await end;
  expect(answers).toBeGreaterThan(3);
}
