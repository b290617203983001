import { isIP, type Server, type Socket } from 'node:net';
import { AegisError } from '../../../policy/errors.ts';
import type { RefusedRequest } from '../../telemetry/call-hooks.ts';
import { askedHost } from '../asked.ts';
import { parseAuthority } from '../authority.ts';
import type { HttpLimits } from '../http/http-limits.ts';
import type { NamedAuthority, ToolDirectory } from '../tool-directory.ts';
import { joinSockets } from './join-sockets.ts';
import { type Hello, peekHello } from './peek-hello.ts';
import type { UnknownHosts } from './unknown-hosts.ts';

export interface PassByServerNameOptions {
  directory: ToolDirectory;
  unknown: UnknownHosts;
  limits: HttpLimits;
  /** Told of hosts that could not be connected to. Must not throw. */
  onRefused(refused: RefusedRequest): void;
  onError?(error: unknown): void;
}

const HTTPS_PORT = 443;

/**
 * Lets a server of TLS look at the server name first: what is for a host of no tool that may pass is carried on as it is,
 * to an address that the gateway itself finds. Everything else is the server's, as it was before.
 */
export function passByServerName(server: Server, options: PassByServerNameOptions): void {
  const { directory, unknown, limits } = options;
  const own = server.listeners('connection');
  server.removeAllListeners('connection');

  function passing(hello: Hello): NamedAuthority | undefined {
    const name = hello.kind === 'tls' ? parseAuthority(hello.serverName ?? '') : undefined;
    if (name === undefined || name.port !== undefined || isIP(name.host) !== 0) return undefined;
    // Without a bundle every host would be one of no tool.
    if (!directory.ready() || directory.knows(name.host)) return undefined;
    const authority = { host: name.host, port: HTTPS_PORT };
    return unknown.admits(authority) ? authority : undefined;
  }

  async function pass(authority: NamedAuthority, socket: Socket): Promise<void> {
    const tunnel = await unknown.connect(authority, 'redirected');
    if (socket.destroyed) tunnel.destroy();
    else joinSockets(socket, tunnel);
  }

  function look(socket: Socket, hello: Hello | undefined): void {
    const authority = hello && passing(hello);
    if (hello === undefined) socket.destroy();
    else if (authority === undefined) for (const listener of own) listener.call(server, socket);
    else {
      pass(authority, socket).catch((error: unknown) => {
        // Nothing can be said: in the clear it would be no TLS.
        socket.destroy();
        const code = error instanceof AegisError ? error.code : 'AEGIS_UPSTREAM_CONNECT';
        options.onRefused({ code, status: 0, via: 'tls', host: askedHost(authority.host) });
        options.onError?.(error);
      });
    }
  }

  server.on('connection', (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    peekHello(socket, limits.handshakeTimeout, (hello) => look(socket, hello));
  });
}
