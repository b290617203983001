import type { ErrorTable } from './error-table.ts';

/** The catalogue of tools, and resources that the command line writes. */
export const AUTHORING_ERRORS = {
  AEGIS_CATALOGUE_UNKNOWN: {
    summary: 'The catalogue has no tool of this name.',
    fix: 'See `aegis tools list`, or write an AgentTool of your own: docs/reference.md has its fields.',
  },
  AEGIS_CATALOGUE_BROKEN: {
    summary: 'The catalogue that belongs to this program cannot be read.',
    fix: 'Install Aegis again; where it runs from a checkout, config/tools/ must lie beside it.',
  },
  AEGIS_ANSWER_MISSING: {
    summary: 'Something that the resource needs was not said, and there is nobody to ask.',
    fix: 'Add the option that the message names, or run the command on a terminal, where it asks.',
  },
  AEGIS_ANSWER_INVALID: {
    summary: 'The resource that the options describe would not be accepted; nothing was written.',
    fix: 'Correct the option that the message names; docs/reference.md says what each field may hold.',
  },
} as const satisfies ErrorTable;
