import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient, KubeObject } from '../../operator/kube/types.ts';
import { AGENT_POLICY, AGENT_REGISTRATION } from '../../operator/model/resource-types.ts';
import type { ApiServer } from '../../test/apiserver/api-server.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { kstatusOf } from '../../test/support/kstatus.ts';

const API = 'aegis.dev/v1alpha1';
const AGENTS = ['one', 'two', 'three'];
const POLICIES = 30;

/** Two tenants whose policies are edited all the time, sometimes wrongly. */
export class Load {
  readonly tenants = ['soak-a', 'soak-b'];
  edits = 0;
  readonly #server: ApiServer;
  readonly #client: KubeClient;

  constructor(server: ApiServer, client: KubeClient) {
    this.#server = server;
    this.#client = client;
  }

  async begin(): Promise<void> {
    for (const namespace of this.tenants) {
      const objects = [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
        tool(namespace),
        ...AGENTS.map((agent) => registration(namespace, agent)),
        ...Array.from({ length: POLICIES }, (_, index) => policy(namespace, index)),
      ];
      await this.#server.applyYaml(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    }
  }

  /** Until then (ms, monotonic); an API server that is away is waited for. */
  async run(until: number): Promise<void> {
    while (performance.now() < until) {
      try {
        await this.#edit();
        this.edits++;
      } catch {
        // restarted at this moment
      }
      await sleep(50 + Math.random() * 250);
    }
  }

  /** Makes everything right, and waits until everything says so. */
  async check(): Promise<string[]> {
    for (const namespace of this.tenants) {
      for (let index = 0; index < POLICIES; index++) await this.#amount(namespace, index, 1000);
    }
    const late = new Set<string>();
    try {
      await waitFor(
        async () => {
          late.clear();
          for (const namespace of this.tenants) {
            for (const type of [AGENT_POLICY, AGENT_REGISTRATION]) {
              const { items } = await this.#client.list<KubeObject>(type, { namespace });
              for (const item of items) {
                if (kstatusOf(item) !== 'Current') late.add(`${item.kind} ${namespace}/${item.metadata.name}`);
              }
            }
          }
          return late.size === 0;
        },
        60_000,
        'late',
      );
      return [];
    } catch {
      return [`not Current at the end: ${[...late].slice(0, 5).join(', ')}`];
    }
  }

  async #edit(): Promise<void> {
    const namespace = this.tenants[Math.floor(Math.random() * this.tenants.length)] as string;
    const index = Math.floor(Math.random() * POLICIES);
    // one in ten cannot be bound: no such parameter
    if (Math.random() < 0.1) return this.#conditions(namespace, index, { params: { nowhere: { max: 1 } } });
    return this.#amount(namespace, index, 1 + Math.floor(Math.random() * 5000));
  }

  #amount(namespace: string, index: number, maxAmount: number): Promise<void> {
    return this.#conditions(namespace, index, { maxAmount, currency: 'USD' });
  }

  async #conditions(namespace: string, index: number, value: object): Promise<void> {
    await this.#client.jsonPatch(AGENT_POLICY, { namespace, name: `policy-${index}` }, [
      { op: 'replace', path: '/spec/rules/0/conditions', value },
    ]);
  }
}

function tool(namespace: string): object {
  return {
    apiVersion: API,
    kind: 'AgentTool',
    metadata: { name: 'payments', namespace },
    spec: {
      protocol: 'HTTP',
      upstream: { url: 'https://api.example.com' },
      riskTier: 'high',
      actions: [
        {
          name: 'pay',
          effect: 'write',
          match: { method: 'POST', path: '/v1/payments' },
          parameters: {
            amount: { in: 'json', type: 'number', role: 'amount' },
            currency: { in: 'json', type: 'string', role: 'currency' },
          },
        },
      ],
    },
  };
}

function registration(namespace: string, agent: string): object {
  return {
    apiVersion: API,
    kind: 'AgentRegistration',
    metadata: { name: agent, namespace },
    spec: {
      owner: 'soak@example.com',
      workload: { selector: { matchLabels: { app: agent } }, serviceAccountName: agent },
      tools: [{ toolId: 'payments' }],
      delegation: { selfOrigin: true },
    },
  };
}

function policy(namespace: string, index: number): object {
  return {
    apiVersion: API,
    kind: 'AgentPolicy',
    metadata: { name: `policy-${index}`, namespace },
    spec: {
      scope: { agents: [AGENTS[index % AGENTS.length]], tools: ['payments'] },
      rules: [{ name: 'cap', actions: ['pay'], conditions: { maxAmount: 1000, currency: 'USD' } }],
      rollout: { profile: 'immediate' },
    },
  };
}
