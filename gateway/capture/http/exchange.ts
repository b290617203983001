import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { type ProblemResponse, problemFor } from '../../enforcement/problem.ts';
import { drain, mayHaveBody, readBody, sendProblem } from '../../listeners/http-common.ts';
import { problemTypeOf, refusal, type WayRefusal } from '../way-refusal.ts';
import type { HttpLimits } from './http-limits.ts';
import { takeSocket } from './raw-answer.ts';

export interface ExchangeOptions {
  limits: HttpLimits;
  newId(): string;
  /** The client waits for `100 Continue`. */
  expectsContinue?: boolean;
  /** The socket that node:http gave away (CONNECT, Upgrade); it is taken for the answer if there is one. */
  detached?: Duplex;
}

/** One request and its answer on a client's connection. Answers once; what comes later finds it answered. */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly #limits: HttpLimits;
  readonly #newId: () => string;
  readonly #detached: Duplex | undefined;
  #expectsContinue: boolean;
  #refused = false;
  #upload: PassThrough | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: ExchangeOptions) {
    this.req = req;
    this.res = res;
    this.#limits = options.limits;
    this.#newId = options.newId;
    this.#expectsContinue = options.expectsContinue === true;
    this.#detached = options.detached;
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
    this.#stopUpload(new Error('the call was answered'));
    if (this.answered) return;
    this.#refused = true;
    if (this.#detached !== undefined) takeSocket(this.res, this.#detached);
    sendProblem(this.req, this.res, problem);
  }

  /** Refuses what is no decided call. `close`: nothing further on the connection can be believed. */
  refuse(why: WayRefusal, options: { decisionId?: string; close?: boolean } = {}): void {
    const problem = problemFor(why.code, why.status, {
      type: problemTypeOf(why),
      decisionId: options.decisionId ?? this.#newId(),
      ...(why.detail !== undefined && { detail: why.detail }),
    });
    problem.headers.push(...(why.headers ?? []));
    if (options.close === true) this.res.shouldKeepAlive = false;
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
      this.#stopUpload(new Error(detail));
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
    readBody(this.req, max, (body) => {
      clearTimeout(this.#timer);
      if (!this.answered) done(body);
    });
  }

  /** The body as it comes. Ends with an error where the request is cut off, is malformed, or stops coming. */
  upload(): Readable {
    const upload = new PassThrough();
    this.#upload = upload;
    const { req } = this;
    const rest = (): void => {
      clearTimeout(this.#timer);
      // A tool that reads slowly is not the client's fault.
      if (!upload.writableNeedDrain) this.#timer = setTimeout(() => this.#late(), this.#limits.bodyIdle);
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

  #stopUpload(error: Error): void {
    const upload = this.#upload;
    if (upload === undefined || upload.destroyed || upload.readableEnded) return;
    this.req.unpipe(upload);
    upload.destroy(error);
  }

  /** The tool may answer before it has read everything; what is left is not worth waiting for without a bound. */
  #ended(): void {
    clearTimeout(this.#timer);
    const { req, res } = this;
    this.#stopUpload(new Error('the call has ended'));
    if (!res.writableFinished || req.complete || req.destroyed) return;
    drain(req, () => {
      if (!req.complete) req.socket.destroy();
    });
  }
}
