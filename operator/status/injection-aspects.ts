/** `Injected` and `EgressGuarded`: whether the pods of an agent are protected, and if not, why and what to do. */
import { GUARD_PROBLEMS, type GuardProblem } from '../../policy/wire/pod-contract.ts';
import { type GuardFacts, weakestGuard } from '../workloads/guard-facts.ts';
import { type Aspect, fails, holds } from './aspect.ts';
import { safeCount } from './safe-values.ts';
import type { RegistrationView } from './views.ts';

type Pods = RegistrationView['pods'];

/** Running pods that match and have no gateway; one whose gateway has not spoken yet has one. */
export function unprotected({ matched, injected, silent = 0 }: Pods): number {
  return safeCount(matched - injected - safeCount(silent));
}

/** Most of it is a matter of the namespace: nothing that the operator could do by itself. */
export function injected(view: RegistrationView, pods: Pods): Aspect {
  const type = 'Injected';
  const { namespace, strays = 0, optedOut = 0, guard } = view;
  const open = unprotected(pods);
  const unlabelled = namespace?.labelled === false;
  if (open > 0) {
    if (unlabelled) {
      const message = `Some pods have no gateway and are not guarded: the namespace is not labelled. ${labelIt(view)} Then restart the pods.`;
      return fails(type, 'waiting', 'NamespaceNotLabelled', message);
    }
    if (optedOut >= open) {
      const message =
        'Some pods stay out by their label aegis.dev/inject: "false": they have no gateway and are not guarded. Remove it from the pod template, or let spec.workload not match them.';
      return fails(type, 'waiting', 'OptedOut', message);
    }
    const message =
      'Some pods predate injection: they run without a gateway and are not guarded. Restart them (kubectl rollout restart).';
    return fails(type, 'waiting', 'PodsPredateInjection', message);
  }
  if (pods.matched === 0) return withoutPods(view, { unlabelled, strays });
  if ((guard?.explicit ?? 0) > 0) {
    const message =
      'Every pod has a gateway. In some of them capture is explicit, because of the Pod Security level of the namespace or the settings of the operator: clients that ignore proxy variables and base URLs reach tools past it.';
    return holds(type, 'ExplicitCapture', message);
  }
  return holds(type, 'AllInjected', 'Every pod of the agent has a gateway.');
}

function withoutPods(view: RegistrationView, { unlabelled, strays }: { unlabelled: boolean; strays: number }): Aspect {
  const type = 'Injected';
  if (strays > 0) return fails(type, 'waiting', 'ServiceAccountMismatch', `0 pods match. ${strayPods(view)}`);
  if (unlabelled) {
    const message = `0 pods match. Those that come get no gateway: the namespace is not labelled. ${labelIt(view)}`;
    return holds(type, 'NamespaceNotLabelled', message);
  }
  return holds(type, 'NoMatchingPods', '0 pods match.');
}

/** What works now and will not for the next pods, or looks like a mistake. */
export function injectionWarnings(view: RegistrationView, pods: Pods): string[] {
  if (pods.matched === 0 || unprotected(pods) > 0) return [];
  const { namespace, strays = 0, guard } = view;
  const warnings: string[] = [];
  if (safeCount(guard?.superseded ?? 0) > 0) warnings.push(SUPERSEDED);
  if (namespace?.labelled === false) {
    warnings.push(`The next pods get no gateway: the namespace is not labelled. ${labelIt(view)}`);
  }
  if (strays > 0) warnings.push(strayPods(view));
  return warnings;
}

const SUPERSEDED =
  'Some pods were started before something that only new pods get: credentials and CAs of tools, spec.tools, egress.allow, pinned keys and CA, or settings of the operator. Restart them (kubectl rollout restart).';

function labelIt({ namespace }: RegistrationView): string {
  return `Label it (kubectl label namespace ${namespace?.name ?? 'NAME'} aegis.dev/inject=enabled).`;
}

function strayPods({ serviceAccountName }: RegistrationView): string {
  const right = serviceAccountName === undefined ? 'the one of spec.workload' : `"${serviceAccountName}"`;
  return `The labels of some running pods fit and their ServiceAccount does not: they are not this agent, and have no gateway. Let them run as ${right}, or correct spec.workload.`;
}

