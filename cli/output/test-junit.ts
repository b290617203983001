/** The report of `aegis test` as JUnit XML, one suite a resource. */
import type { ReportedVector, TestReport } from '../testing/test-report.ts';
import { artifactPath } from './artifact-path.ts';
import { locationText } from './error-text.ts';

export function testJunit(report: TestReport): string {
  const bySource = new Map<string, ReportedVector[]>();
  for (const vector of report.vectors) {
    bySource.set(vector.source, [...(bySource.get(vector.source) ?? []), vector]);
  }
  const suites = [...bySource].map(([name, vectors]) => suiteXml(name, vectors));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${totals(report.vectors)}>\n${suites.join('')}</testsuites>\n`;
}

function suiteXml(name: string, vectors: readonly ReportedVector[]): string {
  return `  <testsuite${attributes({ name })}${totals(vectors)}>\n${vectors.map(caseXml).join('')}  </testsuite>\n`;
}

function caseXml(vector: ReportedVector): string {
  const { name, source, location, milliseconds, status, note } = vector;
  const where = { file: artifactPath(location.file), line: String(location.line) };
  const open = `    <testcase${attributes({ name, classname: source, time: seconds(milliseconds), ...where })}`;
  if (status === 'passed') return `${open}/>\n`;
  if (status === 'skipped')
    return `${open}>\n      <skipped${attributes({ message: note ?? '' })}/>\n    </testcase>\n`;
  const message = `expected ${vector.expected}, got ${vector.got}`;
  const text = [
    `at ${locationText(location)}`,
    ...(note === undefined ? [] : [note]),
    ...vector.reasons.map(({ code, message: why, policy, rule, place }) => {
      const by = policy === undefined ? '' : ` (rule ${policy}/${rule}`;
      const at = place === undefined ? '' : `, ${place.field} at ${locationText(place.location)}`;
      return `because ${code}: ${why}${by}${by === '' ? '' : `${at})`}`;
    }),
  ].join('\n');
  const failure = `<failure${attributes({ message, type: 'verdict' })}>${escapeXml(text)}</failure>`;
  return `${open}>\n      ${failure}\n    </testcase>\n`;
}

function totals(vectors: readonly ReportedVector[]): string {
  const count = (status: ReportedVector['status']): string =>
    String(vectors.filter((vector) => vector.status === status).length);
  const time = seconds(vectors.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  const numbers = { tests: String(vectors.length), failures: count('failed'), errors: '0', skipped: count('skipped') };
  return attributes({ ...numbers, time });
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(6);
}

function attributes(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no form for these
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

function escapeXml(text: string): string {
  return text.replace(NOT_XML, '\uFFFD').replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
