import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';

export interface RawOptions {
  /** JSON when absent. */
  contentType?: string;
  /** Bearer; the administrator's when absent. */
  token?: string;
  /** Impersonated: user name and groups. */
  as?: { user: string; groups?: readonly string[] };
  /** ms for the whole call; 30 s when absent. */
  timeout?: number;
}

export interface RawAnswer {
  status: number;
  /** Parsed where it is a JSON object, else text. */
  body: unknown;
  headers: IncomingHttpHeaders;
}

/** Requests as they are, without any knowledge of the API: what a test means is what is sent. */
export class RawClient {
  readonly #url: string;
  readonly #token: string;
  readonly #agent: Agent;

  /** @param ca PEM */
  constructor(url: string, token: string, ca: string) {
    this.#url = url;
    this.#token = token;
    this.#agent = new Agent({ ca, keepAlive: true });
  }

  /** A text or bytes as body is sent as it is, everything else as JSON. */
  async ask(method: string, path: string, body?: unknown, options: RawOptions = {}): Promise<RawAnswer> {
    const { contentType = 'application/json', token = this.#token, timeout = 30_000 } = options;
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const content = body === undefined || raw ? body : JSON.stringify(body);
    const late = AbortSignal.timeout(timeout);
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = request(`${this.#url}${path}`, {
          method,
          agent: this.#agent,
          headers: { authorization: `Bearer ${token}`, 'content-type': contentType, ...impersonation(options) },
          signal: late,
        });
        sent.on('response', resolve).on('error', reject).end(content);
      });
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: parse(await text(answer)) };
    } catch (error) {
      throw late.aborted ? new Error(`no answer to ${method} ${path} within ${timeout} ms`, { cause: error }) : error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function impersonation({ as }: RawOptions): Record<string, string | string[]> {
  if (as === undefined) return {};
  return { 'impersonate-user': as.user, ...(as.groups && { 'impersonate-group': [...as.groups] }) };
}

/** A watch that ends after several events is no JSON as a whole. */
function parse(received: string): unknown {
  if (!received.startsWith('{')) return received;
  try {
    return JSON.parse(received);
  } catch {
    return received;
  }
}
