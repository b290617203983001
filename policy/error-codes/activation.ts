import type { ErrorTable } from './error-table.ts';

/** Aegis itself, and making a bundle active. */
export const ACTIVATION_ERRORS = {
  AEGIS_INTERNAL: {
    summary: 'A defect in Aegis itself.',
    fix: 'Report it with the message; the call was not allowed.',
  },
  AEGIS_ACTIVATION: {
    summary: 'A verified bundle could not be made active; the last good one stays in force.',
    fix: 'Compile and sign the bundle again with this version of Aegis.',
  },
} as const satisfies ErrorTable;
