import { type Dispatcher, request } from 'undici';
import type { Clock } from '../../runtime/time/clock.ts';
import type { ClusterCredentials } from './cluster-access.ts';
import type { Connections, Lane } from './connections.ts';
import { errorAnswer, networkError } from './error-answer.ts';
import { KubeError } from './kube-error.ts';
import { LinkedAbort } from './linked-abort.ts';

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, with its query. */
  path: string;
  body?: unknown;
  /** Of the body; JSON when absent. */
  contentType?: string;
  signal?: AbortSignal | undefined;
  /** ms for all of it, waiting for a connection and retries included. */
  timeout?: number | undefined;
  /** The largest answer that is read, bytes. */
  maxBytes?: number;
}

export interface ApiCallerOptions {
  credentials: ClusterCredentials;
  connections: Connections;
  userAgent: string;
  clock: Clock;
  random(): number;
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_BODY = 64 * 1024 * 1024;
const MAX_ERROR_BODY = 64 * 1024;
/** Attempts at a read that the server turns away because it is busy. */
const ATTEMPTS = 4;
/** ms that one wait between them takes at most, whatever the server asks for. */
const MAX_WAIT = 10_000;
/** ms where the server is busy and says no time. */
const DEFAULT_WAIT = 1_000;

/** Requests to the API server: raw JSON in and out, every failure a KubeError, nothing unbounded. */
export class ApiCaller {
  readonly #options: ApiCallerOptions;

  constructor(options: ApiCallerOptions) {
    this.#options = options;
  }

  /** Answer of a success, as JSON. Reads wait and try again a few times while the server says that it is busy. */
  async json<T>(call: ApiRequest): Promise<T> {
    const link = new LinkedAbort(call.signal, call.timeout ?? DEFAULT_TIMEOUT);
    try {
      for (let attempt = 1; ; attempt++) {
        const answer = await this.#once<T>(call, link).catch((error: unknown) => this.#failure(error, link, call));
        if (!(answer instanceof KubeError)) return answer;
        const wait = call.method === 'GET' && attempt < ATTEMPTS ? busyDelay(answer) : undefined;
        if (wait === undefined) throw answer;
        await this.#options.clock.sleep(wait * (1 + 0.2 * this.#options.random()), link.signal);
        if (link.signal.aborted) throw answer;
      }
    } finally {
      link.release();
    }
  }

  /** The head of an answer that is read as it comes. Whoever asks reads all of the body, or destroys it. */
  async open(call: ApiRequest, lane: Lane, link: LinkedAbort): Promise<Dispatcher.ResponseData['body']> {
    try {
      const response = await this.#send(call, lane, link);
      if (response.statusCode < 300) return response.body;
      throw await this.#refusal(response);
    } catch (error) {
      throw this.#failure(error, link, call);
    }
  }

  async #once<T>(call: ApiRequest, link: LinkedAbort): Promise<T> {
    const response = await this.#send(call, 'calls', link);
    if (response.statusCode >= 300) throw await this.#refusal(response);
    const text = await readText(response.body, call.maxBytes ?? MAX_BODY);
    if (text === undefined) throw new KubeError(0, 'TooLarge', `the answer has more than ${call.maxBytes} bytes`);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new KubeError(0, 'InvalidJSON', 'the answer is not JSON', { cause });
    }
  }

  async #send(call: ApiRequest, lane: Lane, { signal }: LinkedAbort): Promise<Dispatcher.ResponseData> {
    signal.throwIfAborted();
    const access = await orAbort(this.#options.credentials.current(), signal);
    return await request(`${access.origin}${access.prefix}${call.path}`, {
      dispatcher: this.#options.connections.get(access, lane),
      method: call.method,
      headers: {
        ...access.headers,
        accept: 'application/json',
        'user-agent': this.#options.userAgent,
        ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal,
    });
  }

  async #refusal({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<KubeError> {
    if (statusCode === 401) this.#options.credentials.invalidate();
    const text = (await readText(body, MAX_ERROR_BODY)) ?? '';
    const retryAfter = headers['retry-after'];
    return errorAnswer(
      statusCode,
      text,
      Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      this.#options.clock.now(),
    );
  }

  #failure(error: unknown, link: LinkedAbort, { method, path }: ApiRequest): KubeError {
    if (link.timedOut) return new KubeError(0, 'Timeout', `no answer in time to ${method} ${path.split('?')[0]}`);
    if (link.signal.aborted) return new KubeError(0, 'Aborted', 'the call was given up', { cause: error });
    return networkError(error);
  }
}

/** ms to wait before the same read again; undefined where that is no use. */
function busyDelay({ status, retryAfter }: KubeError): number | undefined {
  if (status === 429) return Math.min(MAX_WAIT, retryAfter ?? DEFAULT_WAIT);
  return status === 503 && retryAfter !== undefined ? Math.min(MAX_WAIT, retryAfter) : undefined;
}

/** undefined: it is longer than that. */
async function readText(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // leaving the loop destroys the stream, and with it the connection
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString('utf8');
}

/** Credentials may come from a program that hangs. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
