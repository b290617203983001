import type { LabelSelector, LabelSelectorRequirement, Workload } from '../../policy/resources/types.generated.ts';
import type { KubeObject } from '../kube/types.ts';
import type { PodView } from './pod-view.ts';

/** An AgentRegistration as far as it says which pods are its own. */
export interface RegistrationLike extends KubeObject {
  spec: { workload: Workload };
}

type Labels = Readonly<Record<string, string>>;

/**
 * `metav1.LabelSelector` as Kubernetes means it: every requirement must hold, `NotIn` and `DoesNotExist` also fit a pod
 * without the label, and an empty selector fits everything. What Kubernetes would call invalid fits nothing here, an
 * unknown field included: what is not understood never widens.
 */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [], ...unknown } = selector;
  if (Object.keys(unknown).length > 0 || matchLabels === null || !Array.isArray(matchExpressions)) return false;
  return (
    Object.entries(matchLabels).every(([key, value]) => typeof value === 'string' && labelOf(labels, key) === value) &&
    matchExpressions.every((requirement) => meets(requirement, labels))
  );
}

function meets({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
  if (!Array.isArray(values)) return false;
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return values.length > 0 && (value === undefined || !values.includes(value));
    case 'Exists':
      return values.length === 0 && value !== undefined;
    case 'DoesNotExist':
      return values.length === 0 && value === undefined;
    default:
      return false;
  }
}

function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Same namespace, the selector fits, and the pod runs as the ServiceAccount. */
export function isPodOf(
  pod: Pick<PodView, 'namespace' | 'labels' | 'serviceAccountName'>,
  registration: RegistrationLike,
): boolean {
  return pod.serviceAccountName === registration.spec.workload.serviceAccountName && fitsLabels(pod, registration);
}

/** Same namespace, and the selector fits; as whom the pod runs does not count. */
export function fitsLabels(pod: Pick<PodView, 'namespace' | 'labels'>, { metadata, spec }: RegistrationLike): boolean {
  return pod.namespace === metadata.namespace && matchesSelector(spec.workload.selector, pod.labels);
}

/** Those of `registrations` that the pod belongs to. One is right, none means no agent, more are a conflict. */
export function registrationsOfPod<T extends RegistrationLike>(
  pod: Pick<PodView, 'namespace' | 'labels' | 'serviceAccountName'>,
  registrations: Iterable<T>,
): T[] {
  const found: T[] = [];
  for (const registration of registrations) if (isPodOf(pod, registration)) found.push(registration);
  return found;
}
