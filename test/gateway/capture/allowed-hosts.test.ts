import fc from 'fast-check';
import { allowedHosts, type HostPattern, parseHostPattern } from '../../../gateway/capture/allowed-hosts.ts';

const allows = (...patterns: string[]) => allowedHosts(patterns.map((text) => parseHostPattern(text) as HostPattern));

test('a host, at the ports of HTTP and TLS or at the one that is named', () => {
  const allowed = allows('Kubernetes.default.svc', '*.Example.com', 'db.internal:5432', '10.0.0.7');
  for (const host of ['kubernetes.default.svc', 'a.example.com', 'A.B.example.com', '10.0.0.7']) {
    expect([80, 443, 8443].map((port) => allowed({ host, port }))).toEqual([true, true, false]);
  }
  expect(allowed({ host: 'db.internal', port: 5432 })).toBe(true);
  expect(allowed({ host: 'db.internal', port: 443 })).toBe(false);
  for (const host of ['example.com', 'badexample.com', 'kubernetes.default', 'x.kubernetes.default.svc', '10.0.0.70']) {
    expect([host, allowed({ host, port: 443 })]).toEqual([host, false]);
  }
});

test.each([
  '',
  '*',
  '*.',
  '*.*.com',
  'a.*.com',
  '*.10.0.0.1',
  '*.::1',
  'a b',
  'a:0',
  'a:65536',
  'a.',
  '.a',
  'https://a',
  'a/b',
  '10.1',
])('%j is no pattern', (text) => expect(parseHostPattern(text)).toBeUndefined());

test('never: a host that is neither named nor below a name', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,4}$/).filter((text) => !/^[0-9]/.test(text));
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), name), { maxLength: 4 }), name, (patterns, host) => {
      const allowed = allows(...patterns.map(([wild, text]) => (wild ? `*.${text}` : text)));
      const expected = patterns.some(([wild, text]) => (wild ? host.endsWith(`.${text}`) : host === text));
      expect(allowed({ host, port: 443 })).toBe(expected);
    }),
  );
});
