import fc from 'fast-check';
import { parseAuthority, sameAuthority } from '../../../gateway/capture/authority.ts';
import { parseTarget } from '../../../gateway/capture/request-target.ts';

test.each([
  ['api.example.com', 'api.example.com', undefined],
  ['API.Example.com:443', 'api.example.com', 443],
  ['127.0.0.1:80', '127.0.0.1', 80],
  ['[::1]:8080', '::1', 8080],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example', undefined],
])('%s', (text, host, port) => {
  expect(parseAuthority(text)).toEqual({ host, port });
});

test.each([
  '',
  ':80',
  'a:',
  'a:0',
  'a:080',
  'a:65536',
  'u@a',
  'a b',
  'a..b',
  'a.',
  '.a',
  'a/b',
  'a%2eb',
  '[::1',
  '::1',
  '[fe80::1%25eth0]',
  '[::ffff:127.0.0.1]',
  '0x7f.1',
  '127.1',
  '2130706433',
  '0177.0.0.1',
  '1.2.3.4.5',
  'a,b',
  'büro.example',
  `${'a'.repeat(250)}.com`,
])('%s is none', (text) => {
  expect(parseAuthority(text)).toBeUndefined();
});

test('what is taken means the same to a URL parser', () => {
  const text = fc.oneof(
    fc.webAuthority({ withIPv4: true, withIPv6: true, withPort: true, withUserInfo: true }),
    fc.string({ unit: fc.constantFrom(...'a0.:-_[]x1@%'.split('')), maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, (value) => {
      const parsed = parseAuthority(value);
      if (parsed === undefined) return;
      const url = new URL(`http://${value}/`);
      expect(url.username + url.password).toBe('');
      expect(url.port === '' ? 80 : Number(url.port)).toBe(parsed.port ?? 80);
      if (!parsed.host.includes(':')) expect(url.hostname).toBe(parsed.host);
    }),
    { numRuns: 1000 },
  );
});

test('authorities are the same with their default port', () => {
  expect(sameAuthority({ host: 'a', port: undefined }, { host: 'a', port: 443 }, 443)).toBe(true);
  expect(sameAuthority({ host: 'a', port: undefined }, { host: 'a', port: 80 }, 443)).toBe(false);
  expect(sameAuthority({ host: 'a', port: 1 }, { host: 'b', port: 1 }, 443)).toBe(false);
});

test.each([
  ['/a?b', { form: 'origin', path: '/a?b' }],
  ['http://a/b?c', { form: 'absolute', scheme: 'http', authority: { host: 'a', port: undefined }, path: '/b?c' }],
  ['HTTP://A:81', { form: 'absolute', scheme: 'http', authority: { host: 'a', port: 81 }, path: '/' }],
  ['http://a?b', { form: 'absolute', scheme: 'http', authority: { host: 'a', port: undefined }, path: '/?b' }],
  ['*', { form: 'other' }],
  ['ftp://a/', { form: 'other' }],
  ['http://u@a/', { form: 'other' }],
  ['http://a#b', { form: 'other' }],
])('target %s', (text, expected) => {
  expect(parseTarget(text)).toEqual(expected);
});
