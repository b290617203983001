import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster, Pod, Ran } from '../cluster/cluster.ts';
import { IMAGES } from '../images/images.ts';

/** As the guard wants it: a user of its own, nothing that could make it more. */
export const HARDENED = {
  runAsUser: 10_001,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

export interface AgentOptions {
  namespace: string;
  name: string;
  serviceAccountName?: string;
  replicas?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Of the container. */
  container?: Record<string, unknown>;
  /** Of the pod. */
  spec?: Record<string, unknown>;
}

export interface DeploymentObject {
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  [field: string]: unknown;
}

export function deployment(options: AgentOptions): DeploymentObject {
  const { namespace, name, serviceAccountName = name, replicas = 1, labels = {}, annotations = {} } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...labels }, annotations },
        spec: podSpec({ ...options, serviceAccountName }),
      },
    },
  };
}

export function podSpec({ serviceAccountName, container = {}, spec = {} }: Partial<AgentOptions>): object {
  return {
    serviceAccountName,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'agent',
        image: IMAGES.workload,
        imagePullPolicy: 'Never',
        command: ['sleep', 'infinity'],
        securityContext: HARDENED,
        ...container,
      },
    ],
    ...spec,
  };
}

/** A running pod of an agent, and what can be done from inside. */
export class AgentPod {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly name: string;

  constructor(cluster: Cluster, namespace: string, name: string) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.name = name;
  }

  /** The one ready pod of a Deployment. @throws with its Events where there is none */
  static async of(cluster: Cluster, namespace: string, app: string, seconds = 90): Promise<AgentPod> {
    let pods: Pod[] = [];
    try {
      return await waitFor(
        async () => {
          pods = await cluster.pods(namespace, `app=${app}`);
          const ready = pods.filter(({ status }) =>
            status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
          );
          return (
            ready.length === 1 && pods.length === 1 && new AgentPod(cluster, namespace, ready[0]?.metadata.name ?? '')
          );
        },
        seconds * 1000,
        'no ready pod',
      );
    } catch (error) {
      const { stdout } = await cluster.run(['describe', '-n', namespace, 'pods,replicasets', '-l', `app=${app}`]);
      throw new Error(`${(error as Error).message}\n${stdout}`);
    }
  }

  pod(): Promise<Pod> {
    return this.cluster.pod(this.namespace, this.name);
  }

  exec(command: readonly string[], input?: string): Promise<Ran> {
    return this.cluster.exec({ namespace: this.namespace, name: this.name, container: 'agent' }, command, input);
  }

  logs(container: string): Promise<string> {
    return this.cluster.logs({ namespace: this.namespace, name: this.name, container });
  }

  /** By the unmodified client of Stripe for Node. */
  async pay(amount: number, currency = 'usd'): Promise<{ id?: string; status?: number; message?: string }> {
    const { stdout, stderr } = await this.exec(['node', '-e', PAY, String(amount), currency]);
    if (stdout.trim() === '') throw new Error(stderr);
    return JSON.parse(stdout) as { id?: string; status?: number; message?: string };
  }

  /** HTTP status, or why there is none. */
  async fetch(url: string): Promise<string> {
    const flags = ['-sS', '-o', '/dev/null', '-m', '8', '-w', '%{http_code}', url];
    const { code, stdout, stderr } = await this.exec(['curl', ...flags]);
    return code === 0 ? stdout.trim() : stderr.trim();
  }
}

const PAY = `
const Stripe = require('stripe');
const stripe = new Stripe('sk_test_of_nobody', { maxNetworkRetries: 0, timeout: 15000 });
const [amount, currency] = process.argv.slice(1);
stripe.paymentIntents.create({ amount: Number(amount), currency }).then(
  ({ id }) => console.log(JSON.stringify({ id })),
  (error) => console.log(JSON.stringify({ status: error.statusCode, message: error.message })),
);
`;
