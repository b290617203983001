import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { OtlpRequest, OtlpResponse } from './otlp-exporter.ts';

export interface OtlpPostOptions {
  /** Of the collector; `/v1/traces` is added to its path unless it ends so already. */
  endpoint: URL;
  /** ms for one request. */
  timeout: number;
  /** Certificates to trust instead of the public ones. */
  ca?: string;
}

const PATH = '/v1/traces';
const MAX_RESPONSE = 64 * 1024;

export function tracesUrl(endpoint: URL): URL {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/+$/, '');
  url.pathname = base.endsWith(PATH) ? base : base + PATH;
  return url;
}

/** One kept connection to the collector; `node:http`, which is loaded anyway. */
export function otlpPost(options: OtlpPostOptions): {
  post(request: OtlpRequest): Promise<OtlpResponse>;
  close(): void;
} {
  const url = tracesUrl(options.endpoint);
  const secure = url.protocol === 'https:';
  const keep = { keepAlive: true, maxSockets: 1 };
  const agent = secure
    ? new HttpsAgent({ ...keep, ...(options.ca !== undefined && { ca: options.ca }) })
    : new HttpAgent(keep);

  function post({ body, headers }: OtlpRequest): Promise<OtlpResponse> {
    return new Promise((resolve, reject) => {
      const req = (secure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent,
        headers: {
          ...headers,
          'Content-Type': 'application/json',
          'Content-Length': body.reduce((sum, { length }) => sum + length, 0),
        },
        signal: AbortSignal.timeout(options.timeout),
      });
      req.on('error', reject);
      req.on('response', (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('error', reject);
        res.on('data', (chunk: string) => {
          if (text.length < MAX_RESPONSE) text += chunk;
        });
        res.on('end', () => {
          const retryAfter = res.headers['retry-after'];
          resolve({ status: res.statusCode ?? 0, body: text, ...(retryAfter !== undefined && { retryAfter }) });
        });
      });
      for (const part of body) req.write(part);
      req.end();
    });
  }
  return { post, close: () => agent.destroy() };
}

/** A file of `Name: value` lines; empty lines and lines that begin with `#` say nothing. Undefined: not such a file. */
export function parseHeaders(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\u0020-\u007e]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers[name] = value.trimEnd();
  }
  return headers;
}
