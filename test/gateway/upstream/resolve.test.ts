import fc from 'fast-check';
import { canonicalHost, matchesHost } from '../../../gateway/upstream/authority.ts';
import { createTargetResolver } from '../../../gateway/upstream/resolve-target.ts';
import type { UpstreamContract } from '../../../policy/mapping/contract.ts';
import { contractOf } from './support/front.ts';

const resolve = (upstream: Partial<UpstreamContract>, named?: [string, number], overrides = {}) => {
  const target = createTargetResolver(overrides)(
    contractOf(upstream),
    named === undefined ? undefined : { host: named[0], port: named[1] },
  );
  return 'code' in target ? target.code : `${target.origin}${target.basePath}`;
};

test.each([
  ['https://api.example.com', 'https://api.example.com'],
  ['https://API.Example.com.:443/v2/', 'https://api.example.com/v2'],
  ['http://api.example.com:8080/a/b', 'http://api.example.com:8080/a/b'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ['http://[0:0::1]:4010', 'http://[::1]:4010'],
  ['http://0x7f.1', 'http://127.0.0.1'],
  ['ftp://api.example.com', 'AEGIS_UPSTREAM_UNKNOWN'],
  ['https://user@api.example.com', 'AEGIS_UPSTREAM_UNKNOWN'],
  ['https://api.example.com/?q=1', 'AEGIS_UPSTREAM_UNKNOWN'],
  ['not a url', 'AEGIS_UPSTREAM_UNKNOWN'],
])('url %s', (url, expected) => {
  expect(resolve({ url })).toBe(expected);
});

test('a tool without url has no default place', () => {
  expect(resolve({ hosts: ['api.example.com'] })).toBe('AEGIS_UPSTREAM_UNKNOWN');
});

const HOSTS = { url: 'https://api.example.com/v2', hosts: ['files.example.com', '*.uploads.example.com'] };

test.each<[string, number, string]>([
  ['api.example.com', 443, 'https://api.example.com/v2'],
  ['API.EXAMPLE.COM.', 443, 'https://api.example.com/v2'],
  ['api.example.com', 80, 'https://api.example.com/v2'],
  ['files.example.com', 443, 'https://files.example.com/v2'],
  ['files.example.com', 80, 'https://files.example.com/v2'],
  ['eu.uploads.example.com', 443, 'https://eu.uploads.example.com/v2'],
  ['a.b.uploads.example.com', 443, 'https://a.b.uploads.example.com/v2'],
  ['uploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['xuploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['.uploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['api.example.com.evil.test', 443, 'AEGIS_UPSTREAM_HOST'],
  ['api.example.com', 8443, 'AEGIS_UPSTREAM_HOST'],
  ['files.example.com', 22, 'AEGIS_UPSTREAM_HOST'],
  ['169.254.169.254', 443, 'AEGIS_UPSTREAM_HOST'],
  ['', 443, 'AEGIS_UPSTREAM_HOST'],
  ['evil.test#.uploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['evil.test\\.uploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['user@eu.uploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['eu%2euploads.example.com', 443, 'AEGIS_UPSTREAM_HOST'],
  ['eu.uploads.example.com:1', 443, 'AEGIS_UPSTREAM_HOST'],
])('named %s %i', (host, port, expected) => {
  expect(resolve(HOSTS, [host, port])).toBe(expected);
});

test('clear text only where the url of the same host says so, and only on its port', () => {
  expect(resolve({ url: 'http://tool.test' }, ['tool.test', 80])).toBe('http://tool.test');
  expect(resolve({ url: 'http://tool.test' }, ['tool.test', 443])).toBe('http://tool.test');
  expect(resolve({ url: 'http://tool.test:8080' }, ['tool.test', 8080])).toBe('http://tool.test:8080');
  expect(resolve({ url: 'http://tool.test:8080' }, ['tool.test', 80])).toBe('AEGIS_UPSTREAM_HOST');
  expect(resolve({ url: 'http://tool.test', hosts: ['other.test'] }, ['other.test', 80])).toBe('https://other.test');
  expect(resolve({ url: 'http://[::1]:4010' }, ['[0::1]', 4010])).toBe('http://[::1]:4010');
});

test('a stand-in takes everything, but a named authority must still be one of the tool', () => {
  const overrides: Record<string, string> = { payments: 'http://127.0.0.1:4010/mock/' };
  expect(resolve(HOSTS, undefined, overrides)).toBe('http://127.0.0.1:4010/mock');
  expect(resolve(HOSTS, ['files.example.com', 443], overrides)).toBe('http://127.0.0.1:4010/mock');
  expect(resolve(HOSTS, ['evil.test', 443], overrides)).toBe('AEGIS_UPSTREAM_HOST');
  expect(resolve(HOSTS, undefined, { payments: 'nonsense' })).toBe('AEGIS_UPSTREAM_UNKNOWN');
  const resolver = createTargetResolver(overrides);
  const contract = contractOf(HOSTS);
  expect(resolver(contract)).toMatchObject({ basePath: '/mock', publicPath: '/v2', explicit: true });
  delete overrides.payments;
  expect(resolver(contract)).toMatchObject({ basePath: '/v2', publicPath: '/v2', explicit: false });
});

test('targets are made once per contract', () => {
  const resolver = createTargetResolver();
  const contract = contractOf(HOSTS);
  expect(resolver(contract)).toBe(resolver(contract));
  const named = { host: 'files.example.com', port: 443 };
  expect(resolver(contract, named)).toBe(resolver(contract, { ...named }));
});

test('a host never matches a pattern of another domain', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), label, (text, name) => {
      const pattern = `*.${name}.example`;
      const host = canonicalHost(text);
      if (host === undefined) return;
      expect(matchesHost(pattern, host)).toBe(host.endsWith(`.${name}.example`));
      expect(canonicalHost(host)).toBe(host);
      expect(host).not.toMatch(/[\s@/\\#?%]/);
    }),
  );
});
