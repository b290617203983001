import type { KubeObject } from '../kube/types.ts';
import { hasFinished, type PodView } from './pod-view.ts';

/**
 * Whether a pod runs for the registration that is there now, and not for one of this name before: its gateway was put
 * into it while there was a registration. Both times are the API server's own.
 */
export function runsNow(pod: PodView | undefined, registration: KubeObject | undefined): boolean {
  if (pod === undefined || registration === undefined || hasFinished(pod)) return false;
  return Date.parse(pod.createdAt ?? '') >= Date.parse(registration.metadata.creationTimestamp ?? '');
}
