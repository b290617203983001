/**
 * A real API server with the real operator program on addresses that stay the same over its restarts, so that gateways
 * find it again.
 */
import { freePort } from '../../../bench/support/free-port.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import type { StatusCondition } from '../../../policy/resources/types.generated.ts';
import { ApiServer, type ApiServerOptions } from '../../apiserver/api-server.ts';
import { type AgentPod, type AgentPodOptions, startAgentPod } from '../../support/agent-pod.ts';
import {
  installOperator,
  OPERATOR_NAMESPACE,
  type OperatorProcess,
  startOperator,
} from '../../support/operator-process.ts';

export { OPERATOR_NAMESPACE };

const PLURALS: Readonly<Record<string, string>> = {
  AgentPolicy: 'agentpolicies',
  AgentRegistration: 'agentregistrations',
  AgentTool: 'agenttools',
  AgentTenant: 'agenttenants',
};

export interface StatusObject extends KubeObject {
  status?: {
    observedGeneration?: number;
    conditions?: StatusCondition[];
    bundle?: { sequence?: number };
    rollout?: { stage?: string; phase?: string };
    [key: string]: unknown;
  };
}

export interface StoredConfigMap extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

export function pathOf(kind: string, name: string, namespace?: string): string {
  const place = namespace === undefined ? '' : `namespaces/${namespace}/`;
  return `/apis/aegis.dev/v1alpha1/${place}${PLURALS[kind]}/${name}`;
}

export function configMapPath(name: string, namespace: string = OPERATOR_NAMESPACE): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${name}`;
}

/** `False UnknownField` and the like, by type. */
export function conditionsOf({ status }: StatusObject): Record<string, string> {
  const all = status?.conditions ?? [];
  return Object.fromEntries(all.map(({ type, status: value, reason }) => [type, `${value} ${reason}`]));
}

/** The message of `Ready`. */
export function messageOf({ status }: StatusObject): string {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
}

export class World {
  readonly server: ApiServer;
  readonly #bundles: number;
  readonly #webhook: number;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #pods: AgentPod[] = [];
  #operator: OperatorProcess | undefined;

  private constructor(server: ApiServer, ports: [number, number], settings: Readonly<Record<string, string>>) {
    this.server = server;
    [this.#bundles, this.#webhook] = ports;
    this.#settings = settings;
  }

  /** The operator runs; these namespaces are there. */
  static async open(
    namespaces: readonly string[],
    options: { settings?: Readonly<Record<string, string>>; server?: ApiServerOptions } = {},
  ): Promise<World> {
    const server = await ApiServer.start(options.server);
    try {
      const world = new World(server, [await freePort(), await freePort()], options.settings ?? {});
      await installOperator(server);
      for (const name of namespaces) server.kubectl(['create', 'namespace', name]);
      await world.startOperator();
      return world;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get operator(): OperatorProcess {
    if (this.#operator === undefined) throw new Error('no operator runs');
    return this.#operator;
  }

  get bundlesPort(): number {
    return this.#bundles;
  }

  get webhookPort(): number {
    return this.#webhook;
  }

  async startOperator(): Promise<OperatorProcess> {
    this.#operator = await startOperator(this.server, {
      settings: {
        'listen.bundles': `127.0.0.1:${this.#bundles}`,
        'bundles.address': `https://127.0.0.1:${this.#bundles}`,
        'listen.webhook': `127.0.0.1:${this.#webhook}`,
        ...this.#settings,
      },
    });
    return this.#operator;
  }

  /** The Lease is given back, so that the next one leads at once. */
  async stopOperator(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = undefined;
  }

  async agentPod(options: AgentPodOptions): Promise<AgentPod> {
    const settings = { 'bundle.pollWait': '5s', ...options.settings };
    const pod = await startAgentPod(this.server, { bundles: this.#bundles }, { ...options, settings });
    this.#pods.push(pod);
    return pod;
  }

  async close(): Promise<void> {
    for (const pod of this.#pods) await pod.remove().catch(() => undefined);
    await this.#operator?.stop();
    await this.server.stop();
  }

  /** Server-side apply. Rejects with what is wrong. */
  async apply(...objects: readonly object[]): Promise<void> {
    await this.server.applyYaml(objects.map((object) => JSON.stringify(object)).join('\n---\n'), { force: true });
  }

  /** As somebody does who has switched every check of the client off. @returns the HTTP status */
  async put(object: KubeObject & { spec?: unknown }): Promise<number> {
    const { kind, metadata } = object;
    const path = pathOf(kind, metadata.name, metadata.namespace);
    const flags = 'fieldManager=kubectl&force=true&fieldValidation=Ignore';
    const contentType = 'application/apply-patch+yaml';
    return (await this.server.raw('PATCH', `${path}?${flags}`, object, { contentType })).status;
  }

  async object(kind: string, name: string, namespace?: string): Promise<StatusObject> {
    const path = pathOf(kind, name, namespace);
    const { status, body } = await this.server.raw('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return body as StatusObject;
  }

  async objects(kind: string, namespace: string): Promise<StatusObject[]> {
    const { body } = await this.server.raw('GET', `/apis/aegis.dev/v1alpha1/namespaces/${namespace}/${PLURALS[kind]}`);
    return (body as { items: StatusObject[] }).items;
  }

  async remove(kind: string, name: string, namespace?: string): Promise<void> {
    await this.drop(pathOf(kind, name, namespace));
  }

  async drop(path: string): Promise<void> {
    const { status, body } = await this.server.raw('DELETE', path);
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(body)}`);
  }

  /** Of the operator's namespace, by component and tenant. */
  async stored(component: string, tenant?: string): Promise<StoredConfigMap[]> {
    const of = tenant === undefined ? '' : `,aegis.dev/tenant=${tenant}`;
    const query = new URLSearchParams({ labelSelector: `aegis.dev/component=${component}${of}` });
    const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/configmaps?${query}`;
    return ((await this.server.raw('GET', path)).body as { items: StoredConfigMap[] }).items;
  }

  async head(tenant: string): Promise<StoredConfigMap | undefined> {
    const heads = await this.stored('bundle-head', tenant);
    return heads.find(({ metadata }) => metadata.annotations?.['aegis.dev/removed-at'] === undefined);
  }

  /** Puts the object there, whatever stands there. */
  async overwrite(path: string, object: KubeObject): Promise<void> {
    const {
      resourceVersion: _,
      uid: __,
      managedFields: ___,
      ...metadata
    } = object.metadata as KubeObject['metadata'] & {
      managedFields?: unknown;
    };
    const put = await this.server.raw('PUT', path, { ...object, metadata });
    if (put.status === 404) {
      const made = await this.server.raw('POST', path.slice(0, path.lastIndexOf('/')), { ...object, metadata });
      if (made.status >= 300) throw new Error(`${path}: ${JSON.stringify(made.body)}`);
    } else if (put.status >= 300) throw new Error(`${path}: ${JSON.stringify(put.body)}`);
  }

  async patch(path: string, body: object): Promise<void> {
    const answer = await this.server.raw('PATCH', path, body, { contentType: 'application/merge-patch+json' });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  }
}
