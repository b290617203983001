import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { type ProblemResponse, problemFor } from '../../enforcement/problem.ts';
import { drain, mayHaveBody, readBody, sendProblem } from '../../listeners/http-common.ts';
import { problemTypeOf, refusal, type WayRefusal } from '../way-refusal.ts';
import type { BodyMemory } from './body-memory.ts';
import type { HttpLimits } from './http-limits.ts';
import { takeSocket } from './raw-answer.ts';

export interface ExchangeOptions {
  limits: HttpLimits;
  newId(): string;
  /** Absent: no bound on what all exchanges hold together. */
  bodies?: BodyMemory | undefined;
  /** Told of every refusal of what is no decided call. Must not throw. */
  onRefused?(why: WayRefusal, decisionId: string): void;
  /** The client waits for `100 Continue`. */
  expectsContinue?: boolean;
  /** The socket that node:http gave away (CONNECT, Upgrade); it is taken for the answer if there is one. */
  detached?: Duplex;
}

/** One request and its answer on a client's connection. Answers once; what comes later finds it answered. */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Called once, when the answer was given in full or the client is gone. */
  onEnd?: () => void;
  readonly #limits: HttpLimits;
  readonly #newId: () => string;
  readonly #onRefused: ExchangeOptions['onRefused'];
  readonly #detached: Duplex | undefined;
  readonly #bodies: BodyMemory | undefined;
  /** Bytes of the body that count there. */
  #held = 0;
  #expectsContinue: boolean;
  #refused = false;
  #upload: PassThrough | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: ExchangeOptions) {
    this.req = req;
    this.res = res;
    this.#limits = options.limits;
    this.#newId = options.newId;
    this.#onRefused = options.onRefused;
    this.#expectsContinue = options.expectsContinue === true;
    this.#detached = options.detached;
    this.#bodies = options.bodies;
    res.once('close', () => this.#ended());
  }

  /** An answer was begun, or there is nobody left to answer. */
  get answered(): boolean {
    return this.res.headersSent || this.gone;
  }

  /** The client has gone away. */
  get gone(): boolean {
    return this.res.destroyed || this.#detached?.destroyed === true;
  }

  get hasBody(): boolean {
    return mayHaveBody(this.req);
  }

  answer(problem: ProblemResponse): void {
    clearTimeout(this.#timer);
    this.#stopUpload('the call was answered');
    if (this.answered) return;
    this.#refused = true;
    if (this.#detached !== undefined) takeSocket(this.res, this.#detached);
    sendProblem(this.req, this.res, problem);
  }

  /** Refuses what is no decided call. `close`: nothing further on the connection can be believed. */
  refuse(why: WayRefusal, options: { decisionId?: string; close?: boolean } = {}): void {
    const decisionId = options.decisionId ?? this.#newId();
    const problem = problemFor(why.code, why.status, {
      type: problemTypeOf(why),
      decisionId,
      ...(why.detail !== undefined && { detail: why.detail }),
    });
    problem.headers.push(...(why.headers ?? []));
    if (options.close === true) this.res.shouldKeepAlive = false;
    if (options.decisionId === undefined && !this.answered) this.#onRefused?.(why, decisionId);
    this.answer(problem);
  }

  /** The answer has been given in full, or the client is gone. */
  get over(): boolean {
    return this.res.writableFinished || this.res.destroyed;
  }

  /** What comes of the request cannot be believed any more: refuses it, or breaks the answer off. */
  violated(detail: string): void {
    // A refusal under way is answer enough.
    if (this.#refused) return;
    if (!this.res.headersSent) this.refuse(refusal('AEGIS_HTTP_MALFORMED', 400, detail), { close: true });
    else if (!this.res.writableEnded) {
      this.#stopUpload(detail);
      this.res.destroy();
    }
  }

  /** Nothing further on this connection is answered. */
  closeAfter(end: () => void): void {
    this.res.shouldKeepAlive = false;
    this.res.once('close', end);
  }

  /** The head was accepted: a client that waits for that is told so (RFC 9110 section 10.1.1). */
  proceed(): void {
    if (!this.#expectsContinue || this.answered) return;
    this.#expectsContinue = false;
    this.res.writeContinue();
  }

  /** The whole body, or its refusal once it is too long; late or broken bodies are answered here. */
  read(max: number, done: (body: Buffer | 'too-large') => void): void {
    this.proceed();
    this.#timer = setTimeout(() => this.#late(), this.#limits.bodyTimeout);
    const finish = (body: Buffer | 'too-large'): void => {
      clearTimeout(this.#timer);
      if (!this.answered) done(body);
    };
    readBody(this.req, max, finish, (bytes) => this.#hold(bytes));
  }

  #hold(bytes: number): boolean {
    if (this.#bodies === undefined || this.gone) return !this.gone;
    if (this.#bodies.take(bytes)) {
      this.#held += bytes;
      return true;
    }
    this.refuse(refusal('AEGIS_HTTP_BUSY', 503, undefined, ['Retry-After', '1']), { close: true });
    return false;
  }

  /** The body as it comes. Ends with an error where the request is cut off, is malformed, or stops coming. */
  upload(): Readable {
    const upload = new PassThrough();
    this.#upload = upload;
    const { req } = this;
    const rest = (): void => {
      clearTimeout(this.#timer);
      // A tool that reads slowly is not the client's fault.
      if (!req.complete && !upload.writableNeedDrain)
        this.#timer = setTimeout(() => this.#late(), this.#limits.bodyIdle);
    };
    req.on('data', rest);
    upload.on('drain', rest);
    req.once('close', () => {
      clearTimeout(this.#timer);
      if (!req.complete) upload.destroy(new Error('the request was cut off'));
    });
    upload.once('error', () => req.unpipe(upload));
    req.pipe(upload);
    rest();
    this.proceed();
    return upload;
  }

  #late(): void {
    const why = refusal('AEGIS_HTTP_TIMEOUT', 408, 'The body did not arrive in time.');
    if (this.res.headersSent) this.res.destroy();
    else this.refuse(why, { close: true });
  }

  #stopUpload(reason: string): void {
    const upload = this.#upload;
    if (upload === undefined || upload.destroyed || upload.readableEnded) return;
    this.req.unpipe(upload);
    upload.destroy(new Error(reason));
  }

  /** The tool may answer before it has read everything; what is left is not worth waiting for without a bound. */
  #ended(): void {
    clearTimeout(this.#timer);
    this.onEnd?.();
    this.#bodies?.give(this.#held);
    this.#held = 0;
    const { req, res } = this;
    this.#stopUpload('the call has ended');
    if (!res.writableFinished || req.complete || req.destroyed) return;
    drain(req, () => {
      if (!req.complete) req.socket.destroy();
    });
  }
}
