/** What doctor reads of a cluster before it says anything. All of it is somebody else's word: nothing is trusted. */
import type { KubeObject } from '../../operator/kube/types.ts';
import type {
  AgentPolicy,
  AgentRegistration,
  AgentTool,
  StatusCondition,
} from '../../policy/resources/types.generated.ts';

/** What cannot be read is not absent. */
export type Read<T> = { ok: true; value: T } | { ok: false; why: string };

/** What was found; `incomplete`: what else there may be could not be read. */
export interface Listed<T> {
  items: readonly T[];
  incomplete?: string;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: object;
  terminated?: { reason?: string; exitCode?: number };
}

export interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface LivePod extends KubeObject {
  spec?: {
    serviceAccountName?: string;
    hostNetwork?: boolean;
    nodeName?: string;
    initContainers?: { name: string; restartPolicy?: string }[];
    containers?: { name: string }[];
  };
  status?: {
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export type Registration = KubeObject & Pick<AgentRegistration, 'spec' | 'status'>;
export type Policy = KubeObject & Pick<AgentPolicy, 'spec' | 'status'>;
export type Tool = KubeObject & Pick<AgentTool, 'spec' | 'status'>;

export interface LiveEvent extends KubeObject {
  reason?: string;
  note?: string;
  regarding?: { kind?: string; namespace?: string; name?: string };
  eventTime?: string;
  series?: { count?: number; lastObservedTime?: string };
}

export interface LiveDeployment extends KubeObject {
  spec?: { replicas?: number };
  status?: { readyReplicas?: number };
}

export interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; failurePolicy?: string; clientConfig?: { caBundle?: string } }[];
}

export interface Installation {
  /** The operator's. */
  namespace: string;
  /** The API server knows the kinds of Aegis. */
  kindsKnown: boolean;
  deployments: Read<readonly LiveDeployment[]>;
  injection: Read<WebhookConfiguration | undefined>;
  check: Read<WebhookConfiguration | undefined>;
}

/** Everything about one pod. */
export interface PodSnapshot {
  namespaceName: string;
  podName: string;
  pod: Read<LivePod | undefined>;
  namespace: Read<KubeObject | undefined>;
  /** Of the pod's namespace. */
  registrations: Read<readonly Registration[]>;
  /** Of the tenant's namespaces and of the operator's. */
  policies: Listed<Policy>;
  tools: Listed<Tool>;
  /** `PolicyViolation`, of the pod's namespace. */
  violations: Read<readonly LiveEvent[]>;
  installation: Installation;
}

/** A namespace that is labelled or has registrations. */
export interface NamespaceSnapshot {
  name: string;
  /** Its labels; not readable where namespaces are not. */
  labels: Read<Readonly<Record<string, string>>>;
  registrations: Read<readonly Registration[]>;
  pods: Read<readonly LivePod[]>;
}

export interface ClusterSnapshot {
  installation: Installation;
  /** Why not every namespace is here, where that is so. */
  incomplete: readonly string[];
  namespaces: readonly NamespaceSnapshot[];
}

export function conditionOf(
  { status }: { status?: { conditions?: readonly StatusCondition[] } },
  type: string,
): StatusCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function labelsOf({ metadata }: KubeObject): Readonly<Record<string, string>> {
  return metadata.labels ?? {};
}
