import type { ErrorTable } from './error-table.ts';

/** Gateway and operator as programs: their settings, listeners, log and traces. */
export const OPERATION_ERRORS = {
  AEGIS_SETTING_UNKNOWN: {
    summary: 'A flag, an environment variable or a field of the settings file is not known.',
    fix: 'Correct the name; `aegis gateway --help` or `aegis operator --help` lists all of them.',
  },
  AEGIS_SETTING_VALUE: {
    summary: 'The value of a setting is not usable.',
    fix: 'Write it as the message says; docs/gateway-configuration.md and docs/operator-configuration.md have every setting.',
  },
  AEGIS_SETTING_MISSING: {
    summary: 'A setting is needed and not given.',
    fix: 'Give it as a flag, an environment variable or in the settings file.',
  },
  AEGIS_SETTING_CONFLICT: {
    summary: 'Two settings do not go together.',
    fix: 'Change one of them as the message says.',
  },
  AEGIS_SETTING_FILE: {
    summary: 'A file that a setting names cannot be read.',
    fix: 'Check that the file exists, is mounted, and may be read by the user that the program runs as.',
  },
  AEGIS_SETTINGS_SYNTAX: {
    summary: 'The settings file is not a YAML or JSON object.',
    fix: 'Correct the file at the place named.',
  },
  AEGIS_LISTEN: {
    summary: 'An address cannot be listened on.',
    fix: 'End the program that uses it, or set another address.',
  },
  AEGIS_GATEWAY_DEFECT: {
    summary: 'The gateway met a defect of its own and ended; every call fails until it has started again.',
    fix: 'Report it with the log line before it; the gateway restarts from the bundle on its disk.',
  },
  AEGIS_OPERATOR_DEFECT: {
    summary: 'The operator met a defect of its own and ended; gateways go on with the bundles that they have.',
    fix: 'Report it with the log line before it; the next operator goes on from what is committed.',
  },
  AEGIS_LEADER_LOST: {
    summary: 'The leader could not renew its Lease in time, or another replica has taken it, so this one ended.',
    fix: 'Nothing, if it is rare: another replica leads. Else look why the API server answers slowly or not at all.',
  },
} as const satisfies ErrorTable;
