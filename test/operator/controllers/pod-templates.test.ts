import { PodTemplates } from '../../../operator/controllers/pod-templates.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import { digest, podOf, situation, type Variation } from '../injection/sample-injection.ts';

function templateOf(change: Variation = {}, options: { ready?: boolean; withImage?: boolean } = {}) {
  const { ready = true, withImage = true } = options;
  const { facts, namespace, settings } = situation(change);
  const knowledge = {
    ready,
    namespace: (name: string) => (name === namespace.name ? namespace : undefined),
    facts: (_: string, name: string) => (name === facts.registration.name ? facts : undefined),
  };
  return new PodTemplates({ knowledge, settings: withImage ? settings : undefined, digest });
}

const of = (change?: Variation) => templateOf(change).of('fintech', 'finance-agent');

test('it is the one in the stamp of a pod that comes now', () => {
  for (const change of [{}, { namespace: { podSecurity: 'restricted' as const } }]) {
    const { facts, namespace, settings } = situation(change);
    expect(of(change)).toBe(injectPod(podOf(), facts, namespace, settings, digest).stamp.template);
  }
});

test('whatever only new pods get makes another one; a later bundle does not', () => {
  const tool = { toolId: 'stripe-payments' };
  const others: Variation[] = [
    { registration: { tools: [tool] } },
    { registration: { tools: [{ ...tool, credential: { secret: 'stripe', key: 'other' } }] } },
    { registration: { tools: [{ ...tool, ca: { kind: 'ConfigMap', name: 'ca', key: 'ca.crt' } }] } },
    { registration: { egressAllow: [{ host: 'files.example.com' }] } },
    { registration: { egressGuard: 'Enforce' } },
    { facts: { pinnedKeys: ['key-b', 'key-c'] } },
    { facts: { caPem: '-----BEGIN CERTIFICATE-----\nMIIBother\n-----END CERTIFICATE-----\n' } },
    { settings: { image: 'registry.example.com/aegis/gateway:1.5.0' } },
  ];
  const templates = [undefined, ...others].map(of);
  expect(new Set(templates).size).toBe(others.length + 1);
  expect(of({ facts: { minSequence: 8 } })).toBe(of());
});

test('where nobody can say there is none', () => {
  expect(templateOf({}, { ready: false }).of('fintech', 'finance-agent')).toBeUndefined();
  expect(templateOf({}, { withImage: false }).of('fintech', 'finance-agent')).toBeUndefined();
  expect(templateOf().of('elsewhere', 'finance-agent')).toBeUndefined();
  expect(templateOf().of('fintech', 'somebody')).toBeUndefined();
  // nothing is rendered that trusts nobody
  expect(of({ facts: { pinnedKeys: [] } })).toBeUndefined();
});
