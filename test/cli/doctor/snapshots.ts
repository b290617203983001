/** Parts of clusters, healthy unless a test says otherwise. */
import type {
  ClusterSnapshot,
  Installation,
  LivePod,
  PodSnapshot,
  Policy,
  Registration,
  Tool,
} from '../../../cli/doctor/snapshot.ts';
import type { PodStamp } from '../../../policy/wire/pod-contract.ts';

export const NAMESPACE = 'fintech';
export const POD = 'finance-agent-7c9d8b6f5-x2x4k';

export const STAMP: PodStamp = {
  version: 1,
  registration: 'finance-agent',
  agent: 'finance-agent',
  tenant: 'fintech',
  template: `sha256:${'a'.repeat(64)}`,
  capture: 'Transparent',
  egressGuard: 'Enforce',
  guarded: true,
};

export const read = <T>(value: T) => ({ ok: true as const, value });
export const FORBIDDEN = { ok: false as const, why: 'namespaces is forbidden: User "dev" cannot get resource.' };

export function pod(change: { stamp?: PodStamp | string | undefined; labels?: Record<string, string> } = {}): LivePod {
  const stamp = 'stamp' in change ? change.stamp : STAMP;
  const text = typeof stamp === 'string' ? stamp : JSON.stringify(stamp);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: POD,
      namespace: NAMESPACE,
      labels: { app: 'finance-agent', 'pod-template-hash': '7c9d8b6f5', ...change.labels },
      ...(stamp !== undefined && { annotations: { 'aegis.dev/status': text } }),
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'finance-agent-7c9d8b6f5', uid: 'u', controller: true },
      ],
    },
    spec: {
      serviceAccountName: 'finance-agent',
      nodeName: 'node-1',
      initContainers: [{ name: 'aegis-gateway', restartPolicy: 'Always' }, { name: 'aegis-capture' }],
      containers: [{ name: 'agent' }],
    },
    status: {
      phase: 'Running',
      initContainerStatuses: [
        { name: 'aegis-gateway', ready: true, restartCount: 0, state: { running: {} } },
        { name: 'aegis-capture', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      ],
    },
  };
}

const condition = (type: string, status: 'True' | 'False' | 'Unknown' = 'True', reason = type, message = '') => ({
  ...{ type, status, reason, message, observedGeneration: 2 },
  lastTransitionTime: '2026-03-01T08:00:00Z',
});

export function registration(change: Partial<Registration['spec']> = {}): Registration {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name: 'finance-agent', namespace: NAMESPACE, generation: 2 },
    spec: {
      owner: 'payments@example.com',
      workload: { selector: { matchLabels: { app: 'finance-agent' } }, serviceAccountName: 'finance-agent' },
      tools: [{ toolId: 'stripe-payments' }],
      egressGuard: 'Enforce',
      ...change,
    },
    status: {
      observedGeneration: 2,
      conditions: [
        condition('Ready', 'True', 'Bound'),
        condition('Accepted', 'True', 'Valid'),
        condition('BundlePublished', 'True', 'Published'),
        condition('Injected', 'True', 'AllInjected'),
        condition('Programmed', 'True', 'AllAcknowledged'),
        condition('EgressGuarded', 'True', 'Guarded'),
      ],
      egressGuard: 'Enforce',
      pods: { matched: 3, injected: 3, acknowledged: 3, summary: '3/3' },
    },
  };
}

/** One of its conditions otherwise. */
export function withCondition(
  object: Registration,
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): Registration {
  const others = object.status?.conditions?.filter((each) => each.type !== type) ?? [];
  return { ...object, status: { ...object.status, conditions: [...others, condition(type, status, reason, message)] } };
}

export const TOOL = {
  ...{
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentTool',
    metadata: { name: 'stripe-payments', namespace: NAMESPACE },
  },
  spec: {},
} as unknown as Tool;

export const POLICY = {
  apiVersion: 'aegis.dev/v1alpha1',
  kind: 'AgentPolicy',
  metadata: { name: 'finance-payments', namespace: NAMESPACE },
  spec: { scope: { agents: ['finance-agent'], tools: ['stripe-payments'] } },
  status: { rollout: { stage: 'Enforce' } },
} as unknown as Policy;

const webhooks = (name: string, failurePolicy = 'Fail', caBundle = 'Q0E=') => ({
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name } },
  webhooks: [{ name: `${name}.dev`, failurePolicy, clientConfig: { caBundle } }],
});

export function installation(change: Partial<Installation> = {}): Installation {
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'aegis-operator' } };
  return {
    namespace: 'aegis-system',
    kindsKnown: true,
    deployments: read([{ ...deployment, spec: { replicas: 2 }, status: { readyReplicas: 2 } }]),
    injection: read(webhooks('aegis-injection')),
    check: read(webhooks('aegis-pods')),
    ...change,
  };
}

export const namespaceObject = (labels: Record<string, string> = { 'aegis.dev/inject': 'enabled' }) => ({
  ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } },
});

export function snapshot(change: Partial<PodSnapshot> = {}): PodSnapshot {
  return {
    namespaceName: NAMESPACE,
    podName: POD,
    pod: read(pod()),
    namespace: read(namespaceObject()),
    registrations: read([registration()]),
    policies: { items: [POLICY] },
    tools: { items: [TOOL] },
    violations: read([]),
    installation: installation(),
    ...change,
  };
}

export function cluster(change: Partial<ClusterSnapshot> = {}): ClusterSnapshot {
  const labels = read({ 'aegis.dev/inject': 'enabled' });
  const healthy = { name: NAMESPACE, labels, registrations: read([registration()]), pods: read([pod()]) };
  return { installation: installation(), incomplete: [], namespaces: [healthy], ...change };
}

export { webhooks };
