import type { ErrorTable } from './error-table.ts';

/** The ways into the gateway: sockets, HTTP framing, forward proxy, TLS. */
export const CAPTURE_ERRORS = {
  AEGIS_HTTP_MALFORMED: {
    summary: 'The request is not plain HTTP/1.1, or could be read in more than one way.',
    fix: 'Send one Host, one of Content-Length and Transfer-Encoding: chunked, no chunk extensions, no trailers.',
  },
  AEGIS_HTTP_TOO_LARGE: {
    summary: 'The head of the request has too many headers or is too long.',
    fix: 'Send fewer and shorter headers.',
  },
  AEGIS_HTTP_TIMEOUT: {
    summary: 'The request did not arrive in time.',
    fix: 'Send the whole request without pauses.',
  },
  AEGIS_HTTP_BUSY: {
    summary: 'So many bodies arrive at the same time that there is no room for this one.',
    fix: 'Send it again in a moment, or fewer large bodies at once.',
  },
  AEGIS_CALLER_REFUSED: {
    summary: 'Who asks may not use this listener: another machine, or a web page.',
    fix: 'Call from the machine (or pod) of the gateway, and not from a browser.',
  },
  AEGIS_PROXY_AUTH: {
    summary: 'The forward proxy wants its token.',
    fix: 'Put the token into the proxy URL, as its password: http://aegis:TOKEN@127.0.0.1:15001.',
  },
  AEGIS_HOST_UNKNOWN: {
    summary: 'No tool of the agent is at this host.',
    fix: 'Add the host to spec.upstream of the AgentTool that it belongs to, or allow unknown hosts.',
  },
  AEGIS_HOST_AMBIGUOUS: {
    summary: 'Several tools of the agent are at this host, and the path does not tell which one is meant.',
    fix: 'Give the tools different base paths in spec.upstream.url, or call by path prefix or port.',
  },
  AEGIS_HOST_MISMATCH: {
    summary: 'Host, request target, CONNECT and TLS server name of the request do not name the same host.',
    fix: 'Name one host everywhere; connections cannot be reused for other hosts.',
  },
  AEGIS_CONNECT_REFUSED: {
    summary: 'The gateway does not open this tunnel, because it could not see what goes through it.',
    fix: 'Speak TLS inside CONNECT (plain HTTP only to port 80 of a tool), have clients trust the CA of the gateway, and name the CA folder to the gateway.',
  },
  AEGIS_UPGRADE_REFUSED: {
    summary: 'The connection may not be upgraded to another protocol.',
    fix: 'Use plain requests, or set webSocket: Allow on the action of the AgentTool.',
  },
  AEGIS_CA: {
    summary: 'The CA of the gateway cannot be read or made.',
    fix: 'Give a writable folder, or one that holds ca.crt and ca.key of a CA that is valid.',
  },
} as const satisfies ErrorTable;