/** True only where every running pod has the guard that was asked for, and cannot escape it. */
export function egressGuarded(view: RegistrationView, pods: Pods): Aspect {
  const type = 'EgressGuarded';
  const { egressGuard, guard } = view;
  const not = (reason: string, message: string): Aspect => fails(type, 'waiting', reason, message);
  if (egressGuard === 'Off') return not('NotRequested', notRequested(view));
  if (pods.matched === 0) return not('NoMatchingPods', `0 pods match. spec.egressGuard is ${egressGuard}.`);
  if (guard === undefined || unprotected(pods) > 0 || guard.unstamped > 0) {
    const message = `spec.egressGuard is ${egressGuard}, but some pods were not started by way of the webhook: they can reach tools past the gateway. The condition Injected says what to do; restart pods whose gateway was written by hand.`;
    return not('NotInjected', message);
  }
  if (guard.outdated > 0) {
    const message = `spec.egressGuard is ${egressGuard}, but some pods were started before it was, or for another registration. Restart them (kubectl rollout restart).`;
    return not('OutdatedPods', message);
  }
  const [first] = Object.keys(guard.problems) as GuardProblem[];
  if (first !== undefined && (egressGuard === 'Enforce' || guard.explicit > 0)) {
    return not(first, `spec.egressGuard is ${egressGuard}, but the guard is not granted. ${listed(guard)}`);
  }
  if (guard.explicit > 0) {
    return not('ExplicitCapture', `spec.egressGuard is ${egressGuard}, but capture is explicit: there is no guard.`);
  }
  if (egressGuard === 'Observe') {
    const message =
      'Nothing is refused: what Enforce would drop is in status.egress, and aegis doctor proposes spec.egress.allow from it.';
    return not(
      'Observing',
      first === undefined ? message : `${message} Enforce would not be granted. ${listed(guard)}`,
    );
  }
  if (guard.guards.Enforce < pods.matched) return not('NotGuarded', 'The guard of some pods is not granted.');
  return holds(type, 'Guarded', 'Nothing leaves the pods but through the gateway, to DNS, or to spec.egress.allow.');
}

function notRequested({ guard }: RegistrationView): string {
  const { Observe = 0, Enforce = 0 } = guard?.guards ?? {};
  if (Observe + Enforce === 0) return 'spec.egressGuard is Off.';
  return 'spec.egressGuard is Off. Some pods have a guard from before, until they are restarted.';
}

/** What is really in force: the least of all pods. */
export function effectiveGuard({ guard }: RegistrationView, pods: Pods): 'Off' | 'Observe' | 'Enforce' {
  if (guard === undefined || pods.matched === 0 || unprotected(pods) > 0) return 'Off';
  return weakestGuard(guard);
}

/** What to do about each; `aegis doctor` says the same. */
export const GUARD_REMEDIES: Readonly<Record<GuardProblem, string>> = {
  PodSecurity: 'Let the namespace enforce the level privileged, or accept explicit capture.',
  NotRedirected: 'Let injection.capture of the operator be Auto.',
  HostNetwork: 'Remove hostNetwork.',
  HostProcesses: 'Remove hostPID.',
  SharedProcesses: 'Remove shareProcessNamespace.',
  HostIpc: 'Remove hostIPC.',
  RootUser: 'Set runAsUser of every container to another number than 0.',
  GatewayUser: "Choose another runAsUser than the gateway's.",
  AddedCapabilities: 'Remove capabilities.add.',
  PrivilegeEscalation: 'Set allowPrivilegeEscalation: false.',
  Privileged: 'Remove privileged.',
  HostPath: 'Remove hostPath volumes.',
  OwnNames: 'Remove hostAliases, and nameservers and searches of dnsConfig.',
};

/** E.g. `RootUser (2 pods): a container has …. Set runAsUser ….` */
function listed({ problems }: GuardFacts): string {
  const parts = Object.entries(problems).map(([problem, count]) => {
    const code = problem as GuardProblem;
    const pods = safeCount(count);
    return `${code} (${pods} ${pods === 1 ? 'pod' : 'pods'}): ${GUARD_PROBLEMS[code]}. ${GUARD_REMEDIES[code]}`;
  });
  return parts.join(' ');
}
