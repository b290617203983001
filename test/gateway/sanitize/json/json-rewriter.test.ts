import fc from 'fast-check';
import { jsonChanges, wholeNumber } from '../../../../gateway/sanitize/json/json-changes.ts';
import { JsonRewriter } from '../../../../gateway/sanitize/json/json-rewriter.ts';
import { PointerTree } from '../../../../gateway/sanitize/json/pointer-tree.ts';
import { replaceText } from '../../../../gateway/sanitize/replace-text.ts';
import { TextRules } from '../../../../gateway/sanitize/text-rules.ts';
import type { RedactObligation } from '../../../../policy/decision/types.ts';
import { detect, hash } from '../run-sanitizer.ts';
import { CARD, cut, pieceLengths, text } from '../samples.ts';

interface Options {
  lengths?: readonly number[];
  maxHeld?: number;
  lines?: boolean;
}

function rewrite(redactions: readonly RedactObligation[], document: string, options: Options = {}): string {
  const { lengths = [document.length || 1], maxHeld = 65_536, lines = false } = options;
  const rules = new TextRules(redactions, hash);
  const tree = PointerTree.of(redactions);
  const rewriter = new JsonRewriter({ tree, changes: jsonChanges(rules, maxHeld), hash, maxHeld, lines });
  return (
    cut(document, lengths)
      .map((piece) => rewriter.write(piece))
      .join('') + rewriter.end()
  );
}

const at = (pointer: string, op: RedactObligation['op'] = 'redact'): RedactObligation => ({ pointer, op });
const cards = detect('payment-card');

