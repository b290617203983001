import type { ErrorTable } from './error-table.ts';

/** The way from the gateway to the tool. */
export const UPSTREAM_ERRORS = {
  AEGIS_UPSTREAM_HOST: {
    summary: 'The host or port that the agent named is not one of the tool.',
    fix: 'Call the tool by its own address, or add the host to spec.upstream.hosts of the AgentTool.',
  },
  AEGIS_UPSTREAM_ADDRESS: {
    summary: 'The name of the tool leads to an address that the gateway does not connect to; nothing was sent.',
    fix: 'Check the DNS of the tool. A private address must be allowed to the gateway by its range, or stand in spec.upstream.url itself; metadata, multicast and unspecified addresses are never allowed.',
  },
  AEGIS_UPSTREAM_TLS: {
    summary: 'The tool could not prove who it is, or no TLS connection came about; nothing was sent.',
    fix: 'Check the certificate of the tool, and spec.upstream.tls (serverName, caRef, minVersion) of the AgentTool.',
  },
  AEGIS_UPSTREAM_TRUST: {
    summary: 'The certificate authorities of the tool are missing or unusable, so nothing was sent.',
    fix: 'Mount the file that spec.upstream.tls.caRef names, with at least one PEM certificate.',
  },
  AEGIS_UPSTREAM_CREDENTIAL: {
    summary: 'The credential that the gateway must add is missing or unusable, so nothing was sent.',
    fix: 'Mount the Secret that spec.upstream.credentialRef names; the value is one line of printable characters.',
  },
  AEGIS_UPSTREAM_BUSY: {
    summary: 'Too many calls already wait for a connection to the tool; nothing was sent.',
    fix: 'Try again later; if it lasts, the tool is slow, or more connections must be allowed.',
  },
  AEGIS_UPSTREAM_RESPONSE: {
    summary: 'The response of the tool is not valid HTTP and was not passed on; whether it acted is unknown.',
    fix: 'Look the outcome up at the tool before trying again, and report the response to those who run it.',
  },
  AEGIS_UPSTREAM_UPGRADE: {
    summary:
      'The connection cannot become a WebSocket: it is no such request, or its messages would have to be redacted.',
    fix: 'Send a WebSocket handshake; for a tool with response redaction use plain requests.',
  },
  AEGIS_CALLER_GONE: {
    summary: 'The agent closed its connection before the answer; whether the tool acted is told by the decision log.',
    fix: 'Give the call more time at the agent.',
  },
} as const satisfies ErrorTable;
