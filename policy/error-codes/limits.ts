import type { ErrorTable } from './error-table.ts';

/** Rates and budgets, where the gateway keeps them. */
export const LIMITS_ERRORS = {
  AEGIS_LIMITS_UNAVAILABLE: {
    summary: 'The store of rates and budgets could not be asked, so nothing was sent.',
    fix: 'Check that the Redis or Valkey server is up, reachable and lets the gateway in; /health says what is wrong.',
  },
  AEGIS_LIMITS_LAPSED: {
    summary: 'The call took too long to be sent: what it held of its limits was given back, so nothing was sent.',
    fix: 'Call again. If it happens often, the gateway is starved of CPU, or cannot connect to the tool.',
  },
  AEGIS_LIMITS_CONFIG: {
    summary: 'The store of rates and budgets is not set up in a usable way.',
    fix: 'Give the address as redis://host:port/db, rediss://host:port/db or unix:///path, and the password in a file.',
  },
} as const satisfies ErrorTable;