test.each<[string, RedactObligation[], string, string]>([
  ['a string', cards, `{"a": "x ${CARD} y" }`, '{"a": "x [REDACTED] y" }'],
  [
    'escapes are read and others stay',
    cards,
    '["\\u0034242 4242 4242 4242 \\/ \\u00e9"]',
    '["[REDACTED] \\/ \\u00e9"]',
  ],
  ['a bare number', cards, `[ 1, ${CARD}, -${CARD} ]`, '[ 1, "[REDACTED]", "[REDACTED]" ]'],
  ['a number with an exponent', cards, '[4.242424242424242e15,4242424242424242.0]', '["[REDACTED]","[REDACTED]"]'],
  ['a dropped number', [{ detector: 'payment-card', op: 'drop' }], `{"n":${CARD}}`, '{"n":null}'],
  ['a masked string', [{ detector: 'payment-card', op: 'mask' }], `["${CARD}"]`, '["************4242"]'],
  ['a hashed string', [{ detector: 'payment-card', op: 'hash' }], `["${CARD}"]`, `["${hash(CARD)}"]`],
  ['a name', cards, `{"${CARD}":1}`, '{"[REDACTED]":1}'],
  [
    'a document in a string',
    cards,
    '["{\\"card\\":\\"4242\\\\u0020424242424242\\"}"]',
    '["{\\"card\\":\\"[REDACTED]\\"}"]',
  ],
  [
    'a label as name',
    detect('mrn'),
    '{"patientMrn":"ab-12","other":"ab-12"}',
    '{"patientMrn":"[REDACTED]","other":"ab-12"}',
  ],
  [
    'a label as name of a number',
    detect('us-ssn'),
    '{"ssn":219099998,"n":219099998}',
    '{"ssn":"[REDACTED]","n":219099998}',
  ],
  [
    'a FHIR identifier',
    detect('mrn'),
    '{"identifier":[{"value":"12345","use":"usual"}]}',
    '{"identifier":[{"value":"[REDACTED]","use":"usual"}]}',
  ],
  [
    'a secret by its name',
    detect('secret'),
    '{"client_secret":"two words","secrets":1}',
    '{"client_secret":"[REDACTED]","secrets":1}',
  ],
  ['pointer: string', [at('/a/b')], '{"a":{"b":"x","c":"y"}}', '{"a":{"b":"[REDACTED]","c":"y"}}'],
  ['pointer: subtree', [at('/a')], '{"a" : {"b":[1,{"c":2}]} , "d":1}', '{"a" : "[REDACTED]" , "d":1}'],
  [
    'pointer: other values',
    [at('/*')],
    '[true,null,1.5,"",{},[]]',
    '["[REDACTED]","[REDACTED]","[REDACTED]","","[REDACTED]","[REDACTED]"]',
  ],
  ['pointer: escaped tokens', [at('/a~1b/~0')], '{"a/b":{"~":"x"}}', '{"a/b":{"~":"[REDACTED]"}}'],
  ['pointer: escaped name', [at('/card')], '{"c\\u0061rd":"x"}', '{"c\\u0061rd":"[REDACTED]"}'],
  ['pointer: repeated name', [at('/a')], '{"a":"x","a":"y"}', '{"a":"[REDACTED]","a":"[REDACTED]"}'],
  [
    'pointer: elements',
    [at('/*/x'), at('/0/y')],
    '[{"x":"1","y":"2"},{"x":"3","y":"4"}]',
    '[{"x":"[REDACTED]","y":"[REDACTED]"},{"x":"[REDACTED]","y":"4"}]',
  ],
  [
    'pointer: mask and hash',
    [at('/a', 'mask'), at('/b', 'hash'), at('/c', 'hash')],
    '{"a":"123456789","b":"x","c":12}',
    `{"a":"*****6789","b":"${hash('x')}","c":"${hash('12')}"}`,
  ],
  ['pointer: nothing there', [at('/x/y')], '{"x":[1],"z":{"y":"a"}}', '{"x":[1],"z":{"y":"a"}}'],
  ['pointer: drop first', [at('/a', 'drop')], '{ "a": [1] , "b":2 }', '{  "b":2 }'],
  ['pointer: drop last', [at('/b', 'drop')], '{"a":1, "b":{"c":[]} }', '{"a":1 }'],
  ['pointer: drop all', [at('/*', 'drop')], '[1,{"a":2},"x"]', '[]'],
  ['pointer: drop in the middle', [at('/1', 'drop'), at('/3', 'drop')], '[0,1,2,3,4]', '[0,2,4]'],
  [
    'pointer: drop at two depths',
    [at('/a/b', 'drop'), at('/c', 'drop')],
    '{"a":{"b":1,"d":2},"c":[3]}',
    '{"a":{"d":2}}',
  ],
  ['pointer: empty containers', [at('/a/*', 'drop')], '{"a": { },"b":[ ]}', '{"a": { },"b":[ ]}'],
  ['pointer: the strictest counts', [at('/a', 'mask'), at('/*', 'drop')], '{"a":"123456789"}', '{}'],
  ['pointer and detector', [at('/a', 'mask'), ...cards], `{"a":"${CARD}"}`, '{"a":"[REDACTED]"}'],
  ['several documents', cards, `{"a":"${CARD}"}\n{"a":"b"}\n`, '{"a":"[REDACTED]"}\n{"a":"b"}\n'],
  ['a byte order mark', cards, `\ufeff["${CARD}"]`, '\ufeff["[REDACTED]"]'],
  ['nothing', cards, '', ''],
  ['spaces', cards, ' \n', ' \n'],
])('%s', (_, redactions, document, expected) => {
  expect(rewrite(redactions, document)).toBe(expected);
  for (const lengths of [[1], [2], [3, 1], [7]]) expect(rewrite(redactions, document, { lengths })).toBe(expected);
});

test.each([
  '{',
  '[1',
  '"a',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  "{'a':1}",
  '[1 2]',
  '01',
  '1.',
  '+1',
  '.5',
  '-',
  'tru',
  'nul',
  'True',
  'NaN',
  'Infinity',
  '"\\x"',
  '"\\u12"',
  '"\\u12g4"',
  '"\u0001"',
  '"a\nb"',
  '[1]]',
  '[1}',
  '{]',
  '{"a" 1}',
  '{"a":1 "b":2}',
  '{}{}',
  '{} {}',
  '1\n2',
  '// c\n1',
  '[1/**/]',
  ")]}',\n{}",
  '\u00a0[1]',
  '[,1]',
  ':',
  ',',
  '{"a":}',
  '{1:2}',
])('what is not JSON stops: %j', (document) => {
  const stopped = expect.objectContaining({ code: 'AEGIS_RESPONSE_MALFORMED' });
  expect(() => rewrite(cards, document)).toThrow(stopped);
  expect(() => rewrite(cards, document, { lengths: [1] })).toThrow(stopped);
});

