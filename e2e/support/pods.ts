import type { Pod } from '../cluster/cluster.ts';
import { IMAGES } from '../images/images.ts';

/** A container of the workload image that sleeps, or does what `command` says. */
export function workload(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name,
    image: IMAGES.workload,
    imagePullPolicy: 'IfNotPresent',
    command: ['sleep', 'infinity'],
    ...more,
  };
}

/** A pod that ends at once when it is deleted. */
export function podOf(name: string, spec: Record<string, unknown>, labels: Record<string, string> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { terminationGracePeriodSeconds: 1, ...spec },
  };
}

/** Of its init containers, in order. */
export function initNames({ spec }: Pod): string[] {
  return (spec.initContainers ?? []).map(({ name }) => name);
}
