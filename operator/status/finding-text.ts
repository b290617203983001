import type { Finding } from '../../policy/errors.ts';
import { ERRORS } from '../../policy/errors.ts';
import { clipText, clipWith } from './clip-text.ts';

/** Warnings that a status lists at most. */
export const MAX_WARNINGS = 10;

/** Where and what: the file is left out, because an object of the API server has no lines. */
function placed({ field, message }: Finding): string {
  return field === undefined || field === '' ? message : `${field}: ${message}`;
}

/** The first error with what to do, how many more there are, and what holds meanwhile. At most 1 KiB. */
export function describeErrors(errors: readonly Finding[], consequence: string): string {
  const [first] = errors;
  if (first === undefined) return clipText(consequence);
  const fix = first.fix ?? ERRORS[first.code].fix;
  const more = errors.length - 1;
  const others = more === 0 ? '' : ` And ${more} more ${more === 1 ? 'error' : 'errors'}.`;
  return clipWith(sentence(`${sentence(placed(first))} ${fix}`), `(${first.code})${others} ${consequence}`);
}

/** With a full stop where it has no end. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Each warning once, in the order given; what does not fit is counted. Absent where there is none. */
export function warningsOf(findings: readonly Finding[], extra: readonly string[] = []): { warnings?: string[] } {
  const texts = new Set(extra.map((text) => clipText(text)));
  for (const finding of findings) {
    if (finding.severity === 'warning') texts.add(clipText(`${placed(finding)} (${finding.code})`));
  }
  const all = [...texts];
  if (all.length === 0) return {};
  if (all.length <= MAX_WARNINGS) return { warnings: all };
  const shown = all.slice(0, MAX_WARNINGS - 1);
  return { warnings: [...shown, `And ${all.length - shown.length} more warnings.`] };
}
