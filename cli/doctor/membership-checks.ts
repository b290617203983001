/** Whose pod it is: the namespace, the opt-out, and exactly one registration that fits. */
import type { KubeObject } from '../../operator/kube/types.ts';
import { isLabelled } from '../../operator/workloads/injection-labels.ts';
import { fitsLabels } from '../../operator/workloads/match-pods.ts';
import { ALLOW_OPT_OUT_LABEL, INJECT_LABEL } from '../../policy/wire/pod-contract.ts';
import { type Check, failed, ok, skipped, unknown } from './check.ts';
import { restartCommand } from './restart-command.ts';
import { type LivePod, labelsOf, type Read, type Registration } from './snapshot.ts';

export interface Membership {
  checks: readonly Check[];
  /** The one that the pod belongs to. */
  registration?: Registration;
}

export function membership(
  pod: LivePod,
  namespace: Read<KubeObject | undefined>,
  registrations: Read<readonly Registration[]>,
): Membership {
  const checks = [labelled(pod, namespace), optOut(pod, namespace)];
  if (!registrations.ok) return { checks: [...checks, unknown('registrations', registrations.why)] };
  const found = ownerOf(pod, registrations.value);
  return { checks: [...checks, ...found.checks], ...(found.registration && { registration: found.registration }) };
}

function labelled(pod: LivePod, namespace: Read<KubeObject | undefined>): Check {
  const title = 'namespace is labelled';
  const name = pod.metadata.namespace ?? 'default';
  if (!namespace.ok) return unknown(title, namespace.why);
  const labels = namespace.value === undefined ? {} : labelsOf(namespace.value);
  const value = labels[INJECT_LABEL];
  if (isLabelled(labels)) return ok(title, `${INJECT_LABEL}=${value}`);
  const why =
    value === undefined
      ? `Namespace ${name} has no label ${INJECT_LABEL}: no pod in it gets a gateway.`
      : `The label ${INJECT_LABEL} of namespace ${name} is "${value}": only enabled and strict count.`;
  const label = `kubectl label namespace ${name} ${INJECT_LABEL}=enabled${value === undefined ? '' : ' --overwrite'}`;
  return failed(title, 'NamespaceNotLabelled', why, label, restartCommand(pod, name));
}

function optOut(pod: LivePod, namespace: Read<KubeObject | undefined>): Check {
  const title = 'pod does not stay out';
  if (labelsOf(pod)[INJECT_LABEL] !== 'false') return ok(title);
  const allowed = namespace.ok && namespace.value && labelsOf(namespace.value)[ALLOW_OPT_OUT_LABEL] === 'true';
  const why = allowed
    ? `The pod has the label ${INJECT_LABEL}: "false", and its namespace allows that: it runs without a gateway.`
    : `The pod has the label ${INJECT_LABEL}: "false": it runs without a gateway.`;
  return failed(title, 'OptedOut', why, `remove the label ${INJECT_LABEL} from the pod template`);
}

function ownerOf(pod: LivePod, registrations: readonly Registration[]): Membership {
  const view = viewOf(pod);
  const fitting = registrations.filter((registration) => fitsLabels(view, registration)).sort(byName);
  const { namespace, serviceAccountName: account } = view;
  if (fitting.length === 0) {
    const why =
      registrations.length === 0
        ? `There is no AgentRegistration in namespace ${namespace}: the pod is no agent.`
        : `The labels of the pod fit none of the AgentRegistrations ${listOf(registrations)}: the pod is no agent.`;
    const next = [`kubectl get agreg -n ${namespace} -o custom-columns=NAME:.metadata.name,SELECTOR:.spec.workload`];
    return { checks: [failed('selector of a registration fits', 'NoRegistration', why, ...next), ...NOT_ASKED] };
  }
  const fits = ok('selector of a registration fits', listOf(fitting));
  const owners = fitting.filter(({ spec }) => spec.workload.serviceAccountName === account);
  const [registration] = owners;
  if (registration === undefined) {
    const wanted = [...new Set(fitting.map(({ spec }) => spec.workload.serviceAccountName))].join(' or ');
    const why = `The pod runs as ServiceAccount ${account}; ${listOf(fitting)} wants ${wanted}. So it is no agent, and has no gateway.`;
    const next = `set serviceAccountName: ${wanted} in the pod template, or correct spec.workload.serviceAccountName`;
    return { checks: [fits, failed('ServiceAccount', 'ServiceAccountMismatch', why, next), ...NOT_ASKED.slice(1)] };
  }
  const runs = ok('ServiceAccount', account);
  if (owners.length > 1) {
    const why = `${listOf(owners)} all match: a pod is one agent, so this one gets no bundle, and a new one is refused.`;
    const next = 'make their selectors disjoint, or give them different ServiceAccounts';
    return { checks: [fits, runs, failed('exactly one registration', 'AmbiguousPods', why, next)] };
  }
  return { checks: [fits, runs, ok('exactly one registration', registration.metadata.name)], registration };
}

const NOT_ASKED: readonly Check[] = [
  skipped('ServiceAccount', 'no registration fits'),
  skipped('exactly one registration', 'none fits'),
];

export function viewOf({ metadata, spec }: LivePod) {
  return {
    namespace: metadata.namespace ?? 'default',
    labels: metadata.labels ?? {},
    serviceAccountName: spec?.serviceAccountName || 'default',
  };
}

function listOf(registrations: readonly Registration[]): string {
  const names = registrations.map(({ metadata }) => metadata.name).sort();
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function byName(a: Registration, b: Registration): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
