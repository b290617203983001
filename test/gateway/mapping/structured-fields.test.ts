/** Lists and maps in URL-encoded fields: only what every parser reads alike. */
import fc from 'fast-check';
import { buildToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapRequest } from '../../../gateway/mapping/map-request.ts';
import { rewriteRequest } from '../../../gateway/mapping/rewrite-request.ts';
import { stringifyExact } from '../../../policy/decision/stringify.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';

const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const router = buildToolRouter(
  compileToolContract('t', {
    protocol: 'HTTP',
    upstream: { url: 'http://t' },
    actions: [
      {
        name: 'post',
        effect: 'write',
        match: { method: 'POST', path: '/a' },
        parameters: {
          expand: { in: 'form', type: 'array' },
          counts: { in: 'form', type: 'array', items: 'integer' },
          items: { in: 'form', type: 'array', items: 'object' },
          metadata: { in: 'form', type: 'object' },
          enabled: { in: 'form', name: 'methods[enabled]', type: 'boolean' },
          days: { in: 'query', type: 'array' },
        },
      },
    ],
  }),
);

function map(body: string, query = '') {
  const target = `/a${query}`;
  return mapRequest(router, { method: 'POST', target, rawHeaders: FORM, body: Buffer.from(body) });
}

function read(body: string, query = ''): unknown {
  const mapped = map(body, query);
  return mapped.ok ? JSON.parse(stringifyExact(mapped.call.params)) : mapped.refusal.code.replace('AEGIS_MAPPING_', '');
}

test.each([
  ['expand[0]=a&expand[1]=b', { expand: ['a', 'b'] }],
  ['expand[]=a&expand[]=b', { expand: ['a', 'b'] }],
  ['expand=a&expand=b', { expand: ['a', 'b'] }],
  ['expand%5B0%5D=a', { expand: ['a'] }],
  ['counts[0]=1&counts[1]=2', { counts: [1, 2] }],
  ['metadata[order]=7&metadata[note]=a+b', { metadata: { order: '7', note: 'a b' } }],
  ['metadata=', { metadata: {} }],
  ['metadata[a][b]=1&metadata[a][c][0]=2', { metadata: { a: { b: '1', c: ['2'] } } }],
  [
    'items[0][price]=p&items[0][quantity]=2&items[1][price]=q',
    { items: [{ price: 'p', quantity: '2' }, { price: 'q' }] },
  ],
  ['methods[enabled]=true', { enabled: true }],
])('%s', (body, params) => expect(read(body)).toEqual(params));

test('in the query, too', () => expect(read('', '?days=ge1&days=le2')).toEqual({ days: ['ge1', 'le2'] }));

test.each([
  ['a gap', 'expand[1]=a', 'MISTYPED'],
  ['out of order', 'expand[1]=b&expand[0]=a', 'MISTYPED'],
  ['an index twice', 'expand[0]=a&expand[0]=b', 'DUPLICATE'],
  ['an index in another spelling', 'expand[00]=a', 'MISTYPED'],
  ['a key in a list', 'expand[x]=a', 'MISTYPED'],
  ['a level too many', 'expand[0][x]=a', 'MISTYPED'],
  ['plain and bracketed', 'expand=a&expand[0]=b', 'BODY'],
  ['empty and numbered brackets', 'expand[]=a&expand[0]=b', 'BODY'],
  ['empty brackets inside', 'items[][price]=a', 'BODY'],
  ['a list of maps as a plain list', 'items[0]=a', 'MISTYPED'],
  ['a number that is none', 'counts[0]=1e3', 'MISTYPED'],
  ['a map as a text', 'metadata=x', 'MISTYPED'],
  ['a map as a list', 'metadata[]=x', 'MISTYPED'],
  ['a map with numbers only', 'metadata[0]=x', 'MISTYPED'],
  ['a key twice', 'metadata[a]=1&metadata[a]=2', 'DUPLICATE'],
  ['a key as a value and as a map', 'metadata[a]=1&metadata[a][b]=2', 'DUPLICATE'],
  ['a key as a map and as a value', 'metadata[a][b]=2&metadata[a]=1', 'DUPLICATE'],
  ['a map that is cleared and filled', 'metadata=&metadata[a]=1', 'BODY'],
  ['an open bracket', 'metadata[a=1', 'BODY'],
  ['brackets inside brackets', 'metadata[a[b]]=1', 'BODY'],
  ['text behind the brackets', 'metadata[a]b=1', 'BODY'],
  ['the prototype', 'metadata[__proto__]=1', 'BODY'],
  ['too deep', `metadata${'[a]'.repeat(9)}=1`, 'BODY'],
  ['another name', 'Metadata[a]=1', 'UNDECLARED'],
  ['below a plain parameter', 'methods[enabled][x]=true', 'UNDECLARED'],
])('%s is refused', (_, body, code) => expect(read(body)).toBe(code));

test('lists and maps come back as they were written', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
  const leaf = fc.string({ unit: 'grapheme-ascii', maxLength: 8 });
  const tree = fc.dictionary(key, fc.oneof(leaf, fc.array(leaf, { minLength: 1, maxLength: 3 })), { minKeys: 1 });
  fc.assert(
    fc.property(tree, fc.array(leaf, { minLength: 1 }), (metadata, expand) => {
      const fields = Object.entries(metadata).flatMap(([name, value]) =>
        Array.isArray(value)
          ? value.map((each, index): [string, string] => [`metadata[${name}][${index}]`, each])
          : [[`metadata[${name}]`, value] as [string, string]],
      );
      fields.push(...expand.map((each, index): [string, string] => [`expand[${index}]`, each]));
      expect(read(new URLSearchParams(fields).toString())).toEqual({ metadata: { ...metadata }, expand });
    }),
  );
});

test('whatever stands in brackets, nothing is thrown and nothing undeclared passes', () => {
  const name = fc.stringMatching(/^(metadata|items|expand|other)[a0[\]]{0,8}$/);
  fc.assert(
    fc.property(fc.array(name, { maxLength: 5 }), (names) => {
      const mapped = map(names.map((each) => `${encodeURIComponent(each)}=x`).join('&'));
      if (mapped.ok) expect(Object.keys(mapped.call.params)).toEqual(expect.not.arrayContaining(['other']));
      if (mapped.ok) expect(names.some((each) => each.startsWith('other'))).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('a sanitized list is written back; a map can only be dropped as a whole', () => {
  const body = 'expand[0]=a&metadata[x]=1&metadata[y]=2';
  const mapped = map(body);
  if (!mapped.ok) throw new Error(mapped.refusal.code);
  const request = { method: 'POST', target: '/a', rawHeaders: FORM, body: Buffer.from(body) };
  const rewrite = (params: Record<string, unknown>) => rewriteRequest(router, request, mapped.call, params);
  const { expand, metadata } = mapped.call.params;
  expect(Buffer.from(rewrite({ expand })?.request.body ?? []).toString()).toBe('expand[0]=a');
  expect(rewrite({ expand, metadata: { x: '1' } })).toBeUndefined();
  const masked = rewrite({ expand: ['*'], metadata });
  if (masked !== undefined) expect(masked.call.params.expand).toEqual(['*']);
});
