import type { KubeObject } from '../../../operator/kube/types.ts';
import { type PodObject, viewOfPod } from '../../../operator/workloads/pod-view.ts';
import { runsNow } from '../../../operator/workloads/runs-now.ts';

const pod = (creationTimestamp: string, phase = 'Running') => {
  const metadata = { name: 'p', namespace: 'n', uid: 'u', creationTimestamp };
  return viewOfPod({ apiVersion: 'v1', kind: 'Pod', metadata, status: { phase } } satisfies PodObject);
};
const made = (creationTimestamp: string): KubeObject => ({
  ...{ apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentRegistration' },
  metadata: { name: 'a', namespace: 'n', creationTimestamp },
});

test('a pod that is there, and was made when the registration was there', () => {
  expect(runsNow(pod('2026-11-22T08:00:00Z'), made('2026-11-22T08:00:00Z'))).toBe(true);
  expect(runsNow(pod('2026-11-22T08:00:00Z', 'Pending'), made('2026-11-22T07:00:00Z'))).toBe(true);
});

test('not one that is gone or has ended', () => {
  expect(runsNow(undefined, made('2026-11-22T08:00:00Z'))).toBe(false);
  expect(runsNow(pod('2026-11-22T08:00:00Z', 'Succeeded'), made('2026-11-22T07:00:00Z'))).toBe(false);
  expect(runsNow(pod('2026-11-22T08:00:00Z', 'Failed'), made('2026-11-22T07:00:00Z'))).toBe(false);
});

test('not one of a registration of this name before, nor of none', () => {
  expect(runsNow(pod('2026-11-22T08:00:00Z'), made('2026-11-22T08:00:01Z'))).toBe(false);
  expect(runsNow(pod('2026-11-22T08:00:00Z'), undefined)).toBe(false);
});
