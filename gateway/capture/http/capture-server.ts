import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isFromPage } from '../../../runtime/http/web-pages.ts';
import type { RefusedRequest } from '../../telemetry/call-hooks.ts';
import type { UpgradedClient } from '../../upstream/types.ts';
import { type Asked, askedHost, askedOf } from '../asked.ts';
import type { Attribution } from '../attribution.ts';
import type { CallHandler } from '../call-handler.ts';
import type { NamedAuthority } from '../tool-directory.ts';
import { refusal, type WayRefusal } from '../way-refusal.ts';
import type { BodyMemory } from './body-memory.ts';
import { checkHead } from './check-head.ts';
import { answerClientError } from './client-error.ts';
import { type Connection, connectionOf, openConnection } from './connection.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import type { HttpLimits } from './http-limits.ts';
import { upgradeOf } from './upgrade.ts';

/** What every way in has in common: from a connection of a client to an attributed call. */
export interface CaptureOptions {
  /** Which way in the listener is. */
  via: Asked['via'];
  /** Which call the request is, by where it came in and what it names. */
  attribute(req: IncomingMessage, connection: Connection): Attribution;
  handler: CallHandler;
  limits: HttpLimits;
  /** The server speaks TLS itself. */
  secure?: boolean;
  newId(): string;
  bodies?: BodyMemory;
  onError?(error: unknown): void;
  /** Told of every request that is refused before it is a call of a tool. Must not throw. */
  onRefused(refused: RefusedRequest): void;
  /** True while the gateway is ending: answers close their connections. */
  draining(): boolean;
  /** The way of plain requests to hosts of no tool; absent where they are refused. */
  pass?: PassOptions;
  /** CONNECT; absent where it is refused. */
  connect?(exchange: Exchange, socket: Socket, head: Buffer): void;
}

export interface PassOptions {
  /** Whether the host may be called; asked once per request. */
  admits(authority: NamedAuthority): boolean;
  pass(exchange: Exchange, unknown: NamedAuthority & { path: string }): void;
}

/** Puts the handling of requests onto a server. Made with `serverOptions` and `shouldUpgrade`. */
export function capture(server: Server, options: CaptureOptions): void {
  const { attribute, handler, limits, newId, via } = options;
  server.maxHeadersCount = limits.maxHeaders + 1;
  server.maxConnections = limits.maxConnections;
  server.setTimeout(limits.stall, (socket: Socket) => {
    // Between two requests this is the end of keep-alive; during one, only a client that does not read is cut.
    const busy = connectionOf(socket)?.current?.over === false;
    if (!busy || socket.writableLength > 0) socket.destroy();
  });

  function exchangeOf(req: IncomingMessage, res: ServerResponse, more: Partial<ExchangeOptions>): Exchange {
    if (options.draining()) res.shouldKeepAlive = false;
    const onRefused: ExchangeOptions['onRefused'] = ({ code, status }, decisionId) => {
      const terminated = connectionOf(req.socket)?.terminated;
      options.onRefused({ code, status, ...askedOf(req, { via, terminated }), decisionId });
    };
    return new Exchange(req, res, { limits, newId, onRefused, bodies: options.bodies, ...more });
  }

  /** Why the request is none that can be understood; `close`: nothing after it can be believed. */
  function unacceptable(
    req: IncomingMessage,
    { guard }: Connection,
  ): { refusal: WayRefusal; close: boolean } | undefined {
    const malformed =
      guard.violation === undefined ? checkHead(req, limits) : refusal('AEGIS_HTTP_MALFORMED', 400, guard.violation);
    if (malformed !== undefined) return { refusal: malformed, close: true };
    if (isFromPage(req)) {
      return { refusal: refusal('AEGIS_CALLER_REFUSED', 403, 'Web pages may not call tools.'), close: false };
    }
    const upgrade = upgradeOf(req);
    return upgrade.kind === 'refused' ? { refusal: upgrade.refusal, close: true } : undefined;
  }

  function route(exchange: Exchange, connection: Connection, client: UpgradedClient | undefined): void {
    const attribution = attribute(exchange.req, connection);
    if (attribution.ok) {
      if (client === undefined) handler.handle(attribution.call, exchange);
      else handler.upgrade(attribution.call, exchange, client);
    } else if (attribution.unmapped !== undefined) {
      handler.unmapped(attribution.unmapped, exchange);
    } else if (attribution.unknown !== undefined && client === undefined && options.pass?.admits(attribution.unknown)) {
      options.pass.pass(exchange, attribution.unknown);
    } else exchange.refuse(attribution.refusal);
  }

  function accept(exchange: Exchange, client?: UpgradedClient): void {
    const { req } = exchange;
    const connection = connectionOf(req.socket) ?? openConnection(req.socket);
    // Each waits with all that belongs to it, and the parser reads on.
    if (connection.waiting >= limits.maxPipelined) {
      req.socket.destroy();
      return;
    }
    connection.waiting += 1;
    exchange.onEnd = () => {
      connection.waiting -= 1;
    };
    connection.current = exchange;
    try {
      connection.guard.begin(req);
      const wrong = unacceptable(req, connection);
      if (wrong === undefined) route(exchange, connection, client);
      else exchange.refuse(wrong.refusal, { close: wrong.close });
    } catch (error) {
      options.onError?.(error);
      exchange.refuse(refusal('AEGIS_INTERNAL', 500), { close: true });
    }
  }

  // A server that speaks TLS itself tells both, and HTTP begins with the second.
  server.on(options.secure === true ? 'secureConnection' : 'connection', (socket: Socket) => openConnection(socket));
  server.on('request', (req, res) => accept(exchangeOf(req, res, {})));
  server.on('checkContinue', (req, res) => accept(exchangeOf(req, res, { expectsContinue: true })));
  server.on('checkExpectation', (req, res) => accept(exchangeOf(req, res, {})));
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // TLS, HTTP and both directions of the tunnel each listen for its end.
    socket.setMaxListeners(32);
    const exchange = exchangeOf(req, new ServerResponse(req), { detached: socket });
    accept(exchange, { socket, head });
    connectionOf(socket)?.guard.stop();
  });
  server.on('connect', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    connectionOf(socket)?.guard.stop();
    socket.on('error', () => socket.destroy());
    const exchange = exchangeOf(req, new ServerResponse(req), { detached: socket });
    if (options.connect !== undefined && connectionOf(socket)?.terminated === undefined) {
      options.connect(exchange, socket as Socket, head);
    } else exchange.refuse(refusal('AEGIS_CONNECT_REFUSED', 405, 'CONNECT is taken on the proxy port only.'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const connection = connectionOf(socket);
    answerClientError(error, socket, connection?.current, ({ code, status }) => {
      options.onRefused({ code, status, via, host: askedHost(connection?.terminated?.host) });
    });
  });
}
