import { ERRORS, type Finding } from '../../policy/errors.ts';

/** Findings in one denial; more help nobody who reads them in a terminal. */
const SHOWN = 10;
/** Characters of a warning; the API server cuts what is longer. */
const WARNING_LENGTH = 256;
/** Of a finding in a denial: names and values in it may be as long as the resource. */
const LINE_LENGTH = 600;

/** `AEGIS_…: what (spec.rules[0].x) fix: …`; one line. */
function lineOf({ code, message, field, fix }: Finding): string {
  const at = field === undefined || field === '' ? '' : ` (${field})`;
  return `${code}: ${plain(message)}${at} fix: ${plain(fix ?? ERRORS[code].fix)}`;
}

/** The message of a denial; the API server puts `admission webhook … denied the request: ` before it. */
export function denialText(findings: readonly Finding[]): string {
  const lines = findings.slice(0, SHOWN).map((finding) => cut(lineOf(finding), LINE_LENGTH));
  if (findings.length > SHOWN) lines.push(`and ${findings.length - SHOWN} more; \`aegis lint\` shows all`);
  const [first = ''] = lines;
  return lines.length === 1 ? first : `${findings.length} errors\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** As many as the API server accepts, each as long as it keeps. */
export function warningTexts(findings: readonly Finding[]): string[] {
  return warningLines(findings.map(lineOf));
}

/** The same of texts. */
export function warningLines(lines: readonly string[]): string[] {
  const texts = [...new Set(lines.map((line) => cut(plain(line), WARNING_LENGTH)))];
  if (texts.length <= SHOWN) return texts;
  const rest = texts.length - SHOWN + 1;
  return [...texts.slice(0, SHOWN - 1), `and ${rest} more warnings; \`aegis lint\` shows all`];
}

/** Without what would break lines or terminals; headers, in which warnings travel, take neither. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ');
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 3).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
