import { AegisError, ERRORS, type Finding, type SourceLocation } from '../../policy/errors.ts';

/** `file:line:column` */
export function locationText(location: SourceLocation): string {
  return `${location.file}:${location.line}:${location.column}`;
}

/** An error as the user reads it: code, what happened, where, what to do. A stack trace only for defects of ours. */
export function errorText(error: unknown): string {
  if (!(error instanceof AegisError)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `error AEGIS_INTERNAL: ${detail}\n  ${ERRORS.AEGIS_INTERNAL.fix}`;
  }
  const where = error.location === undefined ? '' : `${locationText(error.location)}: `;
  return `${where}error ${error.code}: ${error.message}\n  ${error.fix}`;
}

/** One finding in two lines, in the form that editors and terminals turn into a link. */
export function findingText(finding: Finding): string {
  const where = finding.location === undefined ? '' : `${locationText(finding.location)}: `;
  const field = finding.field === undefined || finding.field === '' ? '' : ` (${finding.field})`;
  return `${where}${finding.severity} ${finding.code}: ${finding.message}${field}\n  ${finding.fix ?? ERRORS[finding.code].fix}`;
}
