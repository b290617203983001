import fc from 'fast-check';
import { FormRewriter } from '../../../gateway/sanitize/form-rewriter.ts';
import { PointerTree } from '../../../gateway/sanitize/json/pointer-tree.ts';
import { TextRules } from '../../../gateway/sanitize/text-rules.ts';
import type { RedactObligation } from '../../../policy/decision/types.ts';
import { detect, hash } from './run-sanitizer.ts';
import { CARD, cut, pieceLengths, text } from './samples.ts';

function rewrite(
  redactions: readonly RedactObligation[],
  form: string,
  lengths: readonly number[] = [form.length || 1],
): string {
  const rewriter = new FormRewriter(new TextRules(redactions, hash), PointerTree.of(redactions), 1000);
  return (
    cut(form, lengths)
      .map((piece) => rewriter.write(piece))
      .join('') + rewriter.end()
  );
}

test.each<[string, RedactObligation[], string, string]>([
  ['a value', detect('payment-card'), 'a=1&b=4242+4242%204242-4242&c=%20x', 'a=1&b=%5BREDACTED%5D&c=%20x'],
  ['a name', detect('payment-card'), `${CARD}=1`, '%5BREDACTED%5D=1'],
  ['a label', detect('mrn'), 'patient_mrn=1234&x=1234', 'patient_mrn=%5BREDACTED%5D&x=1234'],
  ['a secret field', detect('secret'), 'password=a+b&token_type=x', 'password=%5BREDACTED%5D&token_type=x'],
  ['a mail address', [{ detector: 'email', op: 'hash' }], 'to=bob%40example.com', `to=${hash('bob@example.com')}`],
  [
    'pointer: brackets',
    [{ pointer: '/card/number', op: 'redact' }],
    'card[number]=x&card%5Bnumber%5D=y&card=z',
    'card[number]=%5BREDACTED%5D&card%5Bnumber%5D=%5BREDACTED%5D&card=z',
  ],
  ['pointer: as written', [{ pointer: '/a[b', op: 'redact' }], 'a[b=x', 'a[b=%5BREDACTED%5D'],
  [
    'pointer: subtree',
    [{ pointer: '/card', op: 'redact' }],
    'card[number]=x&card[exp]=y&cards=z',
    'card[number]=%5BREDACTED%5D&card[exp]=%5BREDACTED%5D&cards=z',
  ],
  [
    'pointer: elements',
    [{ pointer: '/i/*/x', op: 'mask' }],
    'i[0][x]=123456789&i[][x]=12&i[0][y]=1',
    'i[0][x]=*****6789&i[][x]=**&i[0][y]=1',
  ],
  ['pointer: drop', [{ pointer: '/a', op: 'drop' }], 'a=1&b=2&a=3&c=4&a', 'b=2&c=4'],
  ['pointer: empty value', [{ pointer: '/a', op: 'redact' }], 'a=&a', 'a=&a'],
  ['nothing', detect('email'), '', ''],
  ['odd forms stay', detect('email'), '&&=&a==b&c', '&&=&a==b&c'],
])('%s', (_, redactions, form, expected) => {
  for (const lengths of [[1 << 20], [1], [2], [3, 5]]) expect(rewrite(redactions, form, lengths)).toBe(expected);
});

test('long values flow; what must be held has a bound', () => {
  const long = `a=${`word+${CARD}+`.repeat(1000)}`;
  expect(rewrite(detect('payment-card'), long, [100])).toBe(long.replaceAll(CARD, '%5BREDACTED%5D'));
  expect(rewrite([{ pointer: '/a', op: 'redact' }], long, [100])).toBe('a=%5BREDACTED%5D');
  expect(() => rewrite([{ pointer: '/a', op: 'mask' }], long, [100])).toThrow(
    expect.objectContaining({ code: 'AEGIS_RESPONSE_TOO_LARGE' }),
  );
  expect(() => rewrite(detect('email'), 'n'.repeat(5000), [100])).toThrow(
    expect.objectContaining({ code: 'AEGIS_RESPONSE_TOO_LARGE' }),
  );
});

test('the pieces in which a form comes do not matter, and other fields stay', () => {
  const redactions: RedactObligation[] = [
    ...detect('payment-card', 'email', 'secret'),
    { pointer: '/gone', op: 'drop' },
  ];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.oneof(text, fc.constantFrom('a', 'gone', 'password')), text)),
      pieceLengths,
      (fields, lengths) => {
        const form = new URLSearchParams(
          fields.map(([name, value]): [string, string] => [name.toWellFormed(), value.toWellFormed()]),
        ).toString();
        const whole = rewrite(redactions, form);
        expect(rewrite(redactions, form, lengths)).toBe(whole);
        const rules = new TextRules(redactions, hash);
        const kept = form.split('&').filter((field) => !/^gone(=|$)/.test(field));
        const wanted = kept.map((field) => {
          const [name = '', value = ''] = field.split('=');
          const decodedName = decodeURIComponent(name.replaceAll('+', ' '));
          const owned = rules.owned(decodedName) !== undefined && value !== '';
          return `${rules.rewrite(name, 'form') ?? name}=${owned ? '%5BREDACTED%5D' : (rules.rewrite(value, 'form', rules.context(decodedName)) ?? value)}`;
        });
        if (form !== '') expect(whole).toBe(wanted.join('&'));
      },
    ),
    { numRuns: 500 },
  );
});
