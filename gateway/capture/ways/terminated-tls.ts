import type { IncomingMessage } from 'node:http';
import { type Attribution, refused } from '../attribution.ts';
import { parseAuthority } from '../authority.ts';
import type { Terminated } from '../http/connection.ts';
import { parseTarget } from '../request-target.ts';
import type { ToolDirectory } from '../tool-directory.ts';

const HTTPS_PORT = 443;

/**
 * A request inside TLS that the gateway terminated. CONNECT, server name and Host must name one host: a connection
 * that was opened for one tool is no way to another (RFC 9110 sections 7.4 and 15.5.20).
 */
export function attributeByServerName(
  req: IncomingMessage,
  { via, host, port, serverName }: Terminated,
  directory: ToolDirectory,
): Attribution {
  const target = parseTarget(req.url ?? '');
  if (target.form !== 'origin') return refused('AEGIS_HTTP_MALFORMED', 400, 'The request target is not a path.');
  const named = parseAuthority(req.headers.host ?? '');
  if (named === undefined) return refused('AEGIS_HTTP_MALFORMED', 400, 'Host is not a host name.');
  const names = [named.host, ...(serverName === undefined ? [] : [serverName.toLowerCase()])];
  if (names.some((name) => name !== host) || !samePort(req, named.port, port, via)) {
    return refused('AEGIS_HOST_MISMATCH', 421, 'Host is not the one that the TLS connection was opened for.');
  }
  return directory.byHost({ host, port }, target.path, via);
}

/** The port of a redirected connection is not known, and clients that were sent here by hand name this listener's. */
function samePort(req: IncomingMessage, named: number | undefined, port: number, via: Terminated['via']): boolean {
  const own = via === 'tls' && named === req.socket.localPort;
  return own || (named ?? HTTPS_PORT) === port;
}
