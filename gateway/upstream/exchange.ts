import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { AegisError } from '../../policy/errors.ts';
import { isPromise } from '../limits/limit-store.ts';
import type { ResponseSanitizing } from '../sanitize/response-sanitizer.ts';
import { failureOf, isLost } from './failures.ts';
import { type Headers, responseHeaders, responseTrailers } from './forward-headers.ts';
import { RequestBody } from './request-body.ts';
import type { PoolEntry } from './resolved-target.ts';
import type { ForwardEvents, UpstreamTimeouts } from './types.ts';

/** A call made ready: everything that can fail without the network has been done. */
export interface PreparedCall {
  options: Dispatcher.DispatchOptions;
  repeatable: boolean;
  decisionId: string;
  /** The agent takes trailers. */
  trailers: boolean;
  /** Texts that must not come back in a header. */
  traces: readonly string[];
  sanitize: ((status: number, headers: Headers) => ResponseSanitizing) | undefined;
}

export interface ExchangeLimits {
  timeouts: UpstreamTimeouts;
  /** Calls that may wait for a connection, per pool. */
  maxWaiting: number;
  now(): number;
}

/** Interim responses of one call; more is no protocol any more. */
const MAX_INTERIM = 16;

type State =
  /** Waits for `sending`. */
  | 'settling'
  /** With the pool: waits for a connection. */
  | 'waiting'
  /** On a connection. */
  | 'sent'
  /** The response head went to the agent. */
  | 'responding'
  | 'done';

const NO_TRAILERS: Headers = {};
const EXCHANGE = Symbol('exchange');

interface TrackedResponse extends ServerResponse {
  [EXCHANGE]?: Exchange;
}

function onClose(this: TrackedResponse): void {
  this[EXCHANGE]?.callerGone();
}

function onDrain(this: TrackedResponse): void {
  this[EXCHANGE]?.drained();
}

/** The head waits for the first bytes of the body, but not for ever: a stream may begin with silence. */
function flushHead(res: ServerResponse): void {
  if (!res.destroyed && !res.writableEnded) res.flushHeaders();
}

