/** What pods are rendered from in these tests, and how the API server fills them in. */
import { createHash } from 'node:crypto';
import type {
  AdmittedPod,
  Container,
  InjectionFacts,
  InjectionSettings,
  NamespaceFacts,
} from '../../../operator/injection/types.ts';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

export const SETTINGS: InjectionSettings = {
  image: 'registry.example.com/aegis/gateway:1.4.0',
  uid: 16001,
  resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
  bundlesAddress: 'https://aegis-operator-bundles.aegis-system.svc',
  gatewaySettings: {},
  capture: 'Auto',
  clusterDomain: 'cluster.local',
};

export const NAMESPACE: NamespaceFacts = { name: 'fintech', mode: 'Enabled', podSecurity: 'privileged' };

export const FACTS: InjectionFacts = {
  registration: {
    name: 'finance-agent',
    namespace: 'fintech',
    agentId: 'finance-agent',
    egressGuard: 'Off',
    egressAllow: [],
    tools: [{ toolId: 'stripe-payments', credential: { secret: 'stripe', key: 'token' } }],
  },
  tenant: { name: 'fintech', uid: '8d0ad0a4-9a4a-4d44-a3a4-1f2c1e0b8f3e' },
  pinnedKeys: ['key-a', 'key-b'],
  caPem: '-----BEGIN CERTIFICATE-----\nMIIBexample\n-----END CERTIFICATE-----\n',
  minSequence: 7,
};

/** Parts of the facts and settings that a test wants otherwise. */
export interface Variation {
  registration?: Partial<InjectionFacts['registration']>;
  facts?: Partial<Omit<InjectionFacts, 'registration'>>;
  namespace?: Partial<NamespaceFacts>;
  settings?: Partial<InjectionSettings>;
}

export function situation({ registration, facts, namespace, settings }: Variation = {}) {
  return {
    facts: { ...FACTS, ...facts, registration: { ...FACTS.registration, ...registration } },
    namespace: { ...NAMESPACE, ...namespace },
    settings: { ...SETTINGS, ...settings },
  };
}

export function podOf(
  spec: Partial<AdmittedPod['spec']> = {},
  metadata: Partial<AdmittedPod['metadata']> = {},
): AdmittedPod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'finance-agent-0', namespace: 'fintech', labels: { app: 'finance-agent' }, ...metadata },
    spec: { serviceAccountName: 'finance-agent', containers: [{ name: 'agent', image: 'agent:1' }], ...spec },
  };
}

/** A copy of its own, as it comes over the wire. */
export function overTheWire<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/**
 * What the API server makes of a pod that it has been given: defaults of containers, and the token of the ServiceAccount
 * where `tokens` says so, as its admission plugin mounts it.
 */
export function asDefaulted(given: AdmittedPod, tokens: 'everywhere' | 'foreign' = 'foreign'): AdmittedPod {
  const pod = overTheWire(given);
  const volume =
    pod.spec.volumes?.find(({ name }) => name.startsWith('kube-api-access-'))?.name ?? 'kube-api-access-x2b7q';
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    defaultContainer(container, tokens === 'everywhere' || !container.name.startsWith('aegis-') ? volume : undefined);
  }
  const volumes = pod.spec.volumes ?? [];
  if (!volumes.some(({ name }) => name === volume)) {
    const sources = [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }];
    volumes.push({ name: volume, projected: { sources, defaultMode: 420 } });
  }
  pod.spec = {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...pod.spec,
    volumes,
  };
  return pod;
}

function defaultContainer(container: Container, token: string | undefined): void {
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.imagePullPolicy ??= 'IfNotPresent';
  container.resources ??= {};
  const path = '/var/run/secrets/kubernetes.io/serviceaccount';
  const mounts = container.volumeMounts ?? [];
  if (token === undefined || mounts.some(({ mountPath }) => mountPath === path)) return;
  container.volumeMounts = [...mounts, { name: token, readOnly: true, mountPath: path }];
}
