/** An API server with the admission policies, and nothing of the operator: no webhook, no process. */
import { join } from 'node:path';
import { GATEWAY_UID, type PodStamp, STAMP_ANNOTATION } from '../../../policy/wire/pod-contract.ts';
import { ApiServer, type ApiServerOptions, waitFor } from '../../apiserver/api-server.ts';

export const ROOT = join(__dirname, '../../..');
export const POLICIES = join(ROOT, 'config/admission-policies');
export const OPERATOR = 'system:serviceaccount:aegis-system:aegis-operator';
export const GATEWAY_IMAGE = 'aegis-gateway:0.1.0';

export interface User {
  user: string;
  groups?: readonly string[];
}

export interface Answer {
  status: number;
  message: string;
}

export interface Container {
  name: string;
  image?: string;
  restartPolicy?: string | undefined;
  securityContext?: Record<string, unknown> | undefined;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  [field: string]: unknown;
}

export interface PodBody {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: unknown;
    finalizers?: string[];
  };
  spec: {
    containers: Container[];
    initContainers?: Container[];
    volumes?: { name: string; [source: string]: unknown }[];
    securityContext?: Record<string, unknown>;
    serviceAccountName?: string;
    [field: string]: unknown;
  };
}

export class PolicyServer {
  readonly api: ApiServer;

  private constructor(api: ApiServer) {
    this.api = api;
  }

  /** All manifests applied as documented, and in force. */
  static async start(options: ApiServerOptions = {}): Promise<PolicyServer> {
    const api = await ApiServer.start(options);
    try {
      await api.runKubectl(['apply', '--server-side', '-f', join(ROOT, 'config/operator/namespace.yaml')]);
      await api.runKubectl(['apply', '--server-side', '-k', join(ROOT, 'config/rbac')]);
      await api.runKubectl(['apply', '--server-side', '-k', POLICIES]);
      const server = new PolicyServer(api);
      await server.#inForce();
      return server;
    } catch (error) {
      await api.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.api.stop();
  }

  /** As administrator, or as `as`. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    options: { as?: User | undefined; contentType?: string } = {},
  ): Promise<Answer> {
    const { as, contentType } = options;
    const given = { ...(as && { as }), ...(contentType !== undefined && { contentType }) };
    const answer = await this.api.raw(method, path, body, given);
    return { status: answer.status, message: (answer.body as { message?: string }).message ?? '' };
  }

  /** Whether it would be made: nothing is kept. */
  tryPod(namespace: string, pod: PodBody, as?: User): Promise<Answer> {
    return this.ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod, { as });
  }

  async makePod(namespace: string, pod: PodBody): Promise<void> {
    const { status, message } = await this.ask('POST', `/api/v1/namespaces/${namespace}/pods`, pod);
    if (status !== 201) throw new Error(`${status}: ${message}`);
  }

  /** JSON merge patch. */
  merge(path: string, patch: unknown, as?: User): Promise<Answer> {
    return this.ask('PATCH', path, patch, { as, contentType: 'application/merge-patch+json' });
  }

  /** A new policy is looked at a moment after it was written. */
  async #inForce(): Promise<void> {
    const enabled = await this.api.namespace('probe', { 'aegis.dev/inject': 'enabled' });
    await this.makePod(enabled, plainPod({ metadata: { name: 'there' } }));
    const pods = `/api/v1/namespaces/${enabled}/pods`;
    const audiences = ['aegis.dev'];
    const probes: Record<string, () => Promise<Answer>> = {
      'aegis-sidecar': () => this.tryPod(enabled, plainPod({ spec: { containers: [app('aegis-x')] } })),
      'aegis-opt-out': () => this.tryPod(enabled, plainPod({ metadata: { labels: { 'aegis.dev/inject': 'false' } } })),
      'aegis-reserved-user': () =>
        this.tryPod(enabled, plainPod({ spec: { securityContext: { runAsUser: GATEWAY_UID } } })),
      'aegis-exec': () => this.ask('POST', `${pods}/there/exec?container=aegis-gateway&command=ls&stdout=true`),
      'aegis-labels': () => this.merge(`${pods}/there?dryRun=All`, { metadata: { labels: { 'aegis.dev/x': 'y' } } }),
      'aegis-namespace-labels': () =>
        this.merge(
          `/api/v1/namespaces/${enabled}?dryRun=All`,
          { metadata: { labels: { 'aegis.dev/inject': null } } },
          { user: 'kate', groups: ['namespace-editors'] },
        ),
      'aegis-status': () =>
        this.merge('/apis/aegis.dev/v1alpha1/agenttenants/probe/status?dryRun=All', {
          status: { observedGeneration: 7 },
        }),
      'aegis-token-requests': () =>
        this.ask('POST', `/api/v1/namespaces/${enabled}/serviceaccounts/probe/token`, {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences },
        }),
      'aegis-audience': () =>
        this.tryPod(enabled, plainPod({ spec: { serviceAccountName: 'default', volumes: [tokenVolume('token')] } })),
    };
    await this.#prepareProbes(enabled);
    for (const [policy, probe] of Object.entries(probes)) {
      let last: Answer | undefined;
      const refused = async () => {
        last = await probe();
        return last.message.includes(`'${policy}'`);
      };
      await waitFor(refused, 30_000, () => `${policy} is not in force: ${JSON.stringify(last)}`);
    }
  }

  /** What the probes ask about; and a role that may change namespaces, and nothing of Aegis. */
  async #prepareProbes(namespace: string): Promise<void> {
    await this.api.applyYaml(
      [
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'probe', namespace } },
        {
          apiVersion: 'aegis.dev/v1alpha1',
          kind: 'AgentTenant',
          metadata: { name: 'probe' },
          spec: { namespaces: [namespace] },
        },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: 'namespace-editor' },
          rules: [
            {
              apiGroups: [''],
              resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
              verbs: ['create', 'get', 'update', 'patch', 'delete'],
            },
          ],
        },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRoleBinding',
          metadata: { name: 'namespace-editors' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'namespace-editor' },
          subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'namespace-editors' }],
        },
      ]
        .map((each) => JSON.stringify(each))
        .join('\n---\n'),
    );
  }
}

