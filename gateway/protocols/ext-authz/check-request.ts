import type { CheckRequest, HttpAttributes } from './messages.ts';

/** What Envoy asks about, as the mapping reads requests. */
export interface EnvoyRequest {
  method: string;
  /** Path and query as received. */
  path: string;
  host: string;
  scheme: string;
  /** Alternating names and values, repetitions kept; no pseudo-headers. */
  rawHeaders: string[];
  hasBody: boolean;
  /** Absent where Envoy did not send it. */
  body: Uint8Array | undefined;
  /** `context_extensions` of the filter or the route: Envoy's configuration, never the agent's words. */
  extensions: Readonly<Record<string, string>>;
}

export type EnvoyRequestResult = { ok: true; request: EnvoyRequest } | { ok: false; detail: string };

/** Envoy's mark of whether the body is whole (`with_request_body.allow_partial_message`). */
const PARTIAL_BODY = 'x-envoy-auth-partial-body';
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

interface Headers {
  raw: string[];
  partial: string[];
  length: string | undefined;
  chunked: boolean;
}

function readHeaders(entries: NonNullable<HttpAttributes['header_map']>['headers'], host: string): Headers {
  const headers: Headers = { raw: ['host', host], partial: [], length: undefined, chunked: false };
  for (const { key, value, raw_value: raw } of entries) {
    const name = key.toLowerCase();
    if (name.startsWith(':') || name === 'host') continue;
    const text = raw.length > 0 ? Buffer.from(raw).toString('latin1') : value;
    if (name === PARTIAL_BODY) headers.partial.push(text);
    else headers.raw.push(key, text);
    if (name === 'content-length') headers.length = text;
    if (name === 'transfer-encoding') headers.chunked = true;
  }
  return headers;
}

type Body = { hasBody: boolean; body: Uint8Array | undefined } | { detail: string };

const INCOMPLETE = 'The body is not there in full; set with_request_body with allow_partial_message: false.';

/**
 * The whole body, or none at all. A body that Envoy cut, or was not told to send, must not be decided on as if it were
 * empty: the mark of the filter, Content-Length and the bytes have to agree.
 */
function readBody({ method, raw_body: raw, body, protocol }: HttpAttributes, headers: Headers): Body {
  if (body !== '') return { detail: 'The body is sent as text, which may differ from its bytes; set pack_as_bytes.' };
  if (headers.partial.some((mark) => mark !== 'false') || headers.partial.length > 1) return { detail: INCOMPLETE };
  const { length } = headers;
  if (length !== undefined && (!/^[0-9]{1,15}$/.test(length) || Number(length) !== raw.length)) {
    return { detail: INCOMPLETE };
  }
  if (raw.length > 0) {
    return headers.partial.length === 1 ? { hasBody: true, body: raw } : { detail: INCOMPLETE };
  }
  const framed = headers.chunked || (length === undefined && protocol !== 'HTTP/1.1' && !BODYLESS.has(method));
  // a chunked body, or one of HTTP/2, that is empty cannot be told from one that was left out
  return framed ? { detail: INCOMPLETE } : { hasBody: false, body: undefined };
}

/** Reads a CheckRequest; never throws. What Envoy did not say, or said in two ways, is a refusal. */
export function readCheckRequest({ attributes }: CheckRequest): EnvoyRequestResult {
  const http = attributes?.request?.http;
  if (http === null || http === undefined) return { ok: false, detail: 'The check has no HTTP attributes.' };
  if (http.header_map === null || http.header_map.headers.length === 0) {
    return { ok: false, detail: 'Headers that occur twice would be merged; set encode_raw_headers.' };
  }
  const headers = readHeaders(http.header_map.headers, http.host);
  const body = readBody(http, headers);
  if ('detail' in body) return { ok: false, detail: body.detail };
  return {
    ok: true,
    request: {
      method: http.method,
      path: http.path,
      host: http.host,
      scheme: http.scheme,
      rawHeaders: headers.raw,
      hasBody: body.hasBody,
      body: body.body,
      extensions: attributes?.context_extensions ?? {},
    },
  };
}
