/** Findings as workflow commands, which GitHub shows beside the lines of a pull request. */
import { ERRORS, type Finding, type Severity } from '../../policy/errors.ts';
import { artifactPath } from './artifact-path.ts';
import { type LintSummary, summaryText } from './findings-text.ts';

const COMMANDS: Record<Severity, string> = { error: 'error', warning: 'warning', info: 'notice' };

export function findingsGithub(findings: readonly Finding[], summary: LintSummary): string {
  const commands = findings.map((finding) => {
    const { location, code, message, severity } = finding;
    const properties = [
      ...(location === undefined
        ? []
        : [`file=${property(artifactPath(location.file))}`, `line=${location.line}`, `col=${location.column}`]),
      `title=${property(code)}`,
    ];
    const about = [finding.field, finding.resource].filter((part) => part !== undefined && part !== '').join(' of ');
    const text = [message, about, finding.fix ?? ERRORS[code].fix].filter((part) => part !== '').join('\n');
    return `::${COMMANDS[severity]} ${properties.join(',')}::${data(text)}`;
  });
  // a line that starts with `::` would be a command
  return `${[...commands, summaryText(summary)].join('\n')}\n`;
}

/** Escapes as in `@actions/core` (`escapeData`, `escapeProperty`). */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
