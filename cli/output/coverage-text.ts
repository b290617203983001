/** Coverage as a table: one line a policy, and below it what was never exercised, with positions. */
import {
  type Branch,
  branchCount,
  type PolicyCoverage,
  percentOf,
  type RuleCoverage,
} from '../../policy/explain/coverage.ts';
import type { TestReport } from '../testing/test-report.ts';
import { locationText } from './error-text.ts';

const NEVER: Record<Branch['kind'], string> = {
  fits: 'never fits',
  'not-fits': 'always fits',
  holds: 'never holds',
  fails: 'never fails',
  outcome: 'never decides with all its conditions met',
};

export function coverageText({ policies }: TestReport['coverage'], { details }: { details: boolean }): string {
  const width = Math.max(8, ...policies.map(({ policy }) => policy.length));
  const header = `${'coverage'.padEnd(width)}   rules   branches`;
  return [header, ...policies.flatMap((policy) => policyText(policy, width, details))].join('\n');
}

function policyText({ policy, rules }: PolicyCoverage, width: number, details: boolean): string[] {
  const branches = branchCount(rules);
  const applied = rules.filter(({ applied }) => applied > 0).length;
  const numbers = `${`${applied}/${rules.length}`.padStart(5)}   ${`${branches.covered}/${branches.total}`.padStart(8)}`;
  const line = `${policy.padEnd(width)}   ${numbers}   ${String(Math.floor(percentOf(branches))).padStart(3)} %`;
  if (details) return [line, ...rules.flatMap(ruleText)];
  const missed = rules.flatMap((rule) =>
    rule.branches.filter(({ hits }) => hits === 0).map((branch) => `  ${missedText(rule, branch)}`),
  );
  return [line, ...missed];
}

function missedText({ rule }: RuleCoverage, { kind, field, location }: Branch): string {
  const subject = kind === 'outcome' ? `rule ${rule}` : `${field.replace(/^spec\.rules\[\d+\]\./, `rule ${rule}, `)}`;
  return `${locationText(location)}  ${subject} ${NEVER[kind]}`;
}

function ruleText({ rule, applied, location, branches }: RuleCoverage): string[] {
  const times = applied === 1 ? 'once' : `${applied} times`;
  return [
    `  ${locationText(location)}  rule ${rule}: applied ${applied === 0 ? 'never' : times}`,
    ...branches.map(({ kind, field, hits }) => {
      const subject = kind === 'outcome' ? 'all conditions met' : field.replace(/^spec\.rules\[\d+\]\./, '');
      const what = { fits: ' fits', 'not-fits': ' does not fit', holds: ' holds', fails: ' fails', outcome: '' }[kind];
      return `    ${String(hits).padStart(5)}${hits === 0 ? ' !' : '  '} ${subject}${what}`;
    }),
  ];
}
