import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { AegisError } from '../../policy/errors.ts';
import { type AdmissionRequest, type AdmissionResponse, readReview, writeReview } from './admission-review.ts';

/** A review of an update holds two objects, each at most what etcd takes (1.5 MiB), escaped once more. */
const MAX_BODY = 8 * 1024 * 1024;

export type Review = (request: AdmissionRequest) => AdmissionResponse | Promise<AdmissionResponse>;

export interface AdmissionAnswer {
  /** Of the object, or `other`. */
  kind: string;
  allowed: boolean;
  warnings: number;
  /** ms. */
  duration: number;
}

export interface AdmissionAppOptions {
  /** By path. */
  routes: Readonly<Record<string, Review>>;
  /** Kinds that are told apart in `onAnswer`. */
  kinds: ReadonlySet<string>;
  onAnswer?(answer: AdmissionAnswer): void;
  /** Told what went wrong inside; the API server gets a 500 and goes on as `failurePolicy` says. */
  onDefect?(error: unknown): void;
  /** ms; never goes back. */
  monotonic(): number;
}

/** The handler of AdmissionReviews (v1), one POST route per webhook. */
export function admissionApp(options: AdmissionAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const body = express.json({ limit: MAX_BODY, type: 'application/json', inflate: false });
  const paths = Object.keys(options.routes);
  for (const [path, review] of Object.entries(options.routes)) {
    app.post(path, requireJson, body, async (request: Request, response: Response) => {
      const started = options.monotonic();
      const read = readReview(request.body);
      const answer = await review(read);
      response.json(writeReview(answer));
      report(answer, read.object?.kind ?? '', options, started);
    });
  }
  app.use((_request: Request, response: Response) => {
    problem(response, 404, `Only POST ${paths.join(', ')} is answered here.`);
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

function report(answer: AdmissionResponse, kind: string, options: AdmissionAppOptions, started: number): void {
  const { allowed, warnings = [] } = answer;
  options.onAnswer?.({
    kind: options.kinds.has(kind) ? kind : 'other',
    allowed,
    warnings: warnings.length,
    duration: options.monotonic() - started,
  });
}
