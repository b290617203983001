import type { ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { ErrorCode } from '../../policy/errors.ts';
import type { ToolContract } from '../../policy/mapping/contract.ts';
import type { MaybePromise } from '../limits/limit-store.ts';
import type { ResponseSanitizer } from '../sanitize/response-sanitizer.ts';

/** Where a call goes. Made by `resolve` only, and good for as long as the contract that it was made from. */
export interface UpstreamTarget {
  tool: string;
  /** `https://api.example.com` or `http://[::1]:4010`: scheme, canonical host, port where it is not the default. */
  origin: string;
  /** Path of the base URL that is put before the decided target: '' or `/v2`, no slash at the end. */
  basePath: string;
  /**
   * Path of the contract's own base URL, '' or `/v2`. A client that named the authority itself (forward proxy, TLS)
   * writes it into its path: capture takes it off before the mapping, and refuses a path that is not below it.
   */
  publicPath: string;
}

/** One decided call as it goes to the tool. */
export interface ForwardRequest {
  method: string;
  /** Canonical path and query as decided on, starting with `/`, relative to the tool's base URL. */
  target: string;
  /** Alternating names and values as the agent sent them. */
  rawHeaders: readonly string[];
  /** Header parameters that were decided on (lower case): they pass even where `Connection` names them. */
  keptHeaders: ReadonlySet<string>;
  /** Exact bytes, or the agent's body as it comes (its Content-Length is kept, otherwise chunked); absent: no body. */
  body?: Uint8Array | Readable | undefined;
  /** The action only reads: GET and HEAD without a body may be sent a second time when the connection breaks. */
  repeatable?: boolean;
  /** Given to the agent as `Aegis-Decision-Id`. */
  decisionId: string;
  sanitizer?: ResponseSanitizer | undefined;
}

export interface ForwardFailure {
  code: ErrorCode;
  /** HTTP status for the agent. */
  status: 502 | 503 | 504;
}

/** What became of a call whose end is told by `closed`. */
export interface ForwardEnd {
  /** Bytes of response body given to the agent. */
  bytes: number;
  /** Why a response that had begun was broken off; absent where it is complete, or `failed` was told. */
  error?: ErrorCode;
}

/** Told in this order: sending, then responded and/or failed, then closed. None of them may throw. */
export interface ForwardEvents {
  /**
   * Once, before the first byte may leave; awaited (the limits are settled). Where it rejects nothing is sent, and
   * `failed` is told with the rejection.
   */
  sending(): MaybePromise<void>;
  /**
   * There is no response for the agent, and the answer is the caller's to give (unless the agent went away itself:
   * AEGIS_CALLER_GONE). `sent: false` is told only where it is certain that nothing left.
   */
  failed(failure: ForwardFailure, error: Error, info: { sent: boolean }): void;
  /** The tool answered with this final status. `failed` may still follow, where the answer cannot be passed on. */
  responded(status: number): void;
  /** Once, when nothing more will happen. */
  closed(end: ForwardEnd): void;
}

/** Milliseconds; 0 = no bound. */
export interface UpstreamTimeouts {
  /** Until the call is on a connection: waiting for a free one, DNS, TCP and TLS together. Default 10,000. */
  connect: number;
  /** From the complete request to the response head. Default 120,000. */
  headers: number;
  /** Between two pieces of the response body. Default 300,000. */
  body: number;
  /** The whole exchange; default 0. */
  total: number;
}

/** A client connection that asked for an upgrade: its socket, and what came after the request. */
export interface UpgradedClient {
  socket: Duplex;
  head: Buffer;
}

export interface UpstreamRefusal {
  code: ErrorCode;
  detail: string;
}

export interface Upstreams {
  /**
   * Where a call of the tool goes. `named` is the authority that the client itself named (forward proxy, TLS), which
   * must be one of the tool's hosts; absent for prefix and port, where the contract's url counts.
   */
  resolve(contract: ToolContract, named?: { host: string; port: number }): UpstreamTarget | UpstreamRefusal;
  /** Sends the call and streams the response into `res`. Never throws; everything is told through `events`. */
  forward(target: UpstreamTarget, request: ForwardRequest, res: ServerResponse, events: ForwardEvents): void;
  /**
   * After an allowed WebSocket upgrade: asks the tool for the same, and joins both sockets where it agrees. Where it
   * does not, its answer is written to the client's socket as an ordinary response. After `failed` the socket is
   * untouched, and the caller's to answer on.
   */
  tunnel(target: UpstreamTarget, request: ForwardRequest, client: UpgradedClient, events: ForwardEvents): void;
  /** Ends all connections and tunnels; calls in flight fail. Drain the listeners first. */
  close(): Promise<void>;
}
