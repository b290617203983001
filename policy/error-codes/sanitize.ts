import type { ErrorTable } from './error-table.ts';

/** Redaction of responses: each of these means that the response, or the rest of it, did not reach the agent. */
export const SANITIZE_ERRORS = {
  AEGIS_UNKNOWN_DETECTOR: {
    summary: 'A response change names a detector that does not exist, or a pointer that is none.',
    fix: 'Use a detector of docs/sanitizing.md, or a JSON pointer (RFC 6901) such as /card/number or /items/*/email.',
  },
  AEGIS_RESPONSE_TYPE: {
    summary: 'The response is of a content type or charset in which nothing can be redacted, or states none.',
    fix: 'Ask the tool for JSON or UTF-8 text, or remove the response changes from policy and tool for this action.',
  },
  AEGIS_RESPONSE_ENCODING: {
    summary: 'The Content-Encoding of the response is unknown, repeated or damaged, or it expands too far.',
    fix: 'Have the tool answer without Content-Encoding, or with one of gzip, deflate, br, zstd.',
  },
  AEGIS_RESPONSE_PARTIAL: {
    summary: 'The tool sent a part of a document, or switched protocols, where the response must be changed.',
    fix: 'Ask for the whole document; parts cannot be searched for what spans two of them.',
  },
  AEGIS_RESPONSE_MALFORMED: {
    summary: 'The response is not well-formed in the format that it claims, or ended too early.',
    fix: 'Look at what the tool sends; the rest of the response was withheld.',
  },
  AEGIS_RESPONSE_TOO_LARGE: {
    summary: 'A value or event of the response is larger than is held while it is decided what may leave.',
    fix: 'Ask the tool for less at once, or raise the bound of held responses.',
  },
} as const satisfies ErrorTable;
