import fc from 'fast-check';
import { buildToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapRequest } from '../../../gateway/mapping/map-request.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';
import type { ToolAction } from '../../../policy/resources/types.generated.ts';
import { CONTRACT } from '../listeners/fake-activation.ts';

const router = buildToolRouter(CONTRACT);

function map(method: string, target: string, tool = router) {
  return mapRequest(tool, { method, target, rawHeaders: [], body: Buffer.alloc(0) });
}

function code(mapped: ReturnType<typeof map>): string {
  return mapped.ok ? `mapped to ${mapped.call.action.name}` : mapped.refusal.code.replace('AEGIS_MAPPING_', '');
}

function params(mapped: ReturnType<typeof map>): unknown {
  if (!mapped.ok) throw new Error(`${mapped.refusal.code} ${mapped.refusal.message}`);
  return JSON.parse(JSON.stringify(mapped.call.params));
}

function tool(actions: ToolAction[]) {
  return buildToolRouter(compileToolContract('t', { protocol: 'HTTP', upstream: { url: 'http://t' }, actions }));
}

describe('hostile paths', () => {
  test.each([
    ['/v1/payment_intents/../refunds', 'PATH'],
    ['/v1/./payment_intents', 'PATH'],
    ['/v1/%2e%2e/payment_intents', 'PATH'],
    ['/v1/payment_intents/%2E', 'PATH'],
    ['/v1//payment_intents', 'PATH'],
    ['//v1/payment_intents', 'PATH'],
    ['/v1/payment_intents/a%2Fb', 'PATH'],
    ['/v1/payment_intents/a%5Cb', 'PATH'],
    ['/v1/payment_intents\\..\\x', 'PATH'],
    ['/v1/payment_intents/%252e%252e', 'PATH'],
    ['/v1/payment_intents/a%252Fb', 'PATH'],
    ['/v1/payment_intents/a;x=1', 'PATH'],
    ['/v1/payment_intents/a#b', 'PATH'],
    ['/v1/payment_intents/SEARCH', 'PATH'],
    ['/v1/payment_intents/search.json', 'PATH'],
    ['/v1/payment_intents/Search.XML', 'PATH'],
    ['/v1/payment_intents/search.', 'PATH'],
    ['/v1/payment_intents/search%20', 'PATH'],
    ['/v1/payment_intents/%EF%BD%93earch', 'PATH'],
    ['http://evil/v1/payment_intents/x', 'PATH'],
    ['*', 'PATH'],
    ['', 'PATH'],
    ['v1/payment_intents/a', 'PATH'],
    ['/v1/payment_intents/..%2Frefunds', 'PATH'],
    ['/v1/payment_intents/%2e%2e%2f', 'PATH'],
    ['/v1/payment_intents/.%2e', 'PATH'],
    ['/v1/payment_intents/a%2f..%2fb', 'PATH'],
    ['/v1/payment_intents/a%5c..%5cb', 'PATH'],
    ['/v1/payment_intents/a%3Bb=c;d', 'PATH'],
    ['/v1/payment_intents/..;/x', 'PATH'],
    ['/v1/payment_intents/a%25%32%46b', 'PATH'],
    ['/v1/payment_intents/%25%32%65', 'PATH'],
    ['/v1/payment_intents/%73EARCH', 'PATH'],
    ['/v1/payment_intents/a b', 'PATH'],
    ['/v1/payment_intents/ä', 'PATH'],
    ['/v1/payment_intents/a"b', 'PATH'],
    ['/v1/payment_intents/a|b', 'PATH'],
    ['/v1/payment_intents/a\tb', 'PATH'],
    ['/v1/payment_intents/a?x=a#b', 'PATH'],
    ['/v1/payment_intents/a?x=ä', 'PATH'],
    ['/v1/payment_intents/%', 'ENCODING'],
    ['/v1/payment_intents/%4', 'ENCODING'],
    ['/v1/payment_intents/%e0%80%af', 'ENCODING'],
    ['/v1/payment_intents/%f0%80%80%af', 'ENCODING'],
    ['/v1/payment_intents/%f5%80%80%80', 'ENCODING'],
    ['/v1/payment_intents/a%7f', 'ENCODING'],
    ['/v1/payment_intents/a%c2%85', 'ENCODING'],
    ['/v1/payment_intents?', 'UNMAPPED'],
    ['/v1', 'UNMAPPED'],
    ['/v1/payment_intents/%00', 'ENCODING'],
    ['/v1/payment_intents/a%0d%0ab', 'ENCODING'],
    ['/v1/payment_intents/%ff', 'ENCODING'],
    ['/v1/payment_intents/%c0%ae', 'ENCODING'],
    ['/v1/payment_intents/%ed%a0%80', 'ENCODING'],
    ['/v1/payment_intents/%zz', 'ENCODING'],
    ['/v1/payment_intents/%u0041', 'ENCODING'],
    ['/v1/payment_intents/', 'UNMAPPED'],
    ['/v1/payment_intents/a/b', 'UNMAPPED'],
    ['/V1/payment_intents/a', 'UNMAPPED'],
    ['/', 'UNMAPPED'],
  ])('GET %s is refused as %s', (target, expected) => {
    expect(code(map('GET', target))).toBe(expected);
  });

  test('length has a bound', () => expect(code(map('GET', `/${'a'.repeat(9000)}`))).toBe('TOO_LARGE'));

  test('a literal beats a placeholder, and a placeholder decodes once', () => {
    expect(code(map('GET', '/v1/payment_intents/search?query=x'))).toBe('mapped to search');
    expect(params(map('GET', '/v1/payment_intents/a%20b'))).toEqual({ id: 'a b' });
    expect(params(map('HEAD', '/v1/payment_intents/pi_1'))).toEqual({ id: 'pi_1' });
  });

  test('needless encoding is forwarded in the one canonical form', () => {
    const mapped = map('GET', '/v1/%70ayment_intents/%61%3b%20~?x=%61');
    expect(mapped.ok && mapped.call.target).toBe('/v1/payment_intents/a%3B%20~?x=%61');
  });

  test('whatever maps, maps by the segments of a plain decoding of what is forwarded', () => {
    const pieces = fc.constantFrom(
      '/',
      'v1',
      'payment_intents',
      'search',
      '..',
      '.',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      ';',
      'a',
      '%25',
      '2e',
      '%00',
      '?',
      'SEARCH',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const mapped = map('GET', `/v1/payment_intents${parts.join('')}`);
        if (!mapped.ok) return;
        const url = new URL(mapped.call.target, 'http://t');
        const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
        expect(url.pathname).toBe(mapped.call.target.split('?')[0]);
        expect(segments).toHaveLength(3);
        expect(segments.slice(0, 2)).toEqual(['v1', 'payment_intents']);
        if (mapped.call.action.name === 'get_payment') expect(mapped.call.params.id).toBe(segments[2]);
        expect(segments[2]).not.toMatch(/^\.{0,2}$|[/\\]/);
      }),
      { numRuns: 3000 },
    );
  });

  test('the rest of a path is a parameter of its own', () => {
    const files = tool([{ name: 'read', effect: 'read', match: { method: 'GET', path: '/files/{path...}' } }]);
    expect(params(map('GET', '/files/a/b%20c', files))).toEqual({ path: 'a/b c' });
    for (const target of ['/files', '/files/', '/files/a/', '/files/a/../b']) {
      expect(map('GET', target, files).ok).toBe(false);
    }
  });
});
