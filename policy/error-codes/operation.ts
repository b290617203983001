import type { ErrorTable } from './error-table.ts';

/** The gateway as a program: its settings, its listeners, its log and traces. */
export const OPERATION_ERRORS = {
  AEGIS_SETTING_UNKNOWN: {
    summary: 'A flag, an environment variable or a field of the settings file is not known.',
    fix: 'Correct the name; `aegis gateway --help` lists all of them.',
  },
  AEGIS_SETTING_VALUE: {
    summary: 'The value of a setting is not usable.',
    fix: 'Write it as the message says; docs/gateway-configuration.md has every setting.',
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
    fix: 'Check that the file exists, is mounted, and may be read by the user that the gateway runs as.',
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
} as const satisfies ErrorTable;
