import { captureConfig } from '../../../operator/injection/capture-container.ts';
import { captureMode } from '../../../operator/injection/capture-mode.ts';
import { containerParts } from '../../../operator/injection/container-parts.ts';
import { allowedHosts, allowedNetworks, unusableDestinations } from '../../../operator/injection/egress-allow.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import { sameQuantity } from '../../../operator/injection/quantity.ts';
import { toolAddresses } from '../../../operator/injection/tool-addresses.ts';
import { toolSecrets } from '../../../operator/injection/tool-secrets.ts';
import { digest, FACTS, podOf, SETTINGS, situation } from './sample-injection.ts';

test('traffic is redirected unless the namespace forbids it, or the operator says otherwise', () => {
  const modes = (['privileged', 'baseline', 'restricted'] as const).map((podSecurity) =>
    (['Auto', 'Transparent', 'Explicit'] as const).map((capture) => captureMode({ podSecurity }, { capture })),
  );
  expect(modes).toEqual([
    ['Transparent', 'Transparent', 'Explicit'],
    ['Explicit', 'Transparent', 'Explicit'],
    ['Explicit', 'Transparent', 'Explicit'],
  ]);
});

test('every tool has a port by its place among the sorted ids, and those beyond the last one a path', () => {
  const tools = Array.from({ length: 258 }, (_, index) => ({ toolId: `t${String(index).padStart(3, '0')}` }));
  const found = toolAddresses([...tools].reverse());
  expect(found[0]).toEqual({ toolId: 't000', port: 15100, url: 'http://127.0.0.1:15100' });
  expect(found[255]).toEqual({ toolId: 't255', port: 15355, url: 'http://127.0.0.1:15355' });
  expect(found[256]).toEqual({ toolId: 't256', url: 'http://127.0.0.1:15001/t256' });
});

test('credentials and CAs stand where the gateway looks for them', () => {
  const secrets = toolSecrets([
    { toolId: 'b.c', credential: { secret: 'b', key: 'to.ken' }, ca: { kind: 'Secret', name: 'b-ca', key: 'ca.crt' } },
    { toolId: 'a', ca: { kind: 'ConfigMap', name: 'a-ca', key: 'x' } },
    { toolId: 'odd', credential: { secret: 'o', key: '../../x' } },
    { toolId: 'none' },
  ]);
  expect(secrets?.volume.projected).toEqual({
    defaultMode: 0o444,
    sources: [
      { configMap: { name: 'a-ca', optional: true, items: [{ key: 'x', path: 'a/ca/x' }] } },
      { secret: { name: 'b-ca', optional: true, items: [{ key: 'ca.crt', path: 'b.c/ca/ca.crt' }] } },
      { secret: { name: 'b', optional: true, items: [{ key: 'to.ken', path: 'b.c/credential/to.ken' }] } },
    ],
  });
  expect(toolSecrets([{ toolId: 'none' }])).toBeUndefined();
});

test('the init container is told networks, and the gateway hosts', () => {
  const { facts, settings } = situation({
    registration: {
      egressGuard: 'Enforce',
      egressAllow: [{ host: 'a' }, { cidr: 'fd00::/8' }, { cidr: '10.0.0.1/32', ports: [22] }],
    },
  });
  expect(captureConfig(facts, settings)).toEqual({
    version: 1,
    gatewayUid: 16001,
    ports: { http: 15080, tls: 15443 },
    guard: 'Enforce',
    allow: [{ cidr: 'fd00::/8' }, { cidr: '10.0.0.1/32', ports: [22] }],
  });
});

test('destinations that name nothing are left out, and told', () => {
  const allow = [
    { host: 'A.example.com' },
    { host: '*.b.c', ports: [443] },
    { host: '*.1.2' },
    { cidr: '10.0.0.0/8' },
    { cidr: 'x' },
  ];
  expect(allowedHosts([...allow, { host: 'a.example.com' }])).toEqual(['a.example.com', '*.b.c:443']);
  expect(allowedNetworks(allow)).toEqual([{ cidr: '10.0.0.0/8' }]);
  expect(unusableDestinations(allow)).toEqual(['*.1.2', 'x']);
  const { facts, namespace, settings } = situation({ registration: { egressAllow: allow } });
  expect(injectPod(podOf(), facts, namespace, settings, digest).warnings).toEqual([
    'These entries of egress.allow are neither a host nor a network: *.1.2,x.',
  ]);
});

test.each([
  ['gateway', 'Always'],
  ['gateway:latest', 'Always'],
  ['registry:5000/gateway', 'Always'],
  ['registry:5000/gateway:1.2', 'IfNotPresent'],
  ['gateway@sha256:00', 'IfNotPresent'],
  ['gateway:1@sha256:00', 'IfNotPresent'],
])('%s is pulled %s, as Kubernetes has it', (image, policy) => {
  expect(containerParts({ ...SETTINGS, image }).imagePullPolicy).toBe(policy);
  expect(containerParts({ ...SETTINGS, image, imagePullPolicy: 'Never' }).imagePullPolicy).toBe('Never');
});

test('the stamp tells that settings have changed, and not that time has passed', () => {
  const template = (variation: Parameters<typeof situation>[0], pod = podOf()) => {
    const { facts, namespace, settings } = situation(variation);
    return injectPod(pod, facts, namespace, settings, digest).stamp.template;
  };
  const now = template({});
  expect(template({ facts: { minSequence: 99 } })).toBe(now);
  expect(template({}, podOf({ shareProcessNamespace: true }))).toBe(now);
  expect(now).toMatch(/^sha256:[0-9a-f]{64}$/);
  for (const variation of [
    { facts: { pinnedKeys: ['key-a'] } },
    { facts: { caPem: `${FACTS.caPem}${FACTS.caPem}` } },
    { registration: { egressGuard: 'Observe' as const } },
    { registration: { tools: [] } },
    { settings: { image: 'other:1' } },
    { settings: { uid: 7 } },
    { namespace: { podSecurity: 'baseline' as const } },
  ]) {
    expect(template(variation)).not.toBe(now);
  }
});

test.each([
  ['1', '1000m', true],
  ['0.1', '100m', true],
  ['1024Mi', '1Gi', true],
  ['1e3', '1k', true],
  ['2E3', '2k', true],
  ['0.5Gi', '512Mi', true],
  ['100n', '0.1u', true],
  ['1M', '1Mi', false],
  ['1', '2', false],
  ['1', '', false],
  ['x', 'y', false],
  ['1', '1x', false],
])('%s and %s are the same quantity: %s', (a, b, same) => {
  expect(sameQuantity(a, b)).toBe(same);
  expect(sameQuantity(b, a)).toBe(same);
});
