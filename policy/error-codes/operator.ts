import type { ErrorTable } from './error-table.ts';

/** What the operator finds when it looks at all resources of a tenant together. */
export const OPERATOR_ERRORS = {
  AEGIS_TOOL_BREAKS_POLICY: {
    summary: 'The new version of a tool would make a policy that is in force impossible to enforce.',
    fix: 'Change the policy together with the tool; until then the last good version of the tool stays in force.',
  },
  AEGIS_API_REFUSED: {
    summary: 'The API server refuses something without which the operator cannot start.',
    fix: 'Apply config/rbac, and check which ServiceAccount the operator runs as.',
  },
} as const satisfies ErrorTable;
