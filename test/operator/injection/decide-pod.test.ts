import { decidePod } from '../../../operator/injection/decide-pod.ts';
import type { AdmittedPod } from '../../../operator/injection/types.ts';
import type { RegistrationLike } from '../../../operator/workloads/match-pods.ts';
import { podOf, situation } from './sample-injection.ts';

function registration(
  name: string,
  app = 'finance-agent',
  serviceAccountName = 'finance-agent',
  namespace = 'fintech',
): RegistrationLike {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name, namespace },
    spec: { workload: { selector: { matchLabels: { app } }, serviceAccountName } },
  };
}

function decide(pod: AdmittedPod, candidates: readonly RegistrationLike[], mode: 'Enabled' | 'Strict' = 'Enabled') {
  return decidePod(pod, situation({ namespace: { mode } }).namespace, candidates);
}

const FINANCE = registration('finance-agent');
const OTHER = registration('other', 'other');

test('a pod of one registration gets the gateway, also while it has no name', () => {
  for (const mode of ['Enabled', 'Strict'] as const) {
    expect(decide(podOf(), [OTHER, FINANCE], mode)).toEqual({ kind: 'inject', registration: 'finance-agent' });
  }
  const nameless: AdmittedPod = {
    ...podOf(),
    metadata: { generateName: 'finance-', labels: { app: 'finance-agent' } },
  };
  expect(decide(nameless, [FINANCE])).toEqual({ kind: 'inject', registration: 'finance-agent' });
});

test('a pod of none is left alone, or refused where the namespace is strict', () => {
  const pod = podOf({}, { labels: { app: 'web' } });
  expect(decide(pod, [FINANCE, OTHER])).toEqual({ kind: 'leave' });
  expect(decide(pod, [FINANCE], 'Strict')).toMatchObject({ kind: 'refuse', code: 'AEGIS_INJECT_NO_AGENT', about: [] });
  expect(decide(podOf(), [registration('finance-agent', 'finance-agent', 'finance-agent', 'elsewhere')])).toEqual({
    kind: 'leave',
  });
  expect(decide({ ...pod, metadata: {} }, [FINANCE])).toEqual({ kind: 'leave' });
});

test('a pod of two is refused, and both are told', () => {
  for (const mode of ['Enabled', 'Strict'] as const) {
    const found = decide(podOf(), [registration('second'), FINANCE], mode);
    expect(found).toMatchObject({ kind: 'refuse', code: 'AEGIS_INJECT_AMBIGUOUS', about: ['finance-agent', 'second'] });
  }
});

test('labels that fit and another ServiceAccount: a warning, or refused where the namespace is strict', () => {
  const pod = podOf({ serviceAccountName: 'default' });
  const { serviceAccountName, ...rest } = pod.spec;
  for (const one of [pod, { ...pod, spec: rest }]) {
    const found = decide(one, [FINANCE, OTHER]);
    expect(found).toMatchObject({ kind: 'leave', about: 'finance-agent' });
    expect(found).toHaveProperty(
      'warning',
      expect.stringContaining('as ServiceAccount default instead of finance-agent'),
    );
    expect(decide(one, [FINANCE, OTHER], 'Strict')).toMatchObject({
      kind: 'refuse',
      code: 'AEGIS_INJECT_SERVICE_ACCOUNT',
      about: ['finance-agent'],
    });
  }
  expect(decide(podOf(), [FINANCE, registration('second', 'finance-agent', 'second')])).toEqual({
    kind: 'inject',
    registration: 'finance-agent',
  });
});

test('a pod of an agent may not use the network of its node, nor ask for Windows', () => {
  const hosted = podOf({ hostNetwork: true });
  expect(decide(hosted, [FINANCE])).toMatchObject({
    kind: 'refuse',
    code: 'AEGIS_INJECT_HOST_NETWORK',
    about: ['finance-agent'],
  });
  expect(decide(hosted, [OTHER])).toEqual({ kind: 'leave' });
  expect(decide(podOf({ os: { name: 'windows' } }), [FINANCE])).toMatchObject({
    kind: 'refuse',
    about: ['finance-agent'],
  });
  expect(decide(podOf({ os: { name: 'linux' } }), [FINANCE])).toMatchObject({ kind: 'inject' });
});

test('mirror pods of a node run already', () => {
  const pod = podOf({ hostNetwork: true }, { annotations: { 'kubernetes.io/config.mirror': 'abc' } });
  expect(decide(pod, [FINANCE], 'Strict')).toEqual({ kind: 'leave' });
});

test('more containers than a pod can be stored with, each of which would be given something', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `c${at}` }));
  const ours = [{ name: 'aegis-gateway' }, { name: 'aegis-capture' }];
  const fits = podOf({ containers: many(200), initContainers: [...ours, ...many(54)] });
  expect(decide(fits, [FINANCE])).toMatchObject({ kind: 'inject' });
  for (const spec of [{ containers: many(257) }, { containers: many(200), initContainers: many(57) }]) {
    const refused = { kind: 'refuse', code: 'AEGIS_INJECT_RENDER', about: ['finance-agent'] };
    expect(decide(podOf(spec), [FINANCE])).toMatchObject(refused);
    expect(decide(podOf(spec), [OTHER])).toEqual({ kind: 'leave' });
  }
});
