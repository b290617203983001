import type { ErrorTable } from './error-table.ts';

/** The gateway: listeners and upstream. */
export const GATEWAY_ERRORS = {
  AEGIS_NO_BUNDLE: {
    summary: 'No verified bundle is active, so every call is refused.',
    fix: 'See /health and the log for why no bundle was activated.',
  },
  AEGIS_REQUEST_REFUSED: {
    summary: 'The request to the decision endpoint is not acceptable (Host, method, content type, size).',
    fix: 'POST application/json to a loopback name, below the size limit.',
  },
  AEGIS_DECISION_UNKNOWN: {
    summary: 'No decision with this id is remembered; only the most recent ones are.',
    fix: 'Ask sooner, or look in the decision log.',
  },
  AEGIS_UPSTREAM_UNKNOWN: {
    summary: 'The tool has no upstream URL to forward to.',
    fix: 'Set spec.upstream.url of the AgentTool, or override the upstream of the tool.',
  },
  AEGIS_UPSTREAM_CONNECT: {
    summary: 'The tool could not be reached; nothing was sent to it.',
    fix: 'Check that the upstream of the tool is up and reachable from the gateway.',
  },
  AEGIS_UPSTREAM_TIMEOUT: {
    summary: 'The tool did not answer in time; whether it acted is unknown.',
    fix: 'Look the outcome up at the tool before trying again.',
  },
  AEGIS_UPSTREAM_FAILED: {
    summary: 'The connection to the tool broke after the call was sent; whether it acted is unknown.',
    fix: 'Look the outcome up at the tool before trying again.',
  },
} as const satisfies ErrorTable;