test('lines may hold any values', () => {
  expect(rewrite(cards, `1\n"${CARD}"\n${CARD}\n`, { lines: true })).toBe('1\n"[REDACTED]"\n"[REDACTED]"\n');
  expect(rewrite(cards, `\u001e{"a":"${CARD}"}\n\u001e[]\n`, { lines: true })).toBe(
    '\u001e{"a":"[REDACTED]"}\n\u001e[]\n',
  );
  expect(() => rewrite(cards, '1 2', { lines: true })).toThrow();
});

test('nesting is bounded', () => {
  expect(() => rewrite(cards, '['.repeat(100_000))).toThrow(
    expect.objectContaining({ code: 'AEGIS_RESPONSE_MALFORMED' }),
  );
});

test('long strings flow, and are not held', () => {
  const long = `["${`word ${CARD} `.repeat(20_000)}"]`;
  const expected = long.replaceAll(CARD, '[REDACTED]');
  expect(rewrite(cards, long, { lengths: [1000], maxHeld: 100 })).toBe(expected);
  expect(rewrite([at('/0')], long, { lengths: [1000], maxHeld: 100 })).toBe('["[REDACTED]"]');
  expect(rewrite([at('/0', 'drop')], long, { lengths: [1000], maxHeld: 100 })).toBe('[]');
  const tooLarge = expect.objectContaining({ code: 'AEGIS_RESPONSE_TOO_LARGE' });
  expect(() => rewrite([at('/0', 'mask')], long, { lengths: [1000], maxHeld: 100 })).toThrow(tooLarge);
  expect(() => rewrite([at('/0', 'hash')], long, { lengths: [1000], maxHeld: 100 })).toThrow(tooLarge);
  expect(() => rewrite(cards, `{"${'k'.repeat(1000)}":1}`, { lengths: [10], maxHeld: 100 })).toThrow(tooLarge);
});

test.each([
  ['4.242424242424242e15', CARD],
  ['4242424242424242.00', CARD],
  ['42424242424242420e-1', undefined],
  ['4.2', undefined],
  ['1e999', undefined],
  ['1e5', '100000'],
])('%s as a whole number', (raw, expected) => {
  expect(wholeNumber(raw)).toBe(expected);
});

// --- properties

const leaf = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(Number(CARD)),
);
const names = fc.oneof(fc.constantFrom('a', 'b', 'mrn', 'password', 'value', 'identifier', '0', CARD), text);
const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
  ),
})).value;
const space = fc.constantFrom(undefined, 1, '\t', ' \n');
const op = fc.constantFrom('redact', 'mask', 'hash', 'drop') as fc.Arbitrary<RedactObligation['op']>;
const token = fc.constantFrom('a', 'b', '0', '1', '*', 'value', 'mrn');
const pointer = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), op)
  .map(([tokens, to]) => at(`/${tokens.join('/')}`, to));
const detectors = fc
  .subarray(['payment-card', 'email', 'us-ssn', 'secret', 'mrn', 'phone', 'iban'], { minLength: 1 })
  .chain((list) => fc.tuple(...list.map((detector) => op.map((to): RedactObligation => ({ detector, op: to })))));

/** The same on the parsed document: slow, and plain enough to be right. */
function reference(
  value: unknown,
  redactions: readonly RedactObligation[],
  path: string[],
  rules: TextRules,
  field: string,
  outer: string,
): unknown {
  const named = redactions.filter(({ pointer }) => {
    if (pointer === undefined) return false;
    const tokens = pointer.split('/').slice(1);
    return tokens.length === path.length && tokens.every((part, index) => part === '*' || part === path[index]);
  });
  const order = ['mask', 'hash', 'redact', 'drop'] as const;
  const pointed = order.findLast((to) => named.some(({ op: one }) => one === to));
  if (pointed === 'drop') return DROPPED;
  if (typeof value === 'object' && value !== null) {
    if (pointed !== undefined) return '[REDACTED]';
    if (Array.isArray(value)) {
      return value
        .map((item, index) => reference(item, redactions, [...path, String(index)], rules, field, outer))
        .filter((item) => item !== DROPPED);
    }
    const entries = Object.entries(value).map(([name, member]): [string, unknown] => [
      rules.rewrite(name, 'text') ?? name,
      reference(member, redactions, [...path, name], rules, name, field),
    ]);
    return entries.filter(([, member]) => member !== DROPPED);
  }
  return scalar(
    value,
    pointed ?? (typeof value === 'string' || typeof value === 'number' ? rules.owned(field) : undefined),
    rules,
    rules.context(field, outer),
  );
}

