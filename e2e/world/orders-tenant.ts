import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster, Ran } from '../cluster/cluster.ts';
import type { Outside } from './outside.ts';

const API = 'aegis.dev/v1alpha1';

/** Of the pod; by it a registration knows its own. */
export const AGENT_LABEL = 'example.com/agent';
/** ServiceAccount of every agent of the tenant. */
export const ACCOUNT = 'agent';
/** The tool of every agent, and where it is. */
const TOOL = 'orders';
export const ORDERS_HOST = 'orders.example.com';

interface OrdersAgent {
  name: string;
  egressGuard?: 'Off' | 'Observe' | 'Enforce';
  allow?: readonly object[];
  /** Labels that it selects, where they are not those of its name. */
  selects?: Record<string, string>;
  /** Further tools. */
  tools?: readonly string[];
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

interface RegistrationStatus {
  conditions?: Condition[];
  observedGeneration: number;
  egress?: { observed: { destination: string; port: number; protocol: string; refused: boolean }[] };
}

/** A namespace whose agents may read orders, but only those whose ids begin with `ok-`. */
export class OrdersTenant {
  readonly cluster: Cluster;
  readonly outside: Outside;
  readonly namespace: string;

  private constructor(cluster: Cluster, outside: Outside, namespace: string) {
    this.cluster = cluster;
    this.outside = outside;
    this.namespace = namespace;
  }

  /** @returns before anything is published: a suite makes several of them at once */
  static async make(
    cluster: Cluster,
    outside: Outside,
    {
      labels,
      agents,
      further = [],
    }: { labels: Record<string, string>; agents: readonly OrdersAgent[]; further?: object[] },
  ): Promise<OrdersTenant> {
    const tenant = new OrdersTenant(cluster, outside, await cluster.namespace('pods', labels));
    await tenant.apply([...tenant.#resources(), ...further, ...agents.map((agent) => tenant.registration(agent))]);
    return tenant;
  }

  #resources(): object[] {
    return [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT } },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'orders-ca' },
        data: { 'ca.crt': this.outside.authority.ca },
      },
      this.tool(TOOL, `https://${ORDERS_HOST}`),
      {
        apiVersion: API,
        kind: 'AgentPolicy',
        metadata: { name: 'orders' },
        spec: {
          rules: [{ name: 'own', actions: ['read'], conditions: { params: { id: { pattern: '^ok-[a-z0-9-]+$' } } } }],
          scope: { tenantWide: true },
          rollout: { profile: 'immediate' },
        },
      },
    ];
  }

  /** One whose orders can be read like those of the tenant's own. */
  tool(name: string, url: string, upstream: object = {}): object {
    const read = {
      name: 'read',
      effect: 'read',
      match: { method: 'GET', path: '/orders/{id}' },
      parameters: { id: { in: 'path', type: 'string', required: true } },
    };
    const spec = {
      protocol: 'HTTP',
      upstream: { url, tls: { caRef: { name: 'orders-ca' } }, ...upstream },
      actions: [read],
    };
    return { apiVersion: API, kind: 'AgentTool', metadata: { name }, spec: { riskTier: 'medium', ...spec } };
  }

  registration({ name, egressGuard, allow, selects = { [AGENT_LABEL]: name }, tools = [] }: OrdersAgent): object {
    const spec = {
      owner: 'orders@example.com',
      workload: { selector: { matchLabels: selects }, serviceAccountName: ACCOUNT },
      tools: [TOOL, ...tools].map((toolId) => ({ toolId })),
      ...(egressGuard && { egressGuard }),
      ...(allow && { egress: { allow } }),
    };
    return { apiVersion: API, kind: 'AgentRegistration', metadata: { name }, spec };
  }

  /** In one go. */
  apply(objects: readonly object[]): Promise<string> {
    const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    return this.cluster.applyYaml(items, { namespace: this.namespace });
  }

  /** As somebody who has written a manifest does it. @returns how it ends */
  create(...objects: readonly object[]): Promise<Ran> {
    const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    return this.cluster.run(['create', '-n', this.namespace, '-f', '-'], items);
  }

  /** @throws where something is refused */
  async created(...objects: readonly object[]): Promise<Ran> {
    const ran = await this.create(...objects);
    if (ran.code !== 0) throw new Error(ran.stderr);
    return ran;
  }

  /** Policies are enforced and agents have their bundles, so that pods can start. */
  async published(): Promise<void> {
    const { cluster, namespace } = this;
    const wait = (kind: string, condition: string) =>
      cluster.kubectl(['wait', '-n', namespace, kind, '--all', `--for=condition=${condition}`, '--timeout=90s']);
    await Promise.all([wait('agpol', 'RolloutComplete'), wait('agreg', 'BundlePublished')]);
  }

  async status(agent: string): Promise<RegistrationStatus> {
    const path = ['get', '-n', this.namespace, `agreg/${agent}`];
    return (await this.cluster.json<{ status: RegistrationStatus }>(path)).status;
  }

  /** The condition, as soon as it has this reason. @throws with all conditions */
  async until(agent: string, type: string, reason: string, seconds = 60): Promise<Condition> {
    let conditions: Condition[] = [];
    return waitFor(
      async () => {
        conditions = (await this.status(agent)).conditions ?? [];
        return conditions.find((condition) => condition.type === type && condition.reason === reason);
      },
      seconds * 1000,
      () => `${agent}: ${type} is not ${reason}: ${JSON.stringify(conditions)}`,
    );
  }

  /** Until an Event about the registration says it. */
  async untilEvent(agent: string, reason: string, words: RegExp): Promise<void> {
    const selector = `--field-selector=involvedObject.name=${agent},involvedObject.kind=AgentRegistration,reason=${reason}`;
    let text = '';
    const told = async () => {
      text = await this.cluster.kubectl([
        'get',
        '-n',
        this.namespace,
        'events',
        selector,
        '-o',
        'jsonpath={.items[*].message}',
      ]);
      return words.test(text);
    };
    await waitFor(told, 30_000, () => `${agent}: no Event ${reason}: ${text}`);
  }

  /** Addresses of which one is granted and one is not. */
  orders(mark: string, base = `https://${ORDERS_HOST}`) {
    return { granted: { http: `${base}/orders/ok-${mark}` }, refused: { http: `${base}/orders/no-${mark}` } };
  }

  /** What arrived outside with this mark. */
  arrived(mark: string): string[] {
    return this.outside.arrived.map(({ path }) => path).filter((path) => path.endsWith(`-${mark}`));
  }

  remove(): Promise<void> {
    return this.cluster.removeNamespace(this.namespace);
  }
}

/** What became of `orders()` in a pod whose calls are decided. */
export const DECIDED = {
  granted: expect.objectContaining({ status: 200 }),
  refused: expect.objectContaining({ status: 403, decision: expect.any(String) }),
};
