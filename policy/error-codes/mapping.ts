import type { ErrorTable } from './error-table.ts';

/** The gateway: a raw request and the tool call in it. */
export const MAPPING_ERRORS = {
  AEGIS_MAPPING_CONTRACT: {
    summary: 'The tool contract cannot map requests without a doubt.',
    fix: 'Correct the action or parameter of the AgentTool that the message names.',
  },
  AEGIS_MAPPING_UNKNOWN_TOOL: {
    summary: 'The agent has no such tool.',
    fix: 'Add the toolId to spec.tools of the AgentRegistration, and an AgentTool of that id.',
  },
  AEGIS_MAPPING_UNMAPPED: {
    summary: 'No action of the tool matches the method and path of the request.',
    fix: 'Add an action with this method and path template to the AgentTool, if agents may call it at all.',
  },
  AEGIS_MAPPING_PATH: {
    summary: 'The request path could be read in more than one way (dot segments, encoded slashes, double encoding…).',
    fix: 'Send the path in its plain form: one level of percent-encoding, no empty or dot segments.',
  },
  AEGIS_MAPPING_HEADER: {
    summary: 'A header could change what the tool makes of the request (method or URL override, repeated header).',
    fix: 'Send the real method and path, and each of these headers at most once.',
  },
  AEGIS_MAPPING_DUPLICATE: {
    summary: 'A parameter occurs twice, so gateway and tool might read different values.',
    fix: 'Send each parameter once, in the one place that the tool contract names.',
  },
  AEGIS_MAPPING_UNDECLARED: {
    summary: 'The request holds a field that the tool contract does not name.',
    fix: 'Declare the field as a parameter of the action, or set undeclared: Allow if it cannot matter.',
  },
  AEGIS_MAPPING_MISTYPED: {
    summary: 'A parameter is not of the type, unit or currency that the tool contract says.',
    fix: 'Send the value in the declared wire type, plainly written, with a known currency.',
  },
  AEGIS_MAPPING_MISSING: {
    summary: 'A required parameter is missing.',
    fix: 'Send the parameter, or make it optional in the AgentTool.',
  },
  AEGIS_MAPPING_CONTENT_TYPE: {
    summary: 'The body is of a content type or encoding that the action does not expect.',
    fix: 'Send the declared content type once, in UTF-8, without Content-Encoding.',
  },
  AEGIS_MAPPING_ENCODING: {
    summary: 'Percent-encoding or UTF-8 in the request is malformed, or a control character is hidden in it.',
    fix: 'Send well-formed UTF-8 without control characters.',
  },
  AEGIS_MAPPING_BODY: {
    summary: 'The body is not well-formed, too deep, or ended early.',
    fix: 'Send one complete, well-formed body.',
  },
  AEGIS_MAPPING_TOO_LARGE: {
    summary: 'The request is larger than the gateway reads before it decides.',
    fix: 'Send less, or raise the body cap of the gateway.',
  },
} as const satisfies ErrorTable;
