/** Findings as SARIF 2.1.0 (OASIS), for code scanning. */
import { ERRORS, type ErrorCode, type Finding, type Severity } from '../../policy/errors.ts';
import { artifactUri } from './artifact-path.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const LEVELS: Record<Severity, string> = { error: 'error', warning: 'warning', info: 'note' };

/** `version` of Aegis. One run, which lists only the rules that were broken. */
export function findingsSarif(findings: readonly Finding[], version: string): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const driver = {
    name: 'aegis',
    version,
    semanticVersion: version,
    rules: codes.map((code) => ruleOf(code, findings)),
  };
  const run = {
    tool: { driver },
    columnKind: 'utf16CodeUnits',
    results: findings.map((finding) => resultOf(finding, codes.indexOf(finding.code))),
  };
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2)}\n`;
}

function ruleOf(code: ErrorCode, findings: readonly Finding[]): object {
  const { summary, fix } = ERRORS[code];
  const severity = findings.find((finding) => finding.code === code)?.severity ?? 'error';
  return {
    id: code,
    name: pascalCase(code),
    shortDescription: { text: summary },
    fullDescription: { text: `${summary} ${fix}` },
    help: { text: fix, markdown: `**${code}**: ${summary}\n\n${fix}` },
    defaultConfiguration: { level: LEVELS[severity] },
  };
}

/** `UnknownField` for `AEGIS_UNKNOWN_FIELD`. */
function pascalCase(code: string): string {
  const words = code
    .replace(/^AEGIS_/, '')
    .toLowerCase()
    .split('_');
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

function resultOf(finding: Finding, ruleIndex: number): object {
  const { code, severity, message, field, resource, location } = finding;
  const text = `${message} ${finding.fix ?? ERRORS[code].fix}`;
  const region = location && { startLine: location.line, startColumn: location.column };
  const physicalLocation = location && { artifactLocation: { uri: artifactUri(location.file) }, region };
  const name = [resource, field].filter((part) => part !== undefined && part !== '').join(' ');
  const logicalLocations = name === '' ? undefined : [{ fullyQualifiedName: name }];
  const located = physicalLocation !== undefined || logicalLocations !== undefined;
  return {
    ruleId: code,
    ruleIndex,
    level: LEVELS[severity],
    message: { text },
    ...(located && { locations: [{ physicalLocation, logicalLocations }] }),
  };
}
