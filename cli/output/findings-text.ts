/** Findings as a person reads them: position first, the line itself, then what to do. */
import { ERRORS, type Finding } from '../../policy/errors.ts';
import { locationText } from './error-text.ts';
import { plainText, type SourceLines } from './source-excerpt.ts';

export interface LintSummary {
  errors: number;
  warnings: number;
  /** Files that were read. */
  files: number;
  /** Resources of Aegis in them. */
  resources: number;
  /** Resources of others, which were skipped. */
  skipped: number;
}

/**
 * ```
 * policies.yaml:9:19: error AEGIS_UNKNOWN_ACTION: No tool in the policy's scope has an action "pay".
 *      9 |   - actions: [pay]
 *        |               ^
 *   at    spec.rules[0].actions[0] of AgentPolicy fintech/finance-payments
 *   fix   Use the name of an action of the AgentTool, or add the action there.
 * ```
 */
export function findingBlock(finding: Finding, lines: SourceLines): string {
  const { location, severity, code, message } = finding;
  const where = location === undefined ? '' : `${locationText(location)}: `;
  const excerpt = location === undefined ? [] : lines.excerpt(location);
  const about = [finding.field, finding.resource].filter((part) => part !== undefined && part !== '').join(' of ');
  return [
    plainText(`${where}${severity} ${code}: ${message}`),
    ...excerpt.map((line) => `  ${line}`),
    ...(about === '' ? [] : [plainText(`  at    ${about}`)]),
    plainText(`  fix   ${finding.fix ?? ERRORS[code].fix}`),
  ].join('\n');
}

/** Infos are counted in the summary, but not shown. */
export function findingsText(findings: readonly Finding[], summary: LintSummary, lines: SourceLines): string {
  const blocks = findings.filter(({ severity }) => severity !== 'info').map((each) => findingBlock(each, lines));
  return `${[...blocks, summaryText(summary)].join('\n\n')}\n`;
}

/** `3 errors, 1 warning in 5 files, 12 resources` */
export function summaryText({ errors, warnings, files, resources, skipped }: LintSummary): string {
  const others = skipped === 0 ? '' : ` (${count(skipped, 'other resource')} skipped)`;
  return `${count(errors, 'error')}, ${count(warnings, 'warning')} in ${count(files, 'file')}, ${count(resources, 'resource')}${others}`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
