import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
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
  /** The way to hosts of no tool; absent: all are refused. */
  unknown?: UnknownHosts;
  onError?(error: unknown): void;
}

const HTTPS_PORT = 443;

/** For traffic that was redirected here: whose tool it is, the client says by its server name. Without one, no TLS. */
export function createTlsServer({ directory, contexts, limits, unknown, onError }: TlsListenerOptions): Server {
  const server = createServer({
    ...serverOptions(limits),
    shouldUpgradeCallback: (req: IncomingMessage) => shouldUpgrade(req),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ALPN,
    handshakeTimeout: limits.handshakeTimeout,
    SNICallback: (name, done) => contextFor(name, directory, contexts, done),
  });
  if (unknown !== undefined) {
    passByServerName(server, { directory, unknown, limits, ...(onError !== undefined && { onError }) });
  }
  // Before the HTTP side looks at the connection.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const { servername } = socket as { servername?: string | false | null };
    const serverName = typeof servername === 'string' ? servername : '';
    markTerminated(socket, { via: 'tls', host: serverName.toLowerCase(), port: HTTPS_PORT, serverName });
  });
  return server;
}
