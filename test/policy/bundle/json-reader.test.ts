import fc from 'fast-check';
import { utf8 } from '../../../policy/bundle/encoding.ts';
import { readJson } from '../../../policy/bundle/json-reader.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';
import { codeOf } from './fixtures.ts';

const read = (text: string, numbers: 'literal' | 'integer' = 'integer') => readJson(utf8(text), { numbers });

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
      const parsed = JSON.parse(text, (_, value) => (typeof value === 'number' ? String(value) : value));
      const ours = JSON.stringify(read(text, 'literal'), (_, value) =>
        value instanceof NumberLiteral ? String(Number(value.text)) : value,
      );
      expect(JSON.parse(ours)).toEqual(parsed);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['', 'nothing'],
  ['{"a":1,"a":1}', 'a duplicate key'],
  ['{"a":1,"\\u0061":2}', 'a duplicate key in disguise'],
  ['{"__proto__":1,"__proto__":2}', 'a duplicate __proto__'],
  ['"\\ud800"', 'a lone surrogate'],
  ['"a\nb"', 'a raw control character'],
  ['"\\x41"', 'a bad escape'],
  ['"open', 'an open string'],
  ['"open\\"', 'a string that ends in an escaped quote'],
  ['[1,]', 'a trailing comma'],
  ['{a:1}', 'a bare key'],
  ['1 2', 'two documents'],
  ['\ufeff1', 'a byte order mark'],
  ['01', 'a leading zero'],
  ['tru', 'half a word'],
  ['{"a":1', 'an open object'],
  ['[1 2]', 'a missing comma'],
  ['// c\n1', 'a comment'],
])('refuses %j: %s', (text) => {
  expect(codeOf(() => read(text))).toBe('AEGIS_BUNDLE_JSON');
});

test('refuses invalid UTF-8 and deep nesting', () => {
  expect(codeOf(() => readJson(Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), { numbers: 'literal' }))).toBe(
    'AEGIS_BUNDLE_JSON',
  );
  expect(codeOf(() => read('['.repeat(100_000)))).toBe('AEGIS_BUNDLE_JSON');
});

test('integer mode takes plain safe integers only', () => {
  expect(read('[0,-5,9007199254740991]')).toEqual([0, -5, 9007199254740991]);
  for (const bad of ['1.0', '1e3', '9007199254740992', '-0', '0.5'])
    expect(codeOf(() => read(bad))).toBe('AEGIS_BUNDLE_JSON');
});

test('keys cannot reach a prototype', () => {
  const object = read('{"__proto__":{"polluted":1}}') as Record<string, unknown>;
  expect(Object.keys(object)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('long strings and many quotes are linear', () => {
  const long = 'x'.repeat(5_000_000);
  expect(read(JSON.stringify(long))).toBe(long);
  expect(read(JSON.stringify('"\\'.repeat(200_000)))).toBe('"\\'.repeat(200_000));
});
