import fc from 'fast-check';
import { parseJson } from '../../../policy/decision/parse-json.ts';
import { stringify, stringifyExact } from '../../../policy/decision/stringify.ts';
import { AegisError } from '../../../policy/errors.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';

function errorOf(input: string | Uint8Array, options?: Parameters<typeof parseJson>[1]): AegisError {
  try {
    parseJson(input, options);
  } catch (error) {
    if (error instanceof AegisError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const literal = (text: string) => new NumberLiteral(text);

describe('JSON is accepted', () => {
  test.each([
    ['{}', {}],
    [' [ ] \r\n\t', []],
    ['"\\u0041\\n\\/\\ud83d\\ude00😀"', 'A\n/😀😀'],
    ['{"a":{"b":[true,false,null]}}', { a: { b: [true, false, null] } }],
    ['{"constructor":1,"toString":2,"hasOwnProperty":3}', { constructor: 1, toString: 2, hasOwnProperty: 3 }],
    ['{"":0,"\\u0000":1}', { '': 0, '\0': 1 }],
  ])('%s', (text, value) => {
    expect(parseJson(text)).toEqual({ value, hasLiterals: false });
    expect(parseJson(new TextEncoder().encode(text)).value).toEqual(value);
  });

  test('as JSON.parse reads it, whatever it is', () => {
    const number = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map((n) => Number(n.toFixed(4)) || 0),
    );
    const text = fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 6 }, number, text, fc.boolean(), fc.constant(null), tie('array'), tie('object')),
      array: fc.array(tie('value'), { maxLength: 8 }),
      object: fc.dictionary(
        text.filter((key) => key !== '__proto__'),
        tie('value'),
        { maxKeys: 8 },
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (v, indent) => {
        const written = JSON.stringify(v, null, indent);
        const parsed = parseJson(written);
        expect(JSON.stringify(JSON.parse(stringify(parsed)))).toBe(JSON.stringify(JSON.parse(written)));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('numbers', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['-0.0', 0],
    ['0e5', 0],
    ['1E2', 100],
    ['1.0', 1],
    ['-12.50', -12.5],
    ['0.1', 0.1],
    ['0.000001', 0.000001],
    ['123456789012345', 123456789012345],
    ['1234567890.12345', 1234567890.12345],
    ['1e20', 1e20],
    ['0.0000001', literal('0.0000001')],
    ['9007199254740993', literal('9007199254740993')],
    ['9223372036854775807', literal('9223372036854775807')],
    ['-9223372036854775808', literal('-9223372036854775808')],
    ['0.30000000000000004', literal('0.30000000000000004')],
    ['12345678901234567.8', literal('12345678901234567.8')],
    ['100000000000000001e-2', literal('1000000000000000.01')],
  ])('%s is kept exactly', (text, value) => {
    const parsed = parseJson(`[${text}]`);
    expect(parsed).toEqual({ value: [value], hasLiterals: typeof value !== 'number' });
    expect(Object.is((parsed.value as unknown[])[0], -0)).toBe(false);
    expect(stringify(parsed)).toBe(`[${typeof value === 'number' ? String(value) : value.text}]`);
  });

  test.each([
    ['9223372036854775808'],
    ['-9223372036854775809'],
    ['1234567890123456789.5'],
    ['0.1234567890123456789'],
    ['1e999'],
    ['1e-999'],
    ['1e31'],
    [`0.${'0'.repeat(100)}1`],
    [`1${'0'.repeat(400)}`],
    ['01'],
    ['-01'],
    ['00'],
    ['1.'],
    ['1.e5'],
    ['-'],
    ['-a'],
    ['--1'],
  ])('%s is refused', (text) => {
    expect(errorOf(`[${text}]`).code).toBe('AEGIS_INPUT_NUMBER');
  });

  test.each([
    ['.5'],
    ['+1'],
    ['NaN'],
    ['Infinity'],
    ['-Infinity'],
    ['1e'],
    ['1e+'],
    ['0x10'],
    ['1_000'],
    ['1n'],
  ])('%s is no number', (text) => {
    expect(['AEGIS_INPUT_SYNTAX', 'AEGIS_INPUT_NUMBER']).toContain(errorOf(`[${text}]`).code);
  });
});

describe('what parsers read differently is refused', () => {
  test.each([
    ['AEGIS_INPUT_DUPLICATE_KEY', '{"a":1,"a":1}'],
    ['AEGIS_INPUT_DUPLICATE_KEY', '{"a":1,"\\u0061":2}'],
    ['AEGIS_INPUT_DUPLICATE_KEY', '{"a":null,"b":{},"a":0}'],
    ['AEGIS_INPUT_DUPLICATE_KEY', '{"toString":1,"toString":2}'],
    ['AEGIS_INPUT_KEY', '{"__proto__":{}}'],
    ['AEGIS_INPUT_KEY', '{"a":{"\\u005f_proto__":1}}'],
    ['AEGIS_INPUT_STRING', '"\ud800"'],
    ['AEGIS_INPUT_STRING', '"\\ud800"'],
    ['AEGIS_INPUT_STRING', '"\\ude00\\ud83d"'],
    ['AEGIS_INPUT_STRING', '"\\ud83d\udc00x\ud83d"'],
    ['AEGIS_INPUT_STRING', '{"\\udfff":1}'],
    ['AEGIS_INPUT_STRING', '"a\nb"'],
    ['AEGIS_INPUT_STRING', '"\u0000"'],
    ['AEGIS_INPUT_STRING', '"\\n\u001f"'],
    ['AEGIS_INPUT_SYNTAX', ''],
    ['AEGIS_INPUT_SYNTAX', ' '],
    ['AEGIS_INPUT_SYNTAX', '\ufeff{}'],
    ['AEGIS_INPUT_SYNTAX', '{} {}'],
    ['AEGIS_INPUT_SYNTAX', '{}\u0000'],
    ['AEGIS_INPUT_SYNTAX', '{}\u00a0'],
    ['AEGIS_INPUT_SYNTAX', '{"a":1,}'],
    ['AEGIS_INPUT_SYNTAX', '[1,]'],
    ['AEGIS_INPUT_SYNTAX', '[,1]'],
    ['AEGIS_INPUT_SYNTAX', '[1 2]'],
    ['AEGIS_INPUT_SYNTAX', '{a:1}'],
    ['AEGIS_INPUT_SYNTAX', "{'a':1}"],
    ['AEGIS_INPUT_SYNTAX', '{"a" 1}'],
    ['AEGIS_INPUT_SYNTAX', '{"a":}'],
    ['AEGIS_INPUT_SYNTAX', '{"a":1'],
    ['AEGIS_INPUT_SYNTAX', '["a'],
    ['AEGIS_INPUT_SYNTAX', '"\\x41"'],
    ['AEGIS_INPUT_SYNTAX', '"\\u00g0"'],
    ['AEGIS_INPUT_SYNTAX', '"\\u12'],
    ['AEGIS_INPUT_SYNTAX', '"\\'],
    ['AEGIS_INPUT_SYNTAX', 'tru'],
    ['AEGIS_INPUT_SYNTAX', 'truex'],
    ['AEGIS_INPUT_SYNTAX', 'True'],
    ['AEGIS_INPUT_SYNTAX', '// comment\n{}'],
  ])('%s: %j', (code, text) => {
    expect(errorOf(text).code).toBe(code);
  });

  test.each([
    ['a truncated sequence', [0x22, 0xc3, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ['UTF-16', [0x7b, 0x00, 0x7d, 0x00]],
    ['beyond U+10FFFF', [0x22, 0xf5, 0x80, 0x80, 0x80, 0x22]],
  ])('%s', (_name, bytes) => {
    expect(errorOf(new Uint8Array(bytes)).code).toBe('AEGIS_INPUT_SYNTAX');
  });
});

describe('bounds', () => {
  test('of depth', () => {
    expect(parseJson(`${'['.repeat(32)}${']'.repeat(32)}`).value).toBeDefined();
    expect(errorOf(`${'['.repeat(33)}${']'.repeat(33)}`).code).toBe('AEGIS_INPUT_DEPTH');
    expect(errorOf('{"a":'.repeat(100_000 / 5)).code).toBe('AEGIS_INPUT_DEPTH');
    expect(errorOf('[{"a":1}]', { maxDepth: 1 }).code).toBe('AEGIS_INPUT_DEPTH');
    expect(parseJson('[[1],[2],[3]]', { maxDepth: 2 }).value).toEqual([[1], [2], [3]]);
  });

  test('of size and number of values', () => {
    expect(errorOf(`"${'x'.repeat(300_000)}"`).code).toBe('AEGIS_INPUT_TOO_LARGE');
    expect(errorOf(new Uint8Array(300_000)).code).toBe('AEGIS_INPUT_TOO_LARGE');
    expect(errorOf(`[${'0,'.repeat(10_000)}0]`).code).toBe('AEGIS_INPUT_TOO_LARGE');
    expect(errorOf('[1,2,3]', { maxValues: 3 }).code).toBe('AEGIS_INPUT_TOO_LARGE');
    expect(parseJson('[1,2,3]', { maxValues: 4 }).value).toEqual([1, 2, 3]);
  });
});

const TOKENS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\u',
  'd800',
  '__proto__',
  '1e999',
  '\u0000',
  '\ufeff',
  'é',
  '-',
].map((token) => new TextEncoder().encode(token));

function randomSource(seed: number): (bound: number) => number {
  let random = seed;
  return (bound) => {
    random = Math.imul(random ^ (random >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return ((random ^ (random >>> 13)) >>> 0) % bound;
  };
}

/** One to three edits: a byte replaced, some bytes removed, a token inserted, or a part repeated. */
function mutate(bytes: Uint8Array, next: (bound: number) => number): Uint8Array {
  const mutated = [...bytes];
  for (let edits = 1 + next(3); edits > 0; edits--) {
    const at = next(mutated.length);
    const kind = next(4);
    if (kind === 0) mutated[at] = next(256);
    else if (kind === 1) mutated.splice(at, 1 + next(4));
    else if (kind === 2) mutated.splice(at, 0, ...(TOKENS[next(TOKENS.length)] as Uint8Array));
    else mutated.splice(at, 0, ...mutated.slice(at, at + next(30)));
  }
  return new Uint8Array(mutated);
}

/** False where it is refused with a code; whatever is accepted must be JSON and mean the same to JSON.parse. */
function isAcceptedAsJson(bytes: Uint8Array): boolean {
  try {
    const parsed = parseJson(bytes);
    const standard = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (!parsed.hasLiterals && stringify(parsed) !== JSON.stringify(standard)) throw new Error('differs');
    return true;
  } catch (error) {
    if (error instanceof AegisError) return false;
    throw error;
  }
}

describe('errors', () => {
  test('say where, and never what', () => {
    const error = errorOf('{\n  "key": "secret",\n  "key": "secret"}', { file: 'body' });
    expect(error.location).toEqual({ file: 'body', line: 3, column: 3 });
    expect(error.message).toContain('line 3, column 3');
    expect(error.message).not.toMatch(/secret|"key"/);
  });

  test('are the only answer to hostile bytes: 100,000 mutations neither crash nor get more than JSON.parse would', () => {
    const seeds = [
      '{"agent":"a","tool":"t","action":"x","params":{"amount":4999.50,"memo":"a\\u0062\\n é😀"},"chain":["p","a"]}',
      '[1e5,-0,9223372036854775807,[[[[]]]],{"a":{"b":{}}},"\\ud83d\\ude00",true,false,null]',
    ];
    const bytes = seeds.map((seed) => new TextEncoder().encode(seed));
    const next = randomSource(20_260_101);
    let accepted = 0;
    for (let i = 0; i < 100_000; i++) {
      if (isAcceptedAsJson(mutate(bytes[next(2)] as Uint8Array, next))) accepted++;
    }
    expect(accepted).toBeGreaterThan(1_000);
  }, 30_000);
});

test('stringify writes literals as they are, and otherwise what JSON.stringify writes', () => {
  const value = { a: [literal('1.10'), undefined, 'é"\n'], b: undefined, c: { d: null, e: literal('1e3') }, f: true };
  expect(stringifyExact(value)).toBe('{"a":[1.10,null,"é\\"\\n"],"c":{"d":null,"e":1e3},"f":true}');
  expect(stringifyExact([])).toBe('[]');
  expect(stringify({ value: { a: 1 }, hasLiterals: false })).toBe('{"a":1}');
});
