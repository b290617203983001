import fc from 'fast-check';
import { type Encoding, foldText } from '../../../gateway/sanitize/fold-text.ts';
import { TextRules } from '../../../gateway/sanitize/text-rules.ts';
import { settledText, TextScan } from '../../../gateway/sanitize/text-scan.ts';
import { DETECTORS } from '../../../policy/sanitize/detectors.ts';
import { hash } from './run-sanitizer.ts';
import { CARD, cut, pieceLengths, text } from './samples.ts';

const ops = ['redact', 'mask', 'hash', 'drop'] as const;
const rules = new TextRules(
  Object.keys(DETECTORS).map((detector, index) => ({ detector, op: ops[index % ops.length] ?? 'redact' })),
  hash,
);
const card = new TextRules([{ detector: 'payment-card', op: 'redact' }], hash);

const ENCODE: Record<Encoding, (plain: string) => string> = {
  text: (plain) => plain,
  json: (plain) => JSON.stringify(plain).slice(1, -1),
  form: (plain) => new URLSearchParams({ a: plain.toWellFormed() }).toString().slice(2),
};

function inPieces(raw: string, encoding: Encoding, lengths: readonly number[], context = ''): string {
  const scan = new TextScan(rules, encoding, 1 << 20, context);
  return (
    cut(raw, lengths)
      .map((piece) => settledText(scan.push(piece)))
      .join('') + settledText(scan.end())
  );
}

test.each(['text', 'json', 'form'] as const)('%s: the pieces in which a text comes do not matter', (encoding) => {
  fc.assert(
    fc.property(text, pieceLengths, fc.constantFrom('', 'mrn: ', 'x value: '), (plain, lengths, context) => {
      const raw = ENCODE[encoding](plain);
      expect(inPieces(raw, encoding, lengths, context)).toBe(rules.rewrite(raw, encoding, context) ?? raw);
    }),
    { numRuns: 2000 },
  );
});

test('long texts are not held', () => {
  const scan = new TextScan(rules, 'text', 4096);
  for (let index = 0; index < 2000; index += 1)
    scan.push(`line ${index} of words without end, and a base64 ${'Zm9v'.repeat(50)}\n`);
  expect(scan.end().raw.length).toBeLessThan(4096);
});

test('what is longer than can be held is an error', () => {
  const scan = new TextScan(rules, 'text', 4096);
  scan.push('-----BEGIN PRIVATE KEY-----\n');
  expect(() => {
    for (let index = 0; index < 100; index += 1) scan.push(`${'A'.repeat(64)}\n`);
  }).toThrow(expect.objectContaining({ code: 'AEGIS_RESPONSE_TOO_LARGE' }));
});

test.each([
  ['plain', CARD],
  ['wide digits', '４２４２　４２４２　４２４２　４２４２'],
  ['Arabic-Indic digits', '٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢'],
  ['mathematical digits', '𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐'],
  ['zero width', [...CARD].join('\u200b')],
  ['soft hyphens', [...CARD].join('\u00ad')],
  ['combining marks', [...CARD].join('\u0336')],
  ['key caps', [...CARD].map((digit) => `${digit}\ufe0f\u20e3`).join('')],
  ['narrow spaces and dashes', '4242\u202f4242\u20114242\u20144242'],
  ['percent-encoded spaces', '4242%204242%204242%204242'],
  ['percent-encoded digits', [...CARD].map((digit) => `%3${digit}`).join('')],
  ['entities', '4242&nbsp;4242&#32;4242&#x20;4242'],
  ['digits as entities', [...CARD].map((digit) => `&#5${Number(digit) - 2};`).join('')],
  ['escapes of an inner document', [...CARD].map((digit) => `\\u003${digit}`).join('')],
  ['lines', '4242\r\n4242\r\n4242\r\n4242'],
])('a card number in another form is found: %s', (_, written) => {
  expect(card.rewrite(`card ${written} end`, 'text')).toMatch(/^card \[REDACTED\]\S* end$/u);
});

test('folding keeps the way back', () => {
  fc.assert(
    fc.property(text, (plain) => {
      const { text: folded, starts, ends, complete } = foldText(plain, 'text', true);
      expect(complete).toBe(plain.length);
      if (starts === undefined || ends === undefined) return expect(folded).toBe(plain);
      expect(folded.length).toBe(starts.length);
      for (let index = 0; index < folded.length; index += 1) {
        const start = starts[index] as number;
        expect(ends[index] as number).toBeGreaterThan(start);
        if (index > 0) expect(start).toBeGreaterThanOrEqual(ends[index - 1] as number);
      }
    }),
    { numRuns: 500 },
  );
});

test('when the sender pauses, little of an unfinished match leaves, and none of it is completed later', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 1, max: 8 }), (first, step) => {
      const scan = new TextScan(card, 'text', 4096);
      const number = '4242 4242 4242 4242';
      let out = settledText(scan.push(`card ${number.slice(0, first)}`)) + settledText(scan.release());
      for (const piece of cut(number.slice(first), [step])) {
        out += settledText(scan.push(piece)) + settledText(scan.release());
      }
      out += settledText(scan.push(' end')) + settledText(scan.end());
      const digits = out.replaceAll(/[^0-9[]/g, '').split('[');
      expect(digits.join('').length).toBeLessThanOrEqual(12);
      expect(digits[0]?.length ?? 0).toBeLessThanOrEqual(8);
      expect(out.endsWith(' end')).toBe(true);
    }),
  );
});
