import { IncomingMessage, ServerResponse, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Exchange, type ExchangeLimits, type PreparedCall } from './exchange.ts';
import { type Headers, responseHeaders } from './forward-headers.ts';
import type { PoolEntry } from './resolved-target.ts';
import type { ForwardEvents, UpgradedClient } from './types.ts';

/** A response for a connection that node:http gave away at the upgrade; without a socket until it has a head. */
function detachedResponse(socket: Duplex): ServerResponse {
  const request = new IncomingMessage(socket as Socket);
  request.method = 'GET';
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  return response;
}

/** RFC 9110 section 15.2.2. @throws where a header could not be written as one line. */
function switchingProtocols(headers: Headers, call: PreparedCall): string {
  const { list } = responseHeaders(headers, 101, call.traces);
  list.push('Aegis-Decision-Id', call.decisionId);
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (let index = 0; index < list.length; index += 2) {
    validateHeaderValue(list[index] as string, list[index + 1] as string);
    head += `${list[index]}: ${list[index + 1]}\r\n`;
  }
  return `${head}\r\n`;
}

/** A call that asks for a WebSocket (RFC 6455 section 4). Anything but 101 is an ordinary response. */
export class TunnelExchange extends Exchange {
  readonly #client: UpgradedClient;
  readonly #tunnels: Set<Duplex>;
  readonly #onClientEnd = (): void => this.callerGone();
  /** An end is only seen by reading; what comes instead of it waits for the tool's answer. */
  readonly #onClientReadable = (): void => {
    const early: Buffer | null = this.#client.socket.read();
    if (early === null) return;
    this.#unwatch();
    this.#client.socket.unshift(early);
  };

  constructor(
    pool: PoolEntry,
    call: PreparedCall,
    limits: ExchangeLimits,
    client: UpgradedClient,
    events: ForwardEvents,
    tunnels: Set<Duplex>,
  ) {
    super(pool, call, limits, detachedResponse(client.socket), events);
    this.#client = client;
    this.#tunnels = tunnels;
    client.socket.on('close', this.#onClientEnd).on('end', this.#onClientEnd).on('readable', this.#onClientReadable);
  }

  #unwatch(): void {
    const { socket } = this.#client;
    socket.off('close', this.#onClientEnd).off('end', this.#onClientEnd).off('readable', this.#onClientReadable);
  }

  protected override prepareResponse(): void {
    const { socket } = this.#client;
    this.#unwatch();
    this.res.assignSocket(socket as Socket);
    this.res.on('finish', () => socket.end());
    socket.resume();
  }

  protected override prepareFailure(): void {
    this.#unwatch();
  }

  onRequestUpgrade(_: Dispatcher.DispatchController, status: number, headers: Headers, upstream: Duplex): void {
    const { socket, head } = this.#client;
    if (status !== 101 || String(headers.upgrade).toLowerCase() !== 'websocket') {
      upstream.destroy();
      this.refuse('The tool switched to another protocol.');
      return;
    }
    const answer = switchingProtocols(headers, this.call);
    if (!this.handOver()) {
      upstream.destroy();
      return;
    }
    this.events.responded(status);
    this.#unwatch();
    socket.write(answer, 'latin1');
    if (head.length > 0) upstream.write(head);
    this.#join(socket, upstream);
  }

  /** Each side is read as fast as the other takes it; an end is passed on, and an error of one side ends both. */
  #join(client: Duplex, upstream: Duplex): void {
    let bytes = 0;
    let open = 2;
    this.#tunnels.add(client).add(upstream);
    upstream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const ended = (error: Error | null | undefined): void => {
      open -= 1;
      if (error) {
        client.destroy();
        upstream.destroy();
      }
      if (open > 0) return;
      this.#tunnels.delete(client);
      this.#tunnels.delete(upstream);
      this.events.closed({ bytes });
    };
    pipeline(client, upstream, ended);
    pipeline(upstream, client, ended);
  }
}
