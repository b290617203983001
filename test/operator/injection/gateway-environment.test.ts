/** What the gateway is told is what the gateway understands. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { GATEWAY_SETTINGS } from '../../../gateway/config/gateway-settings.ts';
import { ignoredGatewaySettings } from '../../../operator/injection/gateway-environment.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import type { Container } from '../../../operator/injection/types.ts';
import { caConstraints, issue, nameOf } from '../../../runtime/certificates/certificate.ts';
import { loadSettings } from '../../../runtime/settings/load-settings.ts';
import { digest, podOf, situation, type Variation } from './sample-injection.ts';

const CA = selfSigned();

function selfSigned(): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = nameOf('ca');
  const times = { notBefore: 0, notAfter: 4e12 };
  const request = { serial: Buffer.from([1]), issuer: name, subject: name, publicKey, extensions: [caConstraints()] };
  return issue({ ...request, ...times }, privateKey);
}

function gatewayOf(variation: Variation): Container {
  const { facts, namespace, settings } = situation(variation);
  const { pod } = injectPod(podOf(), facts, namespace, settings, digest);
  return pod.spec.initContainers?.[0] as Container;
}

function environmentOf(variation: Variation): Record<string, string> {
  const entries =
    gatewayOf(variation).env?.map(({ name, value }) => [name, value ?? 'e7d0c7d4-pod-uid'] as const) ?? [];
  return Object.fromEntries(entries);
}

const TOOLS = Array.from({ length: 256 }, (_, index) => ({
  toolId: `tool-${String(index).padStart(3, '0')}`,
  credential: { secret: 's', key: 'k' },
}));

const VARIATIONS: Record<string, Variation> = {
  'as it usually is': {},
  guarded: {
    registration: {
      egressGuard: 'Enforce',
      egressAllow: [
        { host: '*.Example.com' },
        { host: 'a.b', ports: [443, 8443] },
        { host: '10.0.0.1' },
        { cidr: '10.0.0.0/8' },
      ],
    },
  },
  'not redirected': { registration: { egressGuard: 'Observe' }, namespace: { podSecurity: 'restricted' } },
  'with as many tools as there can be': { registration: { tools: TOOLS } },
  'without tools': { registration: { tools: [] } },
  'with further settings': {
    settings: { gatewaySettings: { 'upstream.allowPrivate': '10.0.0.0/8', 'telemetry.level': 'debug' } },
  },
};

test.each(Object.entries(VARIATIONS))('the gateway starts with it: %s', async (_, variation) => {
  const environment = environmentOf({ ...variation, facts: { caPem: CA } });
  const loaded = await loadSettings(GATEWAY_SETTINGS, {
    argv: [],
    environment,
    readFile: async () => '',
  });
  expect(loaded.problems).toEqual([]);
  expect(loaded.settings).toMatchObject({
    agent: 'finance-agent',
    tenant: 'fintech',
    tenantUid: '8d0ad0a4-9a4a-4d44-a3a4-1f2c1e0b8f3e',
    'bundle.pinnedKeys': ['key-a', 'key-b'],
    'bundle.minSequence': 7,
    'listen.peers': 'Machine',
  });
  for (const key of Object.keys(environment)) expect([...loaded.origins.values()]).toContain(key);
});

test('trust, addresses and listeners cannot be set for all gateways', () => {
  const gatewaySettings = {
    'bundle.pinnedKeys': 'mine',
    'bundle.directory': '/mine',
    'bundle.caFile': '/mine',
    'listen.peers': 'Any',
    'capture.allowHosts': '*.example.com',
    config: '/mine',
    'a/b': 'c',
  };
  expect(environmentOf({ settings: { gatewaySettings } })).toEqual(environmentOf({}));
  expect(ignoredGatewaySettings({ gatewaySettings })).toEqual(Object.keys(gatewaySettings));
});

test('whatever the registration, everything that is rendered is out of reach of those settings', () => {
  for (const variation of Object.values(VARIATIONS)) {
    const keys = Object.keys(GATEWAY_SETTINGS.table);
    const names = new Set(Object.keys(environmentOf({ ...variation, settings: {} })));
    const rendered = keys.filter((key) =>
      names.has(`AEGIS_GATEWAY_${key.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase()}`),
    );
    expect(rendered).toHaveLength(names.size);
    expect(ignoredGatewaySettings({ gatewaySettings: Object.fromEntries(rendered.map((key) => [key, 'x'])) })).toEqual(
      rendered,
    );
  }
});

test('nothing that is given refers to another variable', () => {
  const { AEGIS_GATEWAY_TELEMETRY_SERVICE: service } = environmentOf({
    settings: { gatewaySettings: { 'telemetry.service': '$(AEGIS_GATEWAY_AGENT) $$ $' } },
  });
  expect(service).toBe('$$(AEGIS_GATEWAY_AGENT) $$$$ $$');
});

test.each([
  { pinnedKeys: [] },
  { caPem: '' },
  { tenant: { name: 'fintech', uid: '' } },
])('without what trust stands on nothing is rendered: %j', (facts) => {
  expect(() => gatewayOf({ facts })).toThrow(expect.objectContaining({ code: 'AEGIS_INJECT_RENDER' }));
});

test('whatever the schema lets through as a destination, the gateway starts with it', async () => {
  const label = fc.stringMatching(/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9_])?$/);
  const host = fc.oneof(
    label,
    label.map((name) => `*.${name}`),
    fc.ipV4(),
    fc.constantFrom('a..b', '*.1.2', '0x1', 'a.-b'),
  );
  const ports = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  });
  const allow = fc
    .record({ host, ports })
    .map(({ host: name, ports: some }) => ({ host: name, ...(some && { ports: some }) }));
  await fc.assert(
    fc.asyncProperty(fc.array(allow, { maxLength: 4 }), async (egressAllow) => {
      const environment = environmentOf({ registration: { egressAllow }, facts: { caPem: CA } });
      const { problems } = await loadSettings(GATEWAY_SETTINGS, { argv: [], environment, readFile: async () => '' });
      expect(problems).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
