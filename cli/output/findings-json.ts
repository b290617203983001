import type { Finding } from '../../policy/errors.ts';
import { ERRORS } from '../../policy/errors.ts';
import type { LintSummary } from './findings-text.ts';

/** Every finding with its fix, for programs. */
export function findingsJson(findings: readonly Finding[], summary: LintSummary): string {
  const complete = findings.map((finding) => ({ ...finding, fix: finding.fix ?? ERRORS[finding.code].fix }));
  return `${JSON.stringify({ summary, findings: complete }, null, 2)}\n`;
}