/**
 * One call from its preparation to its last byte. Everything on the usual way is a method of this class, so that a call
 * costs one object and no closures.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  protected readonly res: TrackedResponse;
  protected readonly events: ForwardEvents;
  protected readonly call: PreparedCall;
  readonly #pool: PoolEntry;
  readonly #limits: ExchangeLimits;
  readonly #body: RequestBody | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #state: State = 'settling';
  #attempts = 0;
  #interim = 0;
  #bytes = 0;
  /** Nothing is sent later than this (monotonic milliseconds). */
  #connectBy = 0;
  #waitTimer: NodeJS.Timeout | undefined;
  #totalTimer: NodeJS.Timeout | undefined;
  /** A whole body in one piece, kept for the end that follows at once. */
  #held: Buffer | undefined;
  #length = -1;
  #filter: Duplex | undefined;
  #trailers: Headers = NO_TRAILERS;
  /** An earlier attempt may have reached the tool. */
  #sentBefore = false;
  #drains = false;
  /** Why it ends, where that is known better than by the error that undici makes of it. */
  #cause: Error | undefined;

  constructor(pool: PoolEntry, call: PreparedCall, limits: ExchangeLimits, res: ServerResponse, events: ForwardEvents) {
    this.#pool = pool;
    this.call = call;
    this.#limits = limits;
    this.res = res;
    this.events = events;
    const { body } = call.options;
    this.#body = body instanceof RequestBody ? body : undefined;
    this.res[EXCHANGE] = this;
    res.on('close', onClose);
  }

  start(): void {
    this.#pool.open += 1;
    const { total } = this.#limits.timeouts;
    if (total > 0) this.#totalTimer = setTimeout(onTotal, total, this);
    try {
      const settled = this.events.sending();
      if (isPromise(settled))
        settled.then(
          () => this.#settled(),
          (error: unknown) => this.#withheld(error),
        );
      else this.#settled();
    } catch (error) {
      this.#withheld(error);
    }
  }

  #withheld(error: unknown): void {
    const cause = error instanceof Error ? error : new Error('The call could not be charged.');
    this.#fail(cause instanceof AegisError ? cause : new AegisError('AEGIS_INTERNAL', cause.message, { cause }));
  }

  #settled(): void {
    if (this.#state === 'done') return;
    if (this.#cause !== undefined) this.#fail(this.#cause);
    else if (this.#pool.waiting >= this.#limits.maxWaiting) {
      this.#fail(new AegisError('AEGIS_UPSTREAM_BUSY', `${this.#pool.waiting} calls wait for a connection already.`));
    } else this.#dispatch();
  }

  #dispatch(): void {
    const { connect } = this.#limits.timeouts;
    this.#state = 'waiting';
    this.#attempts += 1;
    this.#pool.waiting += 1;
    this.#pool.pool.dispatch(this.call.options, this);
    if (this.#state !== 'waiting' || connect === 0) return;
    const now = this.#limits.now();
    if (this.#connectBy === 0) this.#connectBy = now + connect;
    this.#waitTimer = setTimeout(onWaited, Math.max(1, this.#connectBy - now), this);
  }

  #endWait(): void {
    if (this.#state !== 'waiting') return;
    this.#pool.waiting -= 1;
    clearTimeout(this.#waitTimer);
    this.#waitTimer = undefined;
  }

  /** undici is about to write; or would be, if the call were still wanted. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === 'done') {
      // Unlike an abort this costs no connection.
      throw this.#cause ?? new Error('The call is over.');
    }
    this.#endWait();
    this.#controller = controller;
    this.#state = 'sent';
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) {
      this.#interim += 1;
      if (this.#interim > MAX_INTERIM) this.refuse('Too many interim responses.');
      return;
    }
    const coding = headers['transfer-encoding'];
    if (coding !== undefined && String(coding).toLowerCase() !== 'chunked') {
      this.refuse('The response has a transfer coding that was not asked for.');
      return;
    }
    this.events.responded(status);
    const sanitizing = this.call.sanitize?.(status, headers);
    if (sanitizing === undefined || sanitizing.kind === 'unchanged') this.#respond(status, headers);
    else if (sanitizing.kind === 'stream') this.#filterThrough(controller, status, sanitizing);
    else this.#abort(new AegisError(sanitizing.code, sanitizing.detail));
  }

  #respond(status: number, headers: Headers): void {
    const { list, length } = responseHeaders(headers, status, this.call.traces);
    list.push('Aegis-Decision-Id', this.call.decisionId);
    this.prepareResponse();
    this.res.writeHead(status, list);
    this.#state = 'responding';
    if (length === undefined) process.nextTick(flushHead, this.res);
    else this.#length = Number(length);
  }

  /** Called before the head is written; a tunnel's response gets its socket here. */
  protected prepareResponse(): void {}

  /** Called before the caller is told that it must answer; a tunnel lets go of the agent's socket here. */
  protected prepareFailure(): void {}

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#filter !== undefined) {
      if (!this.#filter.write(chunk)) controller.pause();
      return;
    }
    if (chunk.length === this.#length && this.#bytes === 0) {
      this.#held = chunk;
      return;
    }
    this.#give(chunk);
  }

  /** @returns whether more is welcome. */
  #give(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.res.write(chunk)) return true;
    (this.#filter ?? this.#controller)?.pause();
    if (!this.#drains) {
      this.#drains = true;
      this.res.on('drain', onDrain);
    }
    return false;
  }

  /** The agent read what it had been given. */
  drained(): void {
    if (this.#state !== 'responding') return;
    (this.#filter ?? this.#controller)?.resume();
  }

  onResponseEnd(_: Dispatcher.DispatchController, trailers: Headers): void {
    if (this.#pool.breaks.now) {
      this.#abort(new AegisError('AEGIS_UPSTREAM_FAILED', 'The connection broke before the end of the response.'));
      return;
    }
    if (this.#filter !== undefined) {
      this.#trailers = trailers;
      this.#filter.end();
      return;
    }
    if (this.#state !== 'responding') return;
    this.#addTrailers(responseTrailers(trailers, this.call.traces));
    this.#end();
  }

  #addTrailers(trailers: [string, string][]): void {
    // Only a chunked body has room for them.
    if (trailers.length > 0 && this.call.trailers && this.#length < 0) this.res.addTrailers(trailers);
  }

  #end(): void {
    if (this.#held !== undefined) this.#bytes = this.#held.length;
    this.res.end(this.#held);
    this.#finish();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#state === 'done') return;
    const cause = this.#cause ?? error;
    if (this.#state === 'responding') {
      this.#breakResponse(cause);
      return;
    }
    if (this.#mayRepeat(cause)) {
      this.#sentBefore = this.#maySent();
      this.#endWait();
      this.#state = 'settling';
      this.#controller = undefined;
      setImmediate(onRepeat, this);
    } else this.#fail(cause);
  }

  /** After a lost connection, once: where nothing left, or where sending it twice changes nothing. */
  #mayRepeat(error: Error): boolean {
    if (this.#attempts > 1 || this.#cause !== undefined || this.#filter !== undefined || !isLost(error)) return false;
    if (this.#connectBy !== 0 && this.#limits.now() >= this.#connectBy) return false;
    return this.#maySent() ? this.call.repeatable : this.#body === undefined || !this.#body.destroyed;
  }

  repeat(): void {
    this.#settled();
  }

  /** Whether anything may have left. undici writes the head of a streamed body with its first piece. */
  #maySent(): boolean {
    if (this.#sentBefore) return true;
    if (this.#state === 'settling' || this.#state === 'waiting') return false;
    return this.#body === undefined || this.#body.pulled;
  }

  callerGone(): void {
    // Every response closes in the end.
    if (this.#state === 'done') return;
    this.#abort(new AegisError('AEGIS_CALLER_GONE', 'The agent closed its connection.'));
  }

  /** The call waited too long for a connection. */
  waited(): void {
    if (this.#state !== 'waiting') return;
    this.#fail(Object.assign(new Error('No connection in time.'), { code: 'UND_ERR_CONNECT_TIMEOUT' }));
  }

  timedOut(): void {
    this.#abort(new AegisError('AEGIS_UPSTREAM_TIMEOUT', 'The exchange took longer than it may.'));
  }

  #abort(cause: AegisError): void {
    if (this.#state === 'done') return;
    this.#cause ??= cause;
    // While the limits settle, their answer is waited for: what they hold is known only then.
    if (this.#state === 'settling') return;
    if (this.#controller === undefined) this.#fail(this.#cause);
    else this.#controller.abort(this.#cause);
    // undici is through with a response whose filter still works.
    if (this.#ended()) return;
    if (this.#state === 'responding') this.#breakResponse(this.#cause);
    else this.#fail(this.#cause);
  }

  #ended(): boolean {
    return this.#state === 'done';
  }

  /** There is no response: the caller answers. */
  #fail(error: Error): void {
    const sent = this.#maySent();
    this.#endWait();
    this.#cause ??= error;
    this.#filter?.destroy();
    this.#state = 'done';
    this.prepareFailure();
    this.events.failed(failureOf(error, sent), error, { sent });
    this.#close();
  }

  /** A response that breaks off must not look complete. */
  #breakResponse(error: Error): void {
    this.#state = 'done';
    this.#filter?.destroy();
    this.res.destroy();
    this.#close(failureOf(error, true).code);
  }

  #finish(): void {
    this.#state = 'done';
    this.#close();
  }

  #close(error?: ReturnType<typeof failureOf>['code']): void {
    this.#release();
    this.events.closed({ bytes: this.#bytes, ...(error !== undefined && { error }) });
  }

  #release(): void {
    clearTimeout(this.#totalTimer);
    this.#pool.open -= 1;
    this.#body?.drain();
  }

  /**
   * The body flows through the sanitizer. The head waits for its first output, so that a refusal can still become a
   * clean answer; that of an event stream does not, since it may begin with silence.
   */
  #filterThrough(
    controller: Dispatcher.DispatchController,
    status: number,
    { headers, stream, trailers }: ResponseSanitizing & { kind: 'stream' },
  ): void {
    this.#filter = stream;
    const open = (): void => {
      if (this.#state === 'sent') this.#respond(status, headers);
    };
    stream
      .on('data', (chunk: Buffer) => {
        open();
        if (this.#state === 'responding') this.#give(chunk);
      })
      .on('drain', () => controller.resume())
      .on('end', () => {
        open();
        if (this.#state !== 'responding') return;
        this.#addTrailers(responseTrailers(trailers(this.#trailers), this.call.traces));
        this.#end();
      })
      .on('error', (error) => {
        this.#abort(
          error instanceof AegisError ? error : new AegisError('AEGIS_INTERNAL', error.message, { cause: error }),
        );
      })
      .on('close', () => this.#abort(new AegisError('AEGIS_INTERNAL', 'The response filter ended too early.')));
    if (String(headers['content-type'] ?? '').startsWith('text/event-stream')) open();
  }

  /**
   * Ends the bookkeeping of a call that became something else; `closed` is then told by whoever took it over.
   * @returns false where the call is over already.
   */
  protected handOver(): boolean {
    if (this.#state !== 'sent') return false;
    this.#state = 'done';
    this.#release();
    return true;
  }

  protected refuse(message: string): void {
    this.#abort(new AegisError('AEGIS_UPSTREAM_RESPONSE', message));
  }
}

function onTotal(exchange: Exchange): void {
  exchange.timedOut();
}

function onWaited(exchange: Exchange): void {
  exchange.waited();
}

function onRepeat(exchange: Exchange): void {
  exchange.repeat();
}
