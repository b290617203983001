import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ErrorCode } from '../../policy/errors.ts';
import { requestHeaders, responseHeaders } from './forward-headers.ts';

/** One call to a tool: exact bytes there, streamed bytes back. Never follows redirects, never sends twice. */
export interface ForwardRequest {
  /** Base URL of the tool. */
  upstream: URL;
  method: string;
  /** Canonical path and query, relative to the base URL. */
  target: string;
  rawHeaders: readonly string[];
  keptHeaders: ReadonlySet<string>;
  body: Uint8Array;
  /** Added to the response. */
  decisionId: string;
}

export interface ForwardTimeouts {
  /** Milliseconds until the response head. */
  headers: number;
  /** Milliseconds between two pieces of the response body; 0 for no bound. */
  body: number;
}

export type ForwardFailure = { code: ErrorCode; status: 502 | 504 };

export interface ForwardEvents {
  /** Once, before the first byte of the request may leave. */
  sent(): void;
  /** The call failed before a response began; the answer is still to be given. */
  failed(failure: ForwardFailure, error: Error): void;
  /** Once, when nothing more will happen. */
  closed(): void;
}

const TIMEOUTS: ReadonlySet<unknown> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

function failureOf(error: Error, sent: boolean): ForwardFailure {
  const { code } = error as { code?: unknown };
  if (!sent) return { code: 'AEGIS_UPSTREAM_CONNECT', status: code === 'UND_ERR_CONNECT_TIMEOUT' ? 504 : 502 };
  if (TIMEOUTS.has(code)) return { code: 'AEGIS_UPSTREAM_TIMEOUT', status: 504 };
  return { code: 'AEGIS_UPSTREAM_FAILED', status: 502 };
}

/** Base path and call path, joined by exactly one slash. */
function joinPath(base: string, target: string): string {
  return base === '/' ? target : `${base.replace(/\/$/, '')}${target}`;
}

class ForwardHandler implements Dispatcher.DispatchHandler {
  readonly #res: ServerResponse;
  readonly #events: ForwardEvents;
  readonly #decisionId: string;
  #controller: Dispatcher.DispatchController | undefined;
  #sent = false;
  #closed = false;

  constructor(res: ServerResponse, decisionId: string, events: ForwardEvents) {
    this.#res = res;
    this.#events = events;
    this.#decisionId = decisionId;
    res.on('drain', () => this.#controller?.resume());
    res.on('close', () => {
      if (!res.writableFinished) this.#controller?.abort(new Error('the agent went away'));
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#res.destroyed) {
      controller.abort(new Error('the agent went away'));
      return;
    }
    if (!this.#sent) this.#events.sent();
    this.#sent = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[]>): void {
    if (status < 200) return;
    this.#res.writeHead(status, { ...responseHeaders(headers), 'Aegis-Decision-Id': this.#decisionId });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#res.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#res.end();
    this.#close();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    // A response that breaks off must not look complete.
    if (this.#res.headersSent) this.#res.destroy();
    else if (!this.#res.destroyed) this.#events.failed(failureOf(error, this.#sent), error);
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.closed();
  }
}

/** Dispatches the call; events tell what became of it. */
export function forward(
  dispatcher: Dispatcher,
  request: ForwardRequest,
  timeouts: ForwardTimeouts,
  res: ServerResponse,
  events: ForwardEvents,
): void {
  const { upstream, method, target, rawHeaders, keptHeaders, body, decisionId } = request;
  dispatcher.dispatch(
    {
      origin: upstream.origin,
      path: joinPath(upstream.pathname, target),
      method: method as Dispatcher.HttpMethod,
      headers: requestHeaders(rawHeaders, keptHeaders),
      body: body.length === 0 ? null : body,
      // A request that may have reached the tool is never sent again by itself.
      idempotent: false,
      headersTimeout: timeouts.headers,
      bodyTimeout: timeouts.body,
    },
    new ForwardHandler(res, decisionId, events),
  );
}