/** Refused by one policy, with its words. */
export function refusal(policy: string, words: string | RegExp, status = 403): Answer {
  const message = typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words);
  const by = `ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: `;
  return { status, message: expect.stringContaining(by) && allOf(by, message) } as unknown as Answer;
}

/** Both texts within one. */
function allOf(first: string, second: unknown): unknown {
  return {
    asymmetricMatch: (other: unknown) =>
      typeof other === 'string' &&
      other.includes(first) &&
      (second as { asymmetricMatch(value: unknown): boolean }).asymmetricMatch(other),
    toAsymmetricMatcher: () => `text with ${first} and ${String(second)}`,
  };
}

export const ADMITTED = { status: 201, message: '' };

export function app(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'none.invalid/app', ...more };
}

interface Changes {
  metadata?: Partial<PodBody['metadata']>;
  spec?: Partial<PodBody['spec']>;
}

/** Nothing but what the API asks for. */
export function plainPod({ metadata = {}, spec = {} }: Changes = {}): PodBody {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', ...metadata },
    spec: { containers: [app('main')], ...spec },
  };
}

export function stamp(more: Partial<PodStamp> = {}): string {
  const whole: PodStamp = {
    version: 1,
    registration: 'finance-agent',
    agent: 'finance-agent',
    tenant: 'fintech',
    template: `sha256:${'0'.repeat(64)}`,
    capture: 'Transparent',
    egressGuard: 'Enforce',
    guarded: true,
    ...more,
  };
  return JSON.stringify(whole);
}

export const gateway = (more: Partial<Container> = {}): Container => ({
  name: 'aegis-gateway',
  image: GATEWAY_IMAGE,
  restartPolicy: 'Always',
  securityContext: {
    runAsUser: GATEWAY_UID,
    runAsGroup: GATEWAY_UID,
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [
    { name: 'aegis-state', mountPath: '/var/lib/aegis' },
    { name: 'aegis-token', mountPath: '/var/run/aegis/token', readOnly: true },
    { name: 'aegis-trust', mountPath: '/var/run/aegis/trust' },
  ],
  ...more,
});

export const capture = (more: Partial<Container> = {}): Container => ({
  name: 'aegis-capture',
  image: GATEWAY_IMAGE,
  securityContext: { runAsUser: 0, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
  ...more,
});

export const tokenVolume = (name = 'aegis-token', audience = 'aegis.dev') => ({
  name,
  projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: 3600, path: 'token' } }] },
});

/** As the webhook leaves it. */
export function agentPod({ metadata = {}, spec = {} }: Changes = {}): PodBody {
  const { annotations, labels, ...names } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'agent',
      labels: { app: 'finance-agent', ...labels },
      annotations: { [STAMP_ANNOTATION]: stamp(), ...annotations },
      ...names,
    },
    spec: {
      serviceAccountName: 'finance-agent',
      initContainers: [gateway(), capture(), app('migrate')],
      containers: [
        app('main', { volumeMounts: [{ name: 'aegis-trust', mountPath: '/var/run/aegis/trust', readOnly: true }] }),
      ],
      volumes: [{ name: 'aegis-state', emptyDir: {} }, tokenVolume(), { name: 'aegis-trust', emptyDir: {} }],
      ...spec,
    },
  };
}

/** The token has a policy of its own, in every namespace; here it would only answer first. */
export function tokenless(pod: PodBody): PodBody {
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const mounts = container.volumeMounts?.filter(({ name }) => name !== 'aegis-token');
    if (mounts !== undefined) container.volumeMounts = mounts;
  }
  pod.spec.volumes = pod.spec.volumes?.filter(({ name }) => name !== 'aegis-token') ?? [];
  return pod;
}
