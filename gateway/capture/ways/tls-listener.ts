import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { ErrorCode } from '../../../policy/errors.ts';
import type { RefusedRequest } from '../../telemetry/call-hooks.ts';
import type { LeafContexts } from '../ca/leaf-contexts.ts';
import { markTerminated } from '../http/connection.ts';
import { type HttpLimits, serverOptions } from '../http/http-limits.ts';
import { shouldUpgrade } from '../http/upgrade.ts';
import type { ToolDirectory } from '../tool-directory.ts';
import { passByServerName } from './pass-by-server-name.ts';
import { ALPN, contextFor } from './terminate-tls.ts';
import type { UnknownHosts } from './unknown-hosts.ts';

export interface TlsListenerOptions {
  directory: ToolDirectory;
  contexts: LeafContexts;
  limits: HttpLimits;
  /** Told of every handshake that is refused. Must not throw. */
  onRefused(refused: RefusedRequest): void;
  /** The way to hosts of no tool; absent: all are refused. */
  unknown?: UnknownHosts;
  onError?(error: unknown): void;
}

const HTTPS_PORT = 443;
/** How OpenSSL says that there is no certificate to show, and that it is no TLS. */
const WITHOUT_NAME: Readonly<Record<string, ErrorCode>> = {
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'AEGIS_HOST_UNKNOWN',
  ERR_SSL_NO_SHARED_CIPHER: 'AEGIS_HOST_UNKNOWN',
  ERR_SSL_HTTP_REQUEST: 'AEGIS_HTTP_MALFORMED',
};

/** For traffic that was redirected here: whose tool it is, the client says by its server name. Without one, no TLS. */
export function createTlsServer(options: TlsListenerOptions): Server {
  const { directory, limits, unknown, onRefused, onError } = options;
  const server = createServer({
    ...serverOptions(limits),
    shouldUpgradeCallback: (req: IncomingMessage) => shouldUpgrade(req),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ALPN,
    handshakeTimeout: limits.handshakeTimeout,
    SNICallback: (name, done) => contextFor(name, 'tls', options, done),
  });
  if (unknown !== undefined) {
    passByServerName(server, { directory, unknown, limits, onRefused, ...(onError !== undefined && { onError }) });
  }
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const { servername } = socket as { servername?: string | false | null };
    const code = WITHOUT_NAME[error.code ?? ''];
    // Names of no tool were told above; otherwise the client went away by itself.
    if (code !== undefined && !servername) onRefused({ code, status: 0, via: 'tls' });
  });
  // Before the HTTP side looks at the connection.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const { servername } = socket as { servername?: string | false | null };
    const serverName = typeof servername === 'string' ? servername : '';
    markTerminated(socket, { via: 'tls', host: serverName.toLowerCase(), port: HTTPS_PORT, serverName });
  });
  return server;
}
