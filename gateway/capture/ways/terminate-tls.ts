import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { RefusedRequest } from '../../telemetry/call-hooks.ts';
import { askedHost } from '../asked.ts';
import type { LeafContexts } from '../ca/leaf-contexts.ts';
import { markTerminated, type Terminated } from '../http/connection.ts';
import type { HttpLimits } from '../http/http-limits.ts';
import type { NamedAuthority, ToolDirectory } from '../tool-directory.ts';

export interface TerminateOptions {
  server: Server;
  directory: ToolDirectory;
  contexts: LeafContexts;
  limits: HttpLimits;
  /** Told of names that no tool has. Must not throw. */
  onRefused(refused: RefusedRequest): void;
}

/** HTTP/2 is not spoken here, and says so (RFC 7301). */
export const ALPN = ['http/1.1'];

/** The certificate for a server name that a tool has; none for any other (RFC 6066 section 3, unrecognized_name). */
export function contextFor(
  name: string,
  via: Terminated['via'],
  { directory, contexts, onRefused }: Pick<TerminateOptions, 'directory' | 'contexts' | 'onRefused'>,
  done: (error: Error | null, context?: SecureContext) => void,
): void {
  try {
    if (directory.knows(name)) done(null, contexts.contextFor(name.toLowerCase()));
    else {
      const code = directory.ready() ? 'AEGIS_HOST_UNKNOWN' : 'AEGIS_NO_BUNDLE';
      onRefused({ code, status: 0, via, host: askedHost(name) });
      done(new Error('no tool has this server name'));
    }
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Ends TLS on a connection that was opened for `authority`, and gives what is inside to the server. */
export function terminateTls(socket: Socket, authority: NamedAuthority, options: TerminateOptions): void {
  const { server, contexts, limits } = options;
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: contexts.contextFor(authority.host),
    ALPNProtocols: ALPN,
    SNICallback: (name, done) => contextFor(name, 'proxy', options, done),
  });
  const timer = setTimeout(() => secure.destroy(), limits.handshakeTimeout);
  secure.on('error', () => secure.destroy());
  secure.once('close', () => {
    clearTimeout(timer);
    socket.destroy();
  });
  secure.once('secure', () => {
    clearTimeout(timer);
    const { servername } = secure as { servername?: string | false | null };
    const named = typeof servername === 'string' && servername !== '' ? { serverName: servername } : {};
    markTerminated(secure, { via: 'proxy', ...authority, ...named });
    server.emit('connection', secure);
  });
}
