/** The bundle API over HTTPS in front of a real API server, with real pods' tokens. */
import { createPrivateKey, createSign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type Dispatcher, request } from 'undici';
import { type HttpsServer, openHttps } from '../../../operator/certificates/https-server.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { type KubeClient, keyOf } from '../../../operator/kube/types.ts';
import { AGENT_REGISTRATION } from '../../../operator/model/resource-types.ts';
import { Authenticator } from '../../../operator/serving/authenticate.ts';
import { BUNDLE_API_LIMITS, type BundleApi, createBundleApi } from '../../../operator/serving/bundle-api.ts';
import { EvidenceTable, type ViolationIncrement } from '../../../operator/serving/evidence-table.ts';
import { GatewayTable } from '../../../operator/serving/gateway-table.ts';
import { RelayReceiver } from '../../../operator/serving/relay-receiver.ts';
import { servingMetrics } from '../../../operator/serving/serving-metrics.ts';
import type { TenantDirectory, TombstonedRegistration } from '../../../operator/serving/tenant-directory.ts';
import type { RegistrationLike } from '../../../operator/workloads/match-pods.ts';
import { PodIndex } from '../../../operator/workloads/pod-index.ts';
import { createLogger } from '../../../runtime/telemetry/logger.ts';
import { MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import type { ApiServer } from '../../apiserver/api-server.ts';
import { type Authority, createAuthority } from '../../gateway/upstream/support/certificates.ts';
import { FakeBundles } from './fake-bundles.ts';

export const OPERATOR = { namespace: 'aegis-system', name: 'aegis-operator' };

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** Of a problem. */
  code: string | undefined;
}

export class ServingWorld implements TenantDirectory {
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly folder = mkdtempSync(join(tmpdir(), 'aegis-serving-'));
  readonly bundles = new FakeBundles();
  readonly gateways = new GatewayTable({ clock: systemClock });
  readonly violations: { registration: string; increments: readonly ViolationIncrement[] }[] = [];
  readonly reports = new EvidenceTable({
    clock: systemClock,
    onViolations: (registration, increments) => this.violations.push({ registration, increments }),
  });
  readonly authority: Authority;
  readonly metrics = new MetricsRegistry();
  readonly registrations: Reflector<RegistrationLike & { spec: { agentId?: string } }>;
  readonly pods: PodIndex;
  /** What the directory says beside the registrations. */
  readonly deleted: TombstonedRegistration[] = [];
  ready = true;
  leads = true;
  port = 0;
  log = '';
  readonly #stop = new AbortController();
  readonly #agent: Agent;
  #running: Promise<unknown>[] = [];
  #https: HttpsServer | undefined;
  api!: BundleApi;

  static async open(server: ApiServer, authority = createAuthority()): Promise<ServingWorld> {
    const world = new ServingWorld(server, authority);
    await world.#open();
    return world;
  }

