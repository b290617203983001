import type { ErrorCode } from '../../policy/errors.ts';
import { fitsLabels, type RegistrationLike, registrationsOfPod } from '../workloads/match-pods.ts';
import type { AdmittedPod, NamespaceFacts } from './types.ts';

export type PodDecision =
  /** Nothing is done. `about`: name of the registration that the warning is about. */
  | { kind: 'leave'; warning?: string; about?: string }
  /** `about`: names of the registrations that are told. */
  | { kind: 'refuse'; code: ErrorCode; message: string; about: readonly string[] }
  | { kind: 'inject'; registration: string };

/** Of the kubelet, for what its node runs without having been asked by anybody. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** Each is given variables and a mount; with more of them the API server could hardly store the pod. */
const MAX_CONTAINERS = 256;
/** The API server's own default. */
const DEFAULT_ACCOUNT = 'default';

/**
 * Whose pod it is, and what follows from that. A pod is of exactly one agent, or of none.
 * @param candidates all registrations of the pod's namespace.
 */
export function decidePod(
  pod: AdmittedPod,
  namespace: NamespaceFacts,
  candidates: readonly RegistrationLike[],
): PodDecision {
  const { metadata, spec } = pod;
  // already running, whatever is said here
  if (metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return { kind: 'leave' };
  const view = {
    namespace: namespace.name,
    labels: metadata.labels ?? {},
    serviceAccountName: spec.serviceAccountName || DEFAULT_ACCOUNT,
  };
  const names = namesOf(registrationsOfPod(view, candidates));
  const [registration] = names;
  if (registration === undefined) {
    const near = candidates.filter((candidate) => fitsLabels(view, candidate));
    return decideStranger(namespace, near, view.serviceAccountName);
  }
  if (names.length > 1) {
    const message = `The AgentRegistrations ${names.join(', ')} all match the pod.`;
    return { kind: 'refuse', code: 'AEGIS_INJECT_AMBIGUOUS', message, about: names };
  }
  if (spec.hostNetwork === true) {
    const message = `The pod of agent registration ${registration} uses the network of its node.`;
    return { kind: 'refuse', code: 'AEGIS_INJECT_HOST_NETWORK', message, about: names };
  }
  if (isWindows(pod)) {
    const message = `The pod of agent registration ${registration} asks for Windows, and the gateway is made for Linux.`;
    return { kind: 'refuse', code: 'AEGIS_INJECT_RENDER', message, about: names };
  }
  const count = (spec.initContainers ?? []).length + spec.containers.length;
  if (count > MAX_CONTAINERS) {
    const message = `The pod has ${count} containers; one of an agent has ${MAX_CONTAINERS} at most, the gateway among them.`;
    return { kind: 'refuse', code: 'AEGIS_INJECT_RENDER', message, about: names };
  }
  return { kind: 'inject', registration };
}

/** @param near registrations whose labels fit. */
function decideStranger(
  { mode, name }: NamespaceFacts,
  near: readonly RegistrationLike[],
  account: string,
): PodDecision {
  const about = namesOf(near);
  const [first] = about;
  if (first !== undefined) {
    const wanted = near.map(({ spec }) => spec.workload.serviceAccountName).sort();
    const message =
      `The labels of the pod fit AgentRegistration ${about.join(', ')}, ` +
      `but it runs as ServiceAccount ${account} instead of ${[...new Set(wanted)].join(' or ')}`;
    if (mode === 'Strict') {
      return { kind: 'refuse', code: 'AEGIS_INJECT_SERVICE_ACCOUNT', message: `${message}.`, about };
    }
    return { kind: 'leave', warning: `AEGIS_INJECT_SERVICE_ACCOUNT: ${message}: it has no gateway.`, about: first };
  }
  if (mode === 'Enabled') return { kind: 'leave' };
  const message = `No AgentRegistration of namespace ${name} matches the pod.`;
  return { kind: 'refuse', code: 'AEGIS_INJECT_NO_AGENT', message, about: [] };
}

function namesOf(registrations: readonly RegistrationLike[]): string[] {
  return registrations.map(({ metadata }) => metadata.name).sort();
}

function isWindows({ spec }: AdmittedPod): boolean {
  return (spec.os as { name?: unknown } | null | undefined)?.name === 'windows';
}
