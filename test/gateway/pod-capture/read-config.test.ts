import fc from 'fast-check';
import { readCaptureConfig } from '../../../gateway/pod-capture/read-config.ts';
import { resolversOf } from '../../../gateway/pod-capture/resolvers.ts';
import { AegisError } from '../../../policy/errors.ts';
import type { CaptureConfig } from '../../../policy/wire/capture-config.ts';

const CONFIG: CaptureConfig = {
  version: 1,
  gatewayUid: 16_001,
  ports: { http: 15_080, tls: 15_443 },
  guard: 'Observe',
  allow: [{ cidr: '10.0.0.0/8' }, { cidr: 'fd00::/8', ports: [443, 8443] }],
};

test('what the operator writes is read as it stands', () => {
  expect(readCaptureConfig(JSON.stringify(CONFIG))).toEqual(CONFIG);
});

const changed = (change: (config: Record<string, unknown>) => void): string => {
  const copy = structuredClone(CONFIG) as unknown as Record<string, unknown>;
  change(copy);
  return JSON.stringify(copy);
};

test.each([
  ['nothing', undefined],
  ['no JSON', 'version: 1'],
  ['an empty text', ''],
  ['a list', '[]'],
  ['a field twice', '{"version":1,"version":1}'],
  ['another version', changed((config) => (config.version = 2))],
  ['a field that is not known', changed((config) => (config.except = ['a']))],
  ['a missing guard', changed((config) => delete config.guard)],
  ['another guard', changed((config) => (config.guard = 'enforce'))],
  ['root as the gateway', changed((config) => (config.gatewayUid = 0))],
  ['no user at all', changed((config) => (config.gatewayUid = 2 ** 32 - 1))],
  ['a broken user', changed((config) => (config.gatewayUid = '16001 -j ACCEPT'))],
  ['one port for both', changed((config) => (config.ports = { http: 1, tls: 1 }))],
  ['port 0', changed((config) => (config.ports = { http: 0, tls: 1 }))],
  ['a further port', changed((config) => (config.ports = { http: 1, tls: 2, ssh: 3 }))],
  ['a host', changed((config) => (config.allow = [{ cidr: 'example.com' }]))],
  ['rules in a network', changed((config) => (config.allow = [{ cidr: '10.0.0.0/8 -j ACCEPT\n' }]))],
  ['an empty list of ports', changed((config) => (config.allow = [{ cidr: '10.0.0.0/8', ports: [] }]))],
  ['a port too far', changed((config) => (config.allow = [{ cidr: '10.0.0.0/8', ports: [65_536] }]))],
  ['too many networks', changed((config) => (config.allow = new Array(257).fill({ cidr: '10.0.0.0/8' })))],
  ['a field of a network that is not known', changed((config) => (config.allow = [{ cidr: '10.0.0.0/8', port: 1 }]))],
])('%s is refused', (_, text) => {
  expect(() => readCaptureConfig(text)).toThrow(expect.objectContaining({ code: 'AEGIS_CAPTURE_CONFIG' }));
});

test('never: anything else than a whole configuration or a refusal', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        const config = readCaptureConfig(text);
        expect(config.version).toBe(1);
      } catch (error) {
        expect(error).toBeInstanceOf(AegisError);
      }
    }),
  );
});

test('name servers are read as the C library reads them', () => {
  const text = [
    '# nameserver 1.1.1.1',
    'search a.svc.cluster.local',
    'nameserver 10.96.0.10',
    'nameserver\tfe80::1%eth0',
    ' nameserver 9.9.9.9',
    'nameserver 10.96.0.10 # again',
    'nameserver dns.example.com',
    'options ndots:5',
  ].join('\n');
  expect(resolversOf(text)).toEqual(['10.96.0.10', 'fe80::1']);
  expect(resolversOf('')).toEqual([]);
});