  constructor(server: ApiServer, authority: Authority) {
    this.server = server;
    this.authority = authority;
    this.client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'aegis-test' });
    const parts = { client: this.client, clock: systemClock, random: Math.random };
    this.registrations = new Reflector({ ...parts, type: AGENT_REGISTRATION });
    this.pods = new PodIndex({ ...parts, registrations: this.registrations });
    this.#agent = new Agent({ connect: { ca: this.authority.ca }, connections: 64 });
    writeFileSync(this.caFile, this.authority.ca);
  }

  get caFile(): string {
    return join(this.folder, 'ca.crt');
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  tenantOf(namespace: string): { name: string; uid: string } {
    return { name: namespace, uid: `uid-of-${namespace}` };
  }

  registration(key: string) {
    const found = this.registrations.get(key);
    if (found === undefined) return undefined;
    const { name, namespace = '' } = found.metadata;
    return { agentId: found.spec.agentId ?? name, tenant: this.tenantOf(namespace) };
  }

  tombstones(namespace: string): readonly TombstonedRegistration[] {
    return this.deleted.filter(({ registration }) => registration.metadata.namespace === namespace);
  }

  async #open(): Promise<void> {
    const { signal } = this.#stop;
    this.#running = [this.registrations.run(signal), this.pods.run(signal)];
    await this.registrations.whenSynced(signal);
    const parts = { client: this.client, clock: systemClock, gateways: this.gateways, reports: this.reports };
    const metrics = servingMetrics(this.metrics, {
      waiting: () => this.api.waiting,
      gateways: () => this.gateways.size,
    });
    const username = `system:serviceaccount:${OPERATOR.namespace}:${OPERATOR.name}`;
    const write = (line: string): boolean => {
      this.log += line;
      return true;
    };
    this.api = createBundleApi({
      ...parts,
      bundles: this.bundles,
      authenticator: new Authenticator({ ...parts, pods: this.pods, directory: this, onReview: metrics.reviewed }),
      relay: new RelayReceiver({ ...parts, username, leads: () => this.leads }),
      log: createLogger({ level: 'debug', now: Date.now, out: { write, writableLength: 0 } }),
      metrics,
    });
    const certificate = { ...this.authority.issue('localhost'), caBundle: this.authority.ca };
    this.#https = await openHttps({
      name: 'bundles',
      address: { host: 'localhost', port: 0 },
      certificate: { current: () => certificate, subscribe: () => () => undefined },
      handler: this.api.app,
      limits: { ...BUNDLE_API_LIMITS, drain: 500 },
    });
    this.port = this.#https.address.port;
  }

  async close(): Promise<void> {
    this.api?.close();
    await this.#https?.close();
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#agent.destroy();
    await this.client.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async ask(
    method: string,
    path: string,
    options: { token?: string; headers?: Record<string, string>; body?: unknown; signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const { token, headers, body, signal } = options;
    const answer = await request(this.url + path, {
      dispatcher: this.#agent,
      method: method as Dispatcher.HttpMethod,
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const isProblem = answer.headers['content-type'] === 'application/problem+json' && bytes.length > 0;
    const code = isProblem ? (JSON.parse(bytes.toString()) as { code: string }).code : undefined;
    return { status: answer.statusCode, headers: answer.headers, body: bytes, code };
  }

  /** Creates or changes objects. */
  apply(...objects: object[]): void {
    this.server.kubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  }

  /** A pod that runs, as far as the API server knows; its uid. */
  async pod(
    namespace: string,
    name: string,
    options: { app: string; serviceAccountName?: string; nodeName?: string },
  ): Promise<string> {
    const { app, serviceAccountName = 'default', nodeName } = options;
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const made = await this.server.raw('POST', path, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app } },
      spec: {
        serviceAccountName,
        ...(nodeName !== undefined && { nodeName }),
        containers: [{ name: 'agent', image: 'agent' }],
      },
    });
    if (made.status !== 201) throw new Error(`no pod: ${JSON.stringify(made.body)}`);
    await this.phase(namespace, name, 'Running');
    return (made.body as { metadata: { uid: string } }).metadata.uid;
  }

  async phase(namespace: string, name: string, phase: string): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    const contentType = 'application/merge-patch+json';
    const { status } = await this.server.raw('PATCH', path, { status: { phase } }, { contentType });
    if (status !== 200) throw new Error(`phase: ${status}`);
  }

  async token(
    namespace: string,
    serviceAccount: string,
    options: { pod?: { name: string; uid: string }; audience?: string } = {},
  ): Promise<string> {
    const { pod, audience = 'aegis.dev' } = options;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const answer = await this.server.raw('POST', path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: [audience],
        expirationSeconds: 600,
        ...(pod !== undefined && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }),
      },
    });
    if (answer.status !== 201) throw new Error(`no token: ${JSON.stringify(answer.body)}`);
    return (answer.body as { status: { token: string } }).status.token;
  }

  /** The token with other claims, signed by the cluster's own key. */
  resigned(token: string, change: (claims: Record<string, unknown>) => void): string {
    const [head = '', payload = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    change(claims);
    const signed = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const key = createPrivateKey(readFileSync(join(this.server.folder, 'sa.key')));
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`;
  }

  keys(): string[] {
    return [...this.registrations.values()].map(keyOf);
  }
}