const DROPPED = Symbol('dropped');

function scalar(value: unknown, to: RedactObligation['op'] | undefined, rules: TextRules, context: string): unknown {
  if (typeof value === 'string') {
    if (to === undefined) return decoded(rules.rewrite(JSON.stringify(value).slice(1, -1), 'json', context)) ?? value;
    const found = rules.strictest(JSON.stringify(value).slice(1, -1), 'json', context);
    const order = ['mask', 'hash', 'redact', 'drop'] as const;
    const strict = order.findLast((one) => one === to || one === found) ?? to;
    return value === '' ? '' : replaceText(value, strict, hash);
  }
  if (to !== undefined)
    return typeof value === 'number' && to !== 'redact' ? replaceText(JSON.stringify(value), to, hash) : '[REDACTED]';
  if (typeof value !== 'number') return value;
  const found =
    rules.strictest(JSON.stringify(value), 'text', context) ??
    rules.strictest(wholeNumber(JSON.stringify(value)) ?? '', 'text', context);
  if (found === undefined) return value;
  return found === 'drop' ? null : replaceText(JSON.stringify(value), found, hash);
}

const decoded = (raw: string | undefined): string | undefined =>
  raw === undefined ? undefined : JSON.parse(`"${raw}"`);

/** Objects as lists of entries, so that members of the same name count. */
function entries(json: string): unknown {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.entries(value).map(([name, member]) => [name, plain(member)]);
  };
  return plain(JSON.parse(json));
}

test('agrees with changing the parsed document, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(
      document,
      space,
      fc.tuple(detectors, fc.array(pointer, { maxLength: 3 })),
      pieceLengths,
      (value, indent, [found, pointed], lengths) => {
        const redactions = [...found, ...pointed];
        const rules = new TextRules(redactions, hash);
        const json = JSON.stringify(value, null, indent);
        const whole = rewrite(redactions, json);
        expect(rewrite(redactions, json, { lengths })).toBe(whole);
        const wanted = reference(JSON.parse(json), redactions, [], rules, '', '');
        const collides = JSON.stringify(wanted).includes('["[REDACTED]",') || JSON.stringify(wanted).includes('["",');
        if (!collides) expect(JSON.stringify(entries(whole))).toBe(JSON.stringify(wanted));
      },
    ),
    { numRuns: 1500 },
  );
});

test('where nothing is found, not a byte changes', () => {
  fc.assert(
    fc.property(fc.json(), pieceLengths, (any, lengths) => {
      // chance writes addresses too
      const json = any.replaceAll('@', '#');
      const redactions = [...detect('email', 'iban'), at('/not/there', 'drop')];
      expect(rewrite(redactions, json, { lengths })).toBe(json);
    }),
  );
});

test('accepts what JSON.parse accepts, and nothing else', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '\\',
    '1',
    '-',
    '.',
    'e',
    '0',
    'true',
    'null',
    ' ',
    '\t',
    'u0041',
    '\\n',
    'x',
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((all) => all.join('')),
        fc.json(),
      ),
      fc.nat(),
      (json, at) => {
        const candidate = at % 3 === 0 ? json.slice(0, at % (json.length + 1)) : json;
        const accepted = (read: () => unknown): boolean => {
          try {
            read();
            return true;
          } catch {
            return false;
          }
        };
        const blank = candidate.trim() === '';
        expect(accepted(() => rewrite(cards, candidate, { lengths: [1] }))).toBe(
          blank || accepted(() => JSON.parse(candidate)),
        );
      },
    ),
    { numRuns: 3000 },
  );
});
