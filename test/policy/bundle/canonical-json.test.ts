import fc from 'fast-check';
import { canonicalJson, canonicalJsonBytes, compareUtf8 } from '../../../policy/bundle/canonical-json.ts';
import { readJson } from '../../../policy/bundle/json-reader.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';
import { codeOf } from './fixtures.ts';

test('sorts keys by their UTF-8 bytes, integer-like and astral ones included', () => {
  const object = { '10': 1, '9': 2, '\u{1f600}': 3, '\uffee': 4, b: 5, a: 6, '': 7 };
  expect(canonicalJson(object)).toBe('{"":7,"10":1,"9":2,"a":6,"b":5,"\uffee":4,"\u{1f600}":3}');
});

test('escapes as Go does without HTML escaping', () => {
  expect(canonicalJson('<&>\u0000\u0007\b\f\n\r\t\u001f\u007f"\\/é\u2028\u2029😀')).toBe(
    '"<&>\\u0000\\u0007\\b\\f\\n\\r\\t\\u001f\u007f\\"\\\\/é\\u2028\\u2029😀"',
  );
});

test('keeps number literals and prints safe numbers', () => {
  const literals = ['1.0', '1e3', '12345678901234567890', '-0', '1E+2'].map((text) => new NumberLiteral(text));
  expect(canonicalJson(literals)).toBe('[1.0,1e3,12345678901234567890,-0,1E+2]');
  expect(canonicalJson([0, -1, 0.5, 2 ** 53 - 1, 10n ** 20n, true, null])).toBe(
    '[0,-1,0.5,9007199254740991,100000000000000000000,true,null]',
  );
});

test.each([
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['negative zero', -0],
  ['an unsafe integer', 2 ** 53],
  ['undefined', { a: undefined }],
  ['a hole', new Array(2)],
  ['a function', { toJSON: () => 1 }],
  ['a symbol', Symbol('x')],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate in a key', { '\udc00': 1 }],
  ['a Date', new Date(0)],
  ['a Map', new Map()],
  ['a class instance', new (class Thing {})()],
])('refuses %s', (_, value) => {
  expect(codeOf(() => canonicalJson({ deep: [value] }))).toBe('AEGIS_JSON_VALUE');
});

test('refuses bottomless nesting with an error, not a stack overflow', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(codeOf(() => canonicalJson(deep))).toBe('AEGIS_JSON_VALUE');
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(codeOf(() => canonicalJson(circular))).toBe('AEGIS_JSON_VALUE');
});

test('names the place', () => {
  expect(() => canonicalJson({ a: [{ b: Number.NaN }] })).toThrow('/a/0/b');
});

test('refuses what is not a JSON number as a literal', () => {
  for (const bad of ['', '01', '+1', '.5', '1.', 'NaN', '1 ', '1e', '0x1']) {
    expect(codeOf(() => new NumberLiteral(bad))).toBe('AEGIS_JSON_VALUE');
  }
});

test('compareUtf8 orders as the bytes do', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
    { numRuns: 2000 },
  );
});

const json = fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)));

test('reading and writing again gives the same bytes', () => {
  fc.assert(
    fc.property(json, (value) => {
      fc.pre(codeOf(() => canonicalJson(value)) === 'none');
      const bytes = canonicalJsonBytes(value);
      expect(canonicalJsonBytes(readJson(bytes, { numbers: 'literal' }))).toEqual(bytes);
      expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual(value);
    }),
    { numRuns: 1000 },
  );
});

test('does not depend on the order of insertion', () => {
  const shuffled = fc.dictionary(fc.string({ unit: 'binary' }), fc.integer(), { maxKeys: 20, noNullPrototype: true });
  fc.assert(
    fc.property(shuffled, (object) => {
      const reversed = Object.fromEntries(Object.entries(object).reverse());
      expect(canonicalJson(reversed)).toBe(canonicalJson(object));
    }),
  );
});
