/**
 * Names, ports and paths of what is put into an agent's pod: fixed between the operator, which renders it, the gateway
 * and the capture program, which run there, and the command line, which explains it. Users see all of them.
 */

/** Label of a namespace: `enabled`, or `strict` to refuse pods of no agent. Of a pod: `"false"` to stay out. */
export const INJECT_LABEL = 'aegis.dev/inject';
/** Label of a namespace in which pods may stay out: `"true"`. */
export const ALLOW_OPT_OUT_LABEL = 'aegis.dev/allow-opt-out';
/** Annotation of a pod: what was put into it, as JSON (`PodStamp`). */
export const STAMP_ANNOTATION = 'aegis.dev/status';

/** Native sidecar, the first of the init containers. */
export const GATEWAY_CONTAINER = 'aegis-gateway';
/** Init container after it, which redirects the pod's traffic; only where the namespace allows it. */
export const CAPTURE_CONTAINER = 'aegis-capture';
/** Names of containers and volumes that begin so are ours in every pod that matches. */
export const RESERVED_PREFIX = 'aegis-';

export const VOLUMES = {
  /** emptyDir of the gateway alone: last good bundle, key of the pod's CA. */
  state: 'aegis-state',
  /** ConfigMap `aegis-bootstrap-<registration>`. */
  bootstrap: 'aegis-bootstrap',
  /** Projected token with the audience below; of the gateway alone. */
  token: 'aegis-token',
  /** emptyDir that the gateway writes and every other container reads: certificates of the pod's CA. */
  trust: 'aegis-trust',
  /** Projected: credentials and CAs of the tools; of the gateway alone. */
  tools: 'aegis-tools',
} as const;

export const PATHS = {
  state: '/var/lib/aegis',
  bootstrap: '/var/run/aegis/bootstrap',
  token: '/var/run/aegis/token',
  trust: '/var/run/aegis/trust',
  tools: '/var/run/aegis/tools',
  /** The certificate of the pod's CA alone, in the trust volume. */
  caFile: '/var/run/aegis/trust/ca.crt',
  /** The same and the public roots. */
  trustBundle: '/var/run/aegis/trust/bundle.crt',
} as const;

/** Audience of the gateway's token. */
export const TOKEN_AUDIENCE = 'aegis.dev';

/** Of the pod; everything but `admin` listens on loopback. */
export const PORTS = {
  decisions: 8181,
  /** Path prefix, forward proxy. */
  proxy: 15001,
  /** Redirected plain HTTP: the tool is known by Host. */
  http: 15080,
  /** Redirected TLS: the tool is known by its server name. */
  tls: 15443,
  admin: 15020,
  /** The first of the ports per tool, in the order of the sorted tool ids. */
  firstTool: 15100,
} as const;

/** Tools that get a port of their own; the others have the path prefix. */
export const MAX_TOOL_PORTS = 256;

/** User (and group) id of the gateway where the operator is told no other; of no other container in the pod. */
export const GATEWAY_UID = 16001;

export type CaptureMode =
  /** Ports 80 and 443 are redirected by the init container. */
  | 'Transparent'
  /** HTTP_PROXY and its like, a port per tool, base URLs: the namespace allows no init container with NET_ADMIN. */
  | 'Explicit';

/** The JSON of `STAMP_ANNOTATION`. */
export interface PodStamp {
  version: 1;
  /** Name of the AgentRegistration in the pod's namespace. */
  registration: string;
  agent: string;
  tenant: string;
  /** `sha256:` of everything that was rendered; a pod with another one has other settings than a new one would get. */
  template: string;
  capture: CaptureMode;
  /** What `spec.egressGuard` asked for. */
  egressGuard: 'Off' | 'Observe' | 'Enforce';
  /** The guard is in place and cannot be escaped; else why not, as codes of `GUARD_PROBLEMS`. */
  guarded: boolean;
  problems?: GuardProblem[];
}

/** Why a guard is not granted. Codes are part of conditions and of `aegis doctor`. */
export const GUARD_PROBLEMS = {
  PodSecurity: 'the namespace enforces a Pod Security level that forbids the init container with NET_ADMIN',
  NotRedirected: 'the operator was told to put in no init container with NET_ADMIN',
  HostNetwork: 'the pod uses the network of its node',
  HostProcesses: 'the pod sees the processes of its node',
  SharedProcesses: 'the containers share one process namespace',
  HostIpc: 'the pod shares memory with processes of its node',
  RootUser: 'a container has no explicit user other than root',
  GatewayUser: "a container runs as the gateway's user",
  AddedCapabilities: 'a container adds capabilities',
  PrivilegeEscalation: 'a container does not forbid privilege escalation',
  Privileged: 'a container is privileged',
  HostPath: 'the pod mounts folders of its node',
  OwnNames: 'the pod brings name servers, search domains or host aliases of its own',
} as const;

export type GuardProblem = keyof typeof GUARD_PROBLEMS;
