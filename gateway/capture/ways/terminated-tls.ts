import type { IncomingMessage } from 'node:http';
import { type Attribution, refused } from '../attribution.ts';
import { parseAuthority } from '../authority.ts';
import type { Terminated } from '../http/connection.ts';
import { parseTarget } from '../request-target.ts';
import type { ToolDirectory } from '../tool-directory.ts';

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/**
 * A request inside TLS that the gateway terminated, or plain in a tunnel to port 80. CONNECT, server name and Host must name one host: a connection
 * that was opened for one tool is no way to another (RFC 9110 sections 7.4 and 15.5.20).
 */
export function attributeByServerName(
  req: IncomingMessage,
  terminated: Terminated,
  directory: ToolDirectory,
): Attribution {
  const { via, host, port, serverName } = terminated;
  const target = parseTarget(req.url ?? '');
  if (target.form !== 'origin') return refused('AEGIS_HTTP_MALFORMED', 400, 'The request target is not a path.');
  const named = parseAuthority(req.headers.host ?? '');
  if (named === undefined) return refused('AEGIS_HTTP_MALFORMED', 400, 'Host is not a host name.');
  const names = [named.host, ...(serverName === undefined ? [] : [serverName.toLowerCase()])];
  if (names.some((name) => name !== host) || !samePort(req, named.port, terminated)) {
    return refused('AEGIS_HOST_MISMATCH', 421, 'Host is not the one that the connection was opened for.');
  }
  return directory.byHost({ host, port }, target.path, via);
}

/** The port of a redirected connection is not known, and clients that were sent here by hand name this listener's. */
function samePort(req: IncomingMessage, named: number | undefined, { via, port, plain }: Terminated): boolean {
  const own = via === 'tls' && named === req.socket.localPort;
  return own || (named ?? (plain === true ? HTTP_PORT : HTTPS_PORT)) === port;
}
