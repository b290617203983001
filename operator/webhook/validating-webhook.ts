import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { CompileCache } from '../../policy/compiler/compile-cache.ts';
import { AegisError } from '../../policy/errors.ts';
import { type AdmissionResponse, readReview, writeReview } from './admission-review.ts';
import { type AdmitDeps, admit, KINDS } from './admit.ts';

export const VALIDATE_PATH = '/validate';

/** A review of an update holds two objects, each at most what etcd takes (1.5 MiB), escaped once more. */
const MAX_BODY = 8 * 1024 * 1024;

export interface WebhookOptions extends AdmitDeps {
  /** Told every answer: kind (or `other`), whether it was admitted, and ms that it took. */
  onAnswer?(answer: { kind: string; allowed: boolean; warnings: number; duration: number }): void;
  /** Told what went wrong inside; the API server gets a 500 and goes on as `failurePolicy` says. */
  onDefect?(error: unknown): void;
  /** ms; never goes back. */
  monotonic(): number;
}

/** The handler of `POST /validate` (AdmissionReview v1). Nothing is kept between requests but the compile cache. */
export function validatingWebhook(options: WebhookOptions): Express {
  const deps: AdmitDeps = { ...options, check: { cache: new CompileCache(), ...options.check } };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const body = express.json({ limit: MAX_BODY, type: 'application/json', inflate: false });
  app.post(VALIDATE_PATH, requireJson, body, (request: Request, response: Response) => {
    const started = options.monotonic();
    const review = readReview(request.body);
    const answer = admit(review, deps);
    response.json(writeReview(answer));
    report(answer, review.object?.kind ?? '', options, started);
  });
  app.use((_request: Request, response: Response) => {
    problem(response, 404, `Only POST ${VALIDATE_PATH} is answered here.`);
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const [status, message] = statusOf(error);
    if (status >= 500) options.onDefect?.(error);
    problem(response, status, message);
  });
  return app;
}

function requireJson(request: Request, _response: Response, next: NextFunction): void {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  next(type === 'application/json' ? undefined : new HttpProblem(415, 'The content type must be application/json.'));
}

class HttpProblem extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Messages of the body parser quote what was sent; they are not passed on. */
function statusOf(error: unknown): [status: number, message: string] {
  if (error instanceof HttpProblem) return [error.status, error.message];
  if (error instanceof AegisError && error.code === 'AEGIS_ADMISSION_REVIEW') return [400, error.message];
  const status = (error as { status?: unknown } | undefined)?.status;
  if (status === 413) return [413, `The body is larger than ${MAX_BODY} bytes.`];
  if (typeof status === 'number' && status >= 400 && status < 500) return [status, 'The body cannot be read as JSON.'];
  return [500, 'The webhook met a defect of its own.'];
}

function problem(response: Response, status: number, message: string): void {
  if (response.headersSent) response.destroy();
  else response.status(status).json({ code: 'AEGIS_ADMISSION_REVIEW', message });
}

function report(answer: AdmissionResponse, kind: string, options: WebhookOptions, started: number): void {
  const { allowed, warnings = [] } = answer;
  options.onAnswer?.({
    kind: KINDS.has(kind) ? kind : 'other',
    allowed,
    warnings: warnings.length,
    duration: options.monotonic() - started,
  });
}
