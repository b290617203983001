import { replaceText } from '../replace-text.ts';
import type { TextRules } from '../text-rules.ts';
import { TextScan } from '../text-scan.ts';
import type { JsonChanges } from './json-rewriter.ts';

const MAX_EXPANDED = 24;

/** The digits of a number that is written with a fraction or exponent, if it is a whole one. */
export function wholeNumber(raw: string): string | undefined {
  const [, digits = '', fraction = '', exponent = '0'] =
    /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$/.exec(raw) ?? [];
  const power = Number(exponent);
  const significant = fraction.replace(/0+$/, '');
  if (digits === '' || power < significant.length || digits.length + power > MAX_EXPANDED) return undefined;
  return (digits + significant).replace(/^0+/, '') + '0'.repeat(power - significant.length);
}

/** Changes strings, names and numbers as detectors find something in them. */
export function jsonChanges(rules: TextRules, maxHeld: number): JsonChanges {
  if (!rules.any) {
    const nothing = (): undefined => undefined;
    return { key: nothing, string: nothing, strictest: nothing, number: nothing, whole: nothing, scan: nothing };
  }
  return {
    key: (raw) => rules.rewrite(raw, 'json'),
    string: (raw, { field, outer }) => rules.rewrite(raw, 'json', rules.context(field, outer)),
    strictest: (raw, { field, outer }) => rules.strictest(raw, 'json', rules.context(field, outer)),
    number(raw, { field, outer }) {
      const context = rules.context(field, outer);
      const expanded = /[.eE-]/.test(raw) ? wholeNumber(raw) : undefined;
      const op =
        rules.strictest(raw, 'text', context) ??
        (expanded === undefined ? undefined : rules.strictest(expanded, 'text', context));
      if (op === undefined) return undefined;
      return op === 'drop' ? 'null' : JSON.stringify(replaceText(raw, op, rules.hash));
    },
    whole: ({ field }) => rules.owned(field),
    scan: ({ field, outer }) => new TextScan(rules, 'json', maxHeld, rules.context(field, outer)),
  };
}
