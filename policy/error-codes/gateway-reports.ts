import type { ErrorTable } from './error-table.ts';

/** What gateways count, on its way to the operator. */
export const GATEWAY_REPORT_ERRORS = {
  AEGIS_GATEWAY_REPORT: {
    summary: 'The operator could not be told what was counted; enforcement does not depend on it.',
    fix: 'Check report.url, the token and the certificates; the gateway tries again by itself.',
  },
} as const satisfies ErrorTable;
