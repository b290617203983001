import type { CaptureMode } from '../../policy/wire/pod-contract.ts';

/** A Pod as it comes in an AdmissionRequest, as far as it counts; everything else passes through untouched. */
export interface AdmittedPod {
  apiVersion: string;
  kind: string;
  metadata: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  spec: PodSpec;
}

export interface PodSpec {
  initContainers?: Container[];
  containers: Container[];
  ephemeralContainers?: Container[];
  volumes?: Volume[];
  serviceAccountName?: string;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  shareProcessNamespace?: boolean;
  dnsConfig?: { nameservers?: string[]; searches?: string[]; [field: string]: unknown } | null;
  hostAliases?: unknown[] | null;
  securityContext?: SecurityContext;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image?: string;
  restartPolicy?: string;
  env?: EnvironmentVariable[];
  volumeMounts?: VolumeMount[];
  securityContext?: SecurityContext;
  [field: string]: unknown;
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  [field: string]: unknown;
}

export interface Volume {
  name: string;
  [source: string]: unknown;
}

export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  capabilities?: { add?: string[]; drop?: string[] };
  [field: string]: unknown;
}

/** What the operator was started with. */
export interface InjectionSettings {
  /** Image of gateway and capture program. */
  image: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** User and group id of the gateway. */
  uid: number;
  /** Kubernetes resources of the gateway; the capture program has the same requests. */
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  /** Base URL of the bundle API. */
  bundlesAddress: string;
  /** Further settings of every gateway, by key (docs/gateway-configuration.md), e.g. `upstream.allowPrivate`. */
  gatewaySettings: Readonly<Record<string, string>>;
  /** `Auto`: transparent, unless the namespace's Pod Security level forbids it. */
  capture: 'Auto' | CaptureMode;
  /** Name suffix of services in the cluster, for NO_PROXY; `cluster.local`. */
  clusterDomain: string;
}

/** What is known of the registration that a pod matches, at the moment of its admission. */
export interface InjectionFacts {
  registration: {
    name: string;
    namespace: string;
    agentId: string;
    egressGuard: 'Off' | 'Observe' | 'Enforce';
    egressAllow: readonly { host?: string; cidr?: string; ports?: readonly number[] }[];
    /** That it may use, sorted by id; a tool that is not there (yet) has neither credential nor CA. */
    tools: readonly ToolFacts[];
  };
  tenant: { name: string; uid: string };
  /** Ids of the only keys whose signatures count, sorted. */
  pinnedKeys: readonly string[];
  /** Certificates (PEM) of the bundle API's CA. */
  caPem: string;
  /** Of the tenant's committed bundle; 1 where there is none yet. */
  minSequence: number;
}

export interface ToolFacts {
  toolId: string;
  /** Secret in the pod's namespace. */
  credential?: { secret: string; key: string };
  ca?: { kind: 'ConfigMap' | 'Secret'; name: string; key: string };
}

/** Of the pod's namespace. */
export interface NamespaceFacts {
  name: string;
  /** `Strict`: pods of no agent are refused. */
  mode: 'Enabled' | 'Strict';
  /** Label `pod-security.kubernetes.io/enforce`. */
  podSecurity: 'privileged' | 'baseline' | 'restricted';
}
