/** The report of `aegis test` as a person reads it: what failed and why, what was never exercised, a last line. */
import type { PlacedReason, ReportedVector, TestReport } from '../testing/test-report.ts';
import { coverageText } from './coverage-text.ts';
import { locationText } from './error-text.ts';
import { plainText, type SourceLines } from './source-excerpt.ts';

export function testText(report: TestReport, lines: SourceLines, options: { details: boolean }): string {
  const failed = report.vectors.filter(({ status }) => status === 'failed').map((each) => failureText(each, lines));
  const skipped = report.vectors.filter(({ status }) => status === 'skipped').map(skippedText);
  const blocks = [...failed, ...skipped, coverageText(report.coverage, options), summaryText(report)];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** `24 passed, 1 failed` */
export function summaryText({ passed, failed, skipped, coverage }: TestReport): string {
  const outcome = [`${passed} passed`, `${failed} failed`, ...(skipped === 0 ? [] : [`${skipped} skipped`])].join(', ');
  return `${outcome}; ${coverage.covered} of ${coverage.total} branches covered (${percentText(coverage.percent)})`;
}

/** Rounded down, so that only all of it is 100 %. */
export function percentText(percent: number): string {
  return `${Math.floor(percent)} %`;
}

function failureText(vector: ReportedVector, lines: SourceLines): string {
  const { name, source, location, expected, got, note, reasons } = vector;
  const outcome = got === expected ? '' : `expected ${expected}, got ${got}`;
  return [
    plainText(`FAIL  ${name}`),
    plainText(`  ${locationText(location)}  ${source}`),
    ...(outcome === '' ? [] : [`  ${outcome}`]),
    ...(note === undefined ? [] : [plainText(`  ${note}`)]),
    ...reasons.flatMap((reason) => reasonText(reason, lines)),
  ].join('\n');
}

function reasonText(reason: PlacedReason, lines: SourceLines): string[] {
  const { code, message, policy, rule, param, place } = reason;
  const about = policy === undefined ? (param === undefined ? '' : ` (parameter ${param})`) : '';
  const text = plainText(`  because ${code}: ${message}${about}`);
  if (place === undefined) return policy === undefined ? [text] : [text, `    rule ${policy}/${rule}`];
  const where = `    rule ${policy}/${rule}, ${place.field} at ${locationText(place.location)}`;
  return [text, plainText(where), ...lines.excerpt(place.location).map((line) => `    ${line}`)];
}

function skippedText({ name, location, note }: ReportedVector): string {
  return plainText(`SKIP  ${name}\n  ${locationText(location)}  ${note ?? ''}`.replace('\n', ' at '));
}
