import { isIP } from 'node:net';
import type { Agent, Dispatcher } from 'undici';
import { AegisError } from '../../policy/errors.ts';
import { readBounded, sourceError } from './read-files.ts';

/** A server of bundles or acknowledgements. */
export interface HttpTarget {
  url: string;
  /** A file with the bearer token alone, read at every request: tokens are rotated in place. */
  tokenFile?: string;
  /** PEM of the authorities to trust instead of the system's. Wins over the file. */
  ca?: string;
  /** The same in a file; read again when it changes. */
  caFile?: string;
}

export interface HttpCall {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** ms until the head of the response. */
  headersTimeout: number;
  /** ms for the whole of the body, however steadily it trickles. */
  bodyTimeout: number;
  /** The largest body that is read; of other statuses than 200 nothing is read. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  /** Of a 200 only. */
  body: Uint8Array;
}

const CONNECT_TIMEOUT = 5_000;
const MAX_TOKEN_BYTES = 16 * 1024;
const MAX_CA_BYTES = 1024 * 1024;
/** RFC 6750 section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** One connection to one server: no redirects, no cookies, no compression, nothing unbounded. */
export class BundleHttpClient {
  readonly #target: HttpTarget;
  readonly #url: URL;
  #agent: { agent: Agent; ca: string | undefined } | undefined;

  /** @throws AegisError `AEGIS_BUNDLE_INSECURE` where a token would leave this machine in the clear. */
  constructor(target: HttpTarget) {
    this.#target = target;
    this.#url = new URL(target.url);
    const { protocol, hostname, host } = this.#url;
    if (target.tokenFile !== undefined && protocol !== 'https:' && !isLoopback(hostname)) {
      throw new AegisError('AEGIS_BUNDLE_INSECURE', `the token for ${host} would be sent without TLS`);
    }
  }

  /** The address without query: queries may hold what is not for logs. */
  get place(): string {
    return this.#url.origin + this.#url.pathname;
  }

  /** @throws AegisError `AEGIS_BUNDLE_FETCH`, `_FETCH_TIMEOUT`, `_TOKEN`, `_TOO_LARGE`, `_SOURCE` (the CA file). */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const headers = { ...call.headers, ...(await this.#authorization()) };
    const { request } = await import('undici');
    const dispatcher = await this.#dispatcher();
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), call.headersTimeout);
    try {
      const response = await request(this.#url, {
        dispatcher,
        method: call.method,
        headers,
        body: call.body ?? null,
        signal: AbortSignal.any([call.signal, timeout.signal]),
      });
      clearTimeout(timer);
      const flat = flatHeaders(response.headers);
      if (response.statusCode !== 200) {
        discard(response.body);
        return { status: response.statusCode, headers: flat, body: new Uint8Array() };
      }
      const body = await this.#body(response.body, flat, call);
      return { status: 200, headers: flat, body };
    } catch (error) {
      throw this.#failure(error, timeout.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #body(
    stream: Dispatcher.ResponseData['body'],
    headers: HttpAnswer['headers'],
    { maxBytes, bodyTimeout }: HttpCall,
  ): Promise<Uint8Array> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      discard(stream);
    }, bodyTimeout);
    try {
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > maxBytes) throw tooLarge(maxBytes);
        chunks.push(chunk);
      }
      return new Uint8Array(Buffer.concat(chunks, length));
    } catch (error) {
      discard(stream);
      if (!late) throw error;
      throw new AegisError('AEGIS_BUNDLE_FETCH_TIMEOUT', `${this.place} did not finish within ${bodyTimeout} ms`);
    } finally {
      clearTimeout(timer);
    }
  }

  async #authorization(): Promise<{ Authorization?: string }> {
    const { tokenFile } = this.#target;
    if (tokenFile === undefined) return {};
    let token: string;
    try {
      token = new TextDecoder().decode(await readBounded(tokenFile, MAX_TOKEN_BYTES)).trim();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      throw new AegisError('AEGIS_BUNDLE_TOKEN', `${tokenFile} cannot be read (${code})`, { cause: error });
    }
    if (!TOKEN.test(token)) throw new AegisError('AEGIS_BUNDLE_TOKEN', `${tokenFile} holds no token`);
    return { Authorization: `Bearer ${token}` };
  }

  async #dispatcher(): Promise<Agent> {
    const { caFile } = this.#target;
    let { ca } = this.#target;
    if (ca === undefined && caFile !== undefined) {
      try {
        ca = new TextDecoder().decode(await readBounded(caFile, MAX_CA_BYTES));
      } catch (error) {
        throw sourceError(error, caFile);
      }
    }
    if (this.#agent !== undefined && this.#agent.ca === ca) return this.#agent.agent;
    await this.close();
    const { Agent } = await import('undici');
    const agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT, ...(ca !== undefined && { ca }) },
      connections: 2,
      pipelining: 1,
      maxHeaderSize: 16 * 1024,
      // our own clocks count
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#agent = { agent, ca };
    return agent;
  }

  #failure(error: unknown, timedOut: boolean): AegisError {
    if (error instanceof AegisError) return error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (timedOut || code === 'UND_ERR_CONNECT_TIMEOUT') {
      return new AegisError('AEGIS_BUNDLE_FETCH_TIMEOUT', `${this.place} did not answer in time`, { cause: error });
    }
    return new AegisError('AEGIS_BUNDLE_FETCH', `${this.place} cannot be reached (${code})`, { cause: error });
  }
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** The connection goes with it: what else the server has to say is not waited for. */
function discard(stream: Dispatcher.ResponseData['body']): void {
  stream.on('error', () => undefined);
  stream.destroy();
}

function tooLarge(limit: number): AegisError {
  return new AegisError('AEGIS_BUNDLE_TOO_LARGE', `the answer has more than ${limit} bytes`);
}
