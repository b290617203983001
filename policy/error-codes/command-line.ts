import type { ErrorTable } from './error-table.ts';

/** The command line. */
export const COMMAND_LINE_ERRORS = {
  AEGIS_USAGE: { summary: 'The command line is not usable.', fix: 'See the --help of the command.' },
  AEGIS_PORT_IN_USE: {
    summary: 'A port on 127.0.0.1 cannot be opened.',
    fix: 'End the program that uses it, or choose another one with --decisions-port or --proxy-port.',
  },
  AEGIS_NO_RESOURCES: {
    summary: 'There is no Aegis resource in what was named, so nothing was checked.',
    fix: 'Name the files or folders that hold the policies; folders are searched for .yaml, .yml and .json files.',
  },
  AEGIS_NO_TESTS: {
    summary: 'There is no test vector to run, so nothing was tested.',
    fix: 'Write spec.tests in an AgentPolicy, or a TestSuite, and check the pattern given to --run.',
  },
  AEGIS_SERVER_UNREACHABLE: {
    summary: 'The running gateway could not be asked about a decision.',
    fix: 'Start `aegis run`, or name its address with --server; decisions are remembered as long as it runs.',
  },
  AEGIS_OUTPUT_EXISTS: {
    summary: 'The place to write to holds something else.',
    fix: 'Choose another place, or remove what is there.',
  },
  AEGIS_OUTPUT_UNWRITABLE: {
    summary: 'A file cannot be written.',
    fix: 'Check the path, its permissions and the space left.',
  },
} as const satisfies ErrorTable;
