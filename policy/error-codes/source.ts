import type { ErrorTable } from './error-table.ts';

/** Sources: YAML, JSON, files. */
export const SOURCE_ERRORS = {
  AEGIS_YAML_SYNTAX: {
    summary: 'The text is not valid YAML 1.2.',
    fix: 'Correct the marked place; check indentation (no tabs), quotes and brackets.',
  },
  AEGIS_RESOURCE_JSON: {
    summary: 'The text of a .json source is not valid JSON.',
    fix: 'Correct the marked place; comments and trailing commas are not JSON.',
  },
  AEGIS_YAML_DUPLICATE_KEY: {
    summary: 'A mapping has the same key twice, and parsers disagree which one counts.',
    fix: 'Remove or rename one of the two.',
  },
  AEGIS_YAML_VALUE: {
    summary: 'A value that parsers read differently, or that would not be kept exactly.',
    fix: 'Write it as a quoted string, or as a plain JSON number, without tags and merge keys.',
  },
  AEGIS_YAML_AMBIGUOUS: {
    summary: 'A plain word or number that YAML 1.1 parsers such as kubectl read differently.',
    fix: 'Put it in quotes.',
  },
  AEGIS_YAML_CHARACTER: {
    summary: 'An invisible or control character.',
    fix: 'Remove it, or write it as an escape in a double-quoted string.',
  },
  AEGIS_YAML_LIMIT: {
    summary: 'The text is larger, deeper or uses more aliases than is accepted.',
    fix: 'Split it into several documents or files, and write aliases out.',
  },
  AEGIS_RESOURCE_SHAPE: {
    summary: 'The document is not a Kubernetes resource.',
    fix: 'Give it apiVersion, kind and metadata.name.',
  },
  AEGIS_RESOURCE_KIND_UNKNOWN: {
    summary: 'There is no such kind in aegis.dev.',
    fix: 'Correct the kind, e.g. AgentPolicy, AgentRegistration, AgentTool or AgentTenant.',
  },
  AEGIS_RESOURCE_VERSION_UNKNOWN: {
    summary: 'This version of aegis.dev is not known.',
    fix: 'Write apiVersion: aegis.dev/v1alpha1.',
  },
  AEGIS_RESOURCE_FOREIGN: {
    summary: 'The resource belongs to someone else and is skipped.',
    fix: 'Nothing, unless it was meant for Aegis: then correct its apiVersion.',
  },
  AEGIS_RESOURCE_DUPLICATE: {
    summary: 'The same resource is defined twice.',
    fix: 'Remove one of the two definitions.',
  },
  AEGIS_FILE_NOT_FOUND: {
    summary: 'There is no such file or folder.',
    fix: 'Check the path; it is resolved from the current folder.',
  },
  AEGIS_FILE_UNREADABLE: {
    summary: 'The file cannot be read, or is not UTF-8 text.',
    fix: 'Check its permissions and its encoding.',
  },
  AEGIS_FILE_TOO_LARGE: {
    summary: 'The file, or all files together, are larger than is accepted.',
    fix: 'Split it, or name fewer files.',
  },
  AEGIS_FILE_OUTSIDE_ROOT: {
    summary: 'A symbolic link leads out of the folder that was named.',
    fix: 'Copy the file into the folder, or name it as a path of its own.',
  },
} as const satisfies ErrorTable;
