/** Which headers pass through the proxy, in either direction. */

/** RFC 9110 section 7.6.1, and what RFC 2616 called hop-by-hop. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Written anew for the connection to the tool. */
const REWRITTEN: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);
/** Claims about who calls are the gateway's to make, never the agent's. */
const IDENTITY: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'remote-user',
  'true-client-ip',
  'x-agent-id',
  'x-authenticated-user',
  'x-client-cert',
  'x-client-ip',
  'x-envoy-peer-metadata',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
  'x-remote-user',
  'x-ssl-client-cert',
  'x-tenant-id',
  'x-user-id',
]);
/** Also what well-known proxies in front of a tool say of a user whom they signed in. */
const IDENTITY_PREFIXES = [
  'aegis-',
  'cf-access-',
  'tailscale-user-',
  'x-aegis-',
  'x-amzn-oidc-',
  'x-auth-request-',
  'x-authentik-',
  'x-forwarded-',
  'x-goog-authenticated-',
  'x-ms-client-principal',
  'x-remote-',
  'x-webauth-',
] as const;

export function isIdentityHeader(name: string): boolean {
  return IDENTITY.has(name) || IDENTITY_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Headers that may be named in `Connection` to have a proxy take them away: those decide what the call means. */
const NEVER_DROPPED: ReadonlySet<string> = new Set(['content-type', 'authorization', 'cookie', 'idempotency-key']);
/** Ours alone, or an invitation to go round the gateway next time (RFC 7838). */
const NOT_GIVEN_BACK: ReadonlySet<string> = new Set(['alt-svc', 'proxy-authentication-info']);

type Kind = 'pass' | 'drop' | 'connection' | 'length' | 'te';

interface HeaderName {
  lower: string;
  /** Frameworks behind CGI-like interfaces read `_` as `-`. */
  dashed: string;
  kind: Kind;
}

function classify(name: string): HeaderName {
  const lower = name.toLowerCase();
  const dashed = lower.replaceAll('_', '-');
  let kind: Kind = 'pass';
  if (lower === 'connection' || lower === 'te') kind = lower;
  else if (lower === 'content-length') kind = 'length';
  else if (HOP_BY_HOP.has(dashed) || REWRITTEN.has(dashed) || isIdentityHeader(dashed)) kind = 'drop';
  return { lower, dashed, kind };
}

/** Agents send the same few names over and over. Bounded, since they choose them. */
const names = new Map<string, HeaderName>();
const MAX_NAMES = 512;

function headerName(name: string): HeaderName {
  let known = names.get(name);
  if (known === undefined) {
    known = classify(name);
    if (names.size >= MAX_NAMES) names.clear();
    if (name.length <= 64) names.set(name, known);
  }
  return known;
}

export interface RequestHeaderOptions {
  /** Header parameters that were decided on (lower case): they pass even where `Connection` names them. */
  kept: ReadonlySet<string>;
  /** Further names that do not pass (lower case), whatever else is said of them. */
  withheld?: ReadonlySet<string> | undefined;
  /** Header that the gateway sets itself (lower case, dashes). */
  replaced?: string | undefined;
  /** The body's length is what the agent declared. */
  keepLength?: boolean;
}

export interface RequestHeaders {
  /** Alternating names and values, order and case kept. */
  list: string[];
  /** The agent takes trailers (RFC 9110 section 10.1.4). */
  trailers: boolean;
}

function listed(tokens: Set<string> | undefined, value: string): Set<string> {
  const all = tokens ?? new Set<string>();
  for (const token of value.split(',')) all.add(token.trim().toLowerCase());
  return all;
}

/** Drops what `Connection` names, in place. */
function dropNamed(list: string[], tokens: ReadonlySet<string>, kept: ReadonlySet<string>): string[] {
  const left: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const { lower } = headerName(list[index] as string);
    if (tokens.has(lower) && !kept.has(lower) && !NEVER_DROPPED.has(lower) && lower !== 'content-length') continue;
    left.push(list[index] as string, list[index + 1] as string);
  }
  return left;
}

/** The agent's headers as they go to the tool. */
export function requestHeaders(rawHeaders: readonly string[], options: RequestHeaderOptions): RequestHeaders {
  const { kept, withheld, replaced, keepLength } = options;
  const list: string[] = [];
  let tokens: Set<string> | undefined;
  let trailers = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    const { kind, lower, dashed } = headerName(name);
    if (kind === 'connection') {
      if (value !== 'keep-alive' && value !== 'close') tokens = listed(tokens, value);
    } else if (kind === 'te') {
      trailers ||= /(?:^|,)\s*trailers\s*(?:;|,|$)/i.test(value);
    } else if (kind === 'pass' || (kind === 'length' && keepLength)) {
      if (dashed === replaced || withheld?.has(lower)) continue;
      list.push(name, value);
    }
  }
  return { list: tokens === undefined ? list : dropNamed(list, tokens, kept), trailers };
}

/** RFC 9110 section 6.5.1: fields that must not come after the content that they are about. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'expires',
  'host',
  'location',
  'retry-after',
  'set-cookie',
  'vary',
  'warning',
  'www-authenticate',
]);

export type Headers = Record<string, string | string[] | undefined>;

/** Takes the credential out of a header that the tool sends it back in. */
export function withoutTraces(value: string, traces: readonly string[]): string {
  let clean = value;
  for (const trace of traces) clean = clean.replaceAll(trace, 'REDACTED');
  return clean;
}

export interface ResponseHeaders {
  /** Alternating names and values. */
  list: string[];
  /** Declared length of the content; absent where there is none. */
  length: string | undefined;
}

function isDropped(name: string): boolean {
  return HOP_BY_HOP.has(name) || NOT_GIVEN_BACK.has(name) || name.startsWith('aegis-');
}

function append(list: string[], name: string, value: string | string[], traces: readonly string[]): void {
  for (const one of Array.isArray(value) ? value : [value]) {
    list.push(name, traces.length === 0 ? one : withoutTraces(one, traces));
  }
}

/**
 * The tool's headers (lower case) as they go back: hop-by-hop ones and anything that looks like ours removed.
 * `traces` are texts that must not come back.
 */
export function responseHeaders(headers: Headers, status: number, traces: readonly string[]): ResponseHeaders {
  const connection = headers.connection;
  const tokens =
    connection === undefined || connection === 'keep-alive' || connection === 'close'
      ? undefined
      : listed(undefined, String(connection));
  const list: string[] = [];
  let length: string | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || isDropped(name) || tokens?.has(name)) continue;
    if (name === 'content-length') {
      // RFC 9110 section 8.6: no length where there can be no content.
      if (status === 204) continue;
      length = String(value);
    }
    append(list, name, value, traces);
  }
  return { list, length };
}

/** The tool's trailers as they go back, as pairs. */
export function responseTrailers(trailers: Headers, traces: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(trailers)) {
    if (value === undefined || NO_TRAILERS.has(name) || isDropped(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, withoutTraces(one, traces)]);
  }
  return pairs;
}
