import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { AegisError } from '../../../policy/errors.ts';
import { isFromPage } from '../../../runtime/http/web-pages.ts';
import type { RefusedRequest } from '../../telemetry/call-hooks.ts';
import { askedHost } from '../asked.ts';
import { parseAuthority, sameAuthority } from '../authority.ts';
import type { LeafContexts } from '../ca/leaf-contexts.ts';
import { checkHead } from '../http/check-head.ts';
import { markTerminated } from '../http/connection.ts';
import type { Exchange } from '../http/exchange.ts';
import type { HttpLimits } from '../http/http-limits.ts';
import { answerRaw } from '../http/raw-answer.ts';
import type { NamedAuthority, ToolDirectory } from '../tool-directory.ts';
import { refusal, type WayRefusal } from '../way-refusal.ts';
import { joinSockets } from './join-sockets.ts';
import { type Hello, peekHello } from './peek-hello.ts';
import { terminateTls } from './terminate-tls.ts';
import type { UnknownHosts } from './unknown-hosts.ts';

/**
 * CONNECT (RFC 9110 section 9.3.6). To the host of a tool: TLS ends here, with a certificate for that name, and the
 * HTTP inside is read; so is plain HTTP inside a tunnel to port 80, as some clients send it to their proxy. Nothing else
 * goes through, except to hosts of no tool where `unknown` lets it pass.
 */
export interface ConnectOptions {
  /** Where the requests inside the tunnel go; must be listening. */
  server: Server;
  directory: ToolDirectory;
  token(req: IncomingMessage): WayRefusal | undefined;
  /** Absent where no CA is configured: then nothing can be read inside a tunnel. */
  contexts: LeafContexts | undefined;
  unknown: UnknownHosts | undefined;
  limits: HttpLimits;
  /** Told of what is refused inside a tunnel; the rest is told by its exchange. Must not throw. */
  onRefused(refused: RefusedRequest): void;
  onError?(error: unknown): void;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

export function createConnect(options: ConnectOptions) {
  const { server, directory, token, contexts, unknown, limits, onRefused } = options;

  function authorityOf(req: IncomingMessage): NamedAuthority | WayRefusal {
    // Python's http.client says HTTP/1.0 here, without Host.
    const wrong = checkHead(req, limits, req.httpVersion !== '1.0');
    if (wrong !== undefined) return wrong;
    if (isFromPage(req)) return refusal('AEGIS_CALLER_REFUSED', 403, 'Web pages may not open tunnels.');
    const { headers } = req;
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
      return refusal('AEGIS_HTTP_MALFORMED', 400, 'A CONNECT request has no body.');
    }
    const named = parseAuthority(req.url ?? '');
    if (named?.port === undefined) return refusal('AEGIS_HTTP_MALFORMED', 400, 'CONNECT names host and port.');
    const host = headers.host === undefined ? named : parseAuthority(headers.host);
    // Undici leaves the port of either scheme out of Host.
    const usual = named.port === HTTP_PORT ? HTTP_PORT : HTTPS_PORT;
    if (host === undefined || !sameAuthority(host, named, usual)) {
      return refusal('AEGIS_HOST_MISMATCH', 400, 'Host and CONNECT name different hosts.');
    }
    return token(req) ?? { host: named.host, port: named.port };
  }

  function mayOpen(authority: NamedAuthority): WayRefusal | { tool: true } | { unknown: UnknownHosts } {
    // Otherwise every host would be one of no tool.
    if (!directory.ready()) return refusal('AEGIS_NO_BUNDLE', 503);
    if (directory.knows(authority.host)) {
      if (contexts !== undefined || authority.port === HTTP_PORT) return { tool: true };
      const detail = 'A tool is at this host, and the gateway has no CA to read what goes through the tunnel.';
      return refusal('AEGIS_CONNECT_REFUSED', 403, detail);
    }
    if (unknown?.admits(authority) === true) return { unknown };
    return refusal('AEGIS_HOST_UNKNOWN', 403, 'No tool of the agent is at this host.');
  }

  /** Says what the tunnel is for, and gives it back to the server, which reads it like any other connection. */
  function servePlain(authority: NamedAuthority, socket: Socket): void {
    // Those of the request before are still there.
    socket.setMaxListeners(32);
    markTerminated(socket, { via: 'proxy', ...authority, plain: true });
    server.emit('connection', socket);
    socket.resume();
  }

  /** The tunnel ends here: TLS, or at port 80 plain HTTP, where it is what the port is for. */
  function terminate(authority: NamedAuthority, socket: Socket): void {
    socket.write(ESTABLISHED);
    peekHello(socket, limits.handshakeTimeout, (hello) => {
      if (hello?.kind === 'tls' && contexts !== undefined) {
        terminateTls(socket, authority, { server, directory, contexts, limits, onRefused });
      } else if (hello?.kind === 'plain' && authority.port === HTTP_PORT) servePlain(authority, socket);
      else refuseInside(authority, socket, hello);
    });
  }

  function refuseInside({ host: name }: NamedAuthority, socket: Socket, hello: Hello | undefined): void {
    if (hello === undefined) {
      socket.destroy();
      return;
    }
    const status = hello.kind === 'plain' ? 400 : 0;
    onRefused({ code: 'AEGIS_CONNECT_REFUSED', status, via: 'proxy', host: askedHost(name) });
    if (hello.kind === 'tls') socket.destroy();
    else answerRaw(socket, 'AEGIS_CONNECT_REFUSED', 400, 'Only TLS is taken inside CONNECT.');
  }

  async function pass(authority: NamedAuthority, socket: Socket, unknownHosts: UnknownHosts): Promise<void> {
    const tunnel = await unknownHosts.connect(authority, 'proxy');
    if (socket.destroyed) {
      tunnel.destroy();
      return;
    }
    socket.write(ESTABLISHED);
    peekHello(socket, limits.handshakeTimeout, (hello) => {
      // Inside could be a request for a tool: only TLS that names this very host is let through.
      if (hello?.kind === 'tls' && hello.serverName?.toLowerCase() === authority.host) joinSockets(socket, tunnel);
      else {
        tunnel.destroy();
        refuseInside(authority, socket, hello);
      }
    });
  }

  return (exchange: Exchange, socket: Socket, head: Buffer): void => {
    const authority = authorityOf(exchange.req);
    if ('code' in authority) {
      exchange.refuse(authority);
      return;
    }
    const opening = mayOpen(authority);
    if ('code' in opening) {
      exchange.refuse(opening);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    if ('tool' in opening) terminate(authority, socket);
    else {
      pass(authority, socket, opening.unknown).catch((error: unknown) => {
        options.onError?.(error);
        const code = error instanceof AegisError ? error.code : 'AEGIS_UPSTREAM_CONNECT';
        exchange.refuse(refusal(code, 502));
      });
    }
  };
}
