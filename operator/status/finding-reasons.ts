/** Reasons of `Accepted` by the code of what is wrong; `docs/status.md` says what to do about each. */
import type { ErrorCode, Finding } from '../../policy/errors.ts';

const RULES = 'InvalidRule';

const REASONS: Partial<Record<ErrorCode, string>> = {
  AEGIS_UNKNOWN_FIELD: 'UnknownField',
  AEGIS_UNKNOWN_AGENT: 'UnknownAgent',
  AEGIS_UNKNOWN_TOOL: 'UnknownTool',
  AEGIS_UNKNOWN_ACTION: 'UnknownAction',
  AEGIS_UNKNOWN_PARAMETER: 'UnknownParameter',
  AEGIS_UNRESOLVED_ROLE: 'UnknownParameter',
  AEGIS_UNKNOWN_DETECTOR: RULES,
  AEGIS_TYPE_MISMATCH: RULES,
  AEGIS_REGEX: RULES,
  AEGIS_REGEX_UNANCHORED: RULES,
  AEGIS_CIDR: RULES,
  AEGIS_TIME_ZONE: RULES,
  AEGIS_CONTRADICTION: RULES,
  AEGIS_INVERTED_RULE: RULES,
  AEGIS_UNREACHABLE_RULE: RULES,
  AEGIS_OVERRIDE: RULES,
  AEGIS_PLATFORM_PERMIT: RULES,
  AEGIS_ALWAYS_DENIES: 'ConflictingPolicy',
  AEGIS_CONFLICT: 'ConflictingPolicy',
  AEGIS_DUPLICATE_ID: 'Conflict',
  AEGIS_OPENAPI: 'InvalidMapping',
  AEGIS_OPENAPI_MISSING: 'MissingReference',
};

/**
 * Codes that may only mean that something else does not exist yet, or not as it will: in one sync the policy may come
 * before the tool that it speaks about. Whether they do mean it, the view says (`missing`).
 */
export const MISSING_REFERENCES: ReadonlySet<ErrorCode> = new Set([
  'AEGIS_UNKNOWN_AGENT',
  'AEGIS_UNKNOWN_TOOL',
  'AEGIS_UNKNOWN_ACTION',
  'AEGIS_UNKNOWN_PARAMETER',
  'AEGIS_UNRESOLVED_ROLE',
  'AEGIS_OVERRIDE',
  'AEGIS_OPENAPI_MISSING',
]);

export function reasonOf({ code }: Finding): string {
  return REASONS[code] ?? (code.startsWith('AEGIS_MAPPING_') ? 'InvalidMapping' : 'InvalidSpec');
}

export function isMissingReference({ code }: Finding): boolean {
  return MISSING_REFERENCES.has(code);
}
