import { type CaptureMode, GUARD_PROBLEMS, type GuardProblem } from '../../policy/wire/pod-contract.ts';
import { foreignOf, isReserved } from './reserved.ts';
import type { AdmittedPod, Container, InjectionSettings, NamespaceFacts, PodSpec } from './types.ts';

/**
 * Why an egress guard in this pod could be escaped, in the order of `GUARD_PROBLEMS`; none: it cannot. Every container
 * that is not ours counts, and what it does not say counts as the worst that Kubernetes would make of it.
 */
export function guardProblems(
  pod: AdmittedPod,
  namespace: NamespaceFacts,
  settings: InjectionSettings,
  capture: CaptureMode,
): GuardProblem[] {
  const { spec } = pod;
  const found = new Set<GuardProblem>();
  if (capture === 'Explicit') found.add(namespace.podSecurity === 'privileged' ? 'NotRedirected' : 'PodSecurity');
  if (spec.hostNetwork === true) found.add('HostNetwork');
  if (spec.hostPID === true) found.add('HostProcesses');
  if (spec.shareProcessNamespace === true) found.add('SharedProcesses');
  if (spec.hostIPC === true) found.add('HostIpc');
  for (const container of [...foreignOf(spec.initContainers), ...foreignOf(spec.containers)]) {
    for (const problem of containerProblems(container, spec, settings)) found.add(problem);
  }
  if (spec.volumes?.some((volume) => !isReserved(volume.name) && volume.hostPath != null)) found.add('HostPath');
  if (bringsNames(spec)) found.add('OwnNames');
  return (Object.keys(GUARD_PROBLEMS) as GuardProblem[]).filter((problem) => found.has(problem));
}

/** Port 53 of its name servers passes the guard; and the gateway, too, goes by what a name stands for in the pod. */
function bringsNames({ dnsConfig, hostAliases }: PodSpec): boolean {
  return [dnsConfig?.nameservers, dnsConfig?.searches, hostAliases].some((list) => (list ?? []).length > 0);
}

/** As it will be: the container's own word counts before the pod's. */
export function userOf({ securityContext }: Container, spec: PodSpec): number | undefined {
  return securityContext?.runAsUser ?? spec.securityContext?.runAsUser ?? undefined;
}

function* containerProblems(container: Container, spec: PodSpec, { uid }: InjectionSettings): Iterable<GuardProblem> {
  const { securityContext: context } = container;
  const user = userOf(container, spec);
  if (user === undefined || user === 0) yield 'RootUser';
  if (user === uid) yield 'GatewayUser';
  if ((context?.capabilities?.add ?? []).length > 0) yield 'AddedCapabilities';
  if (context?.allowPrivilegeEscalation !== false) yield 'PrivilegeEscalation';
  if (context?.privileged === true) yield 'Privileged';
}
