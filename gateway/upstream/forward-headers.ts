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
const IDENTITY_PREFIXES = ['aegis-', 'x-aegis-', 'x-forwarded-', 'x-auth-request-', 'x-goog-authenticated-'] as const;

function isIdentity(name: string): boolean {
  return IDENTITY.has(name) || IDENTITY_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function connectionTokens(rawHeaders: readonly string[]): ReadonlySet<string> {
  const tokens = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if ((rawHeaders[index] as string).toLowerCase() !== 'connection') continue;
    for (const token of (rawHeaders[index + 1] as string).split(',')) tokens.add(token.trim().toLowerCase());
  }
  return tokens;
}

/** Headers that may be named in `Connection` to have a proxy take them away: those decide what the call means. */
const NEVER_DROPPED: ReadonlySet<string> = new Set(['content-type', 'authorization', 'cookie', 'idempotency-key']);

/**
 * The agent's headers as they go to the tool: alternating names and values, order and case kept. `kept` are the header
 * parameters that were decided on; they pass even where `Connection` names them.
 */
export function requestHeaders(rawHeaders: readonly string[], kept: ReadonlySet<string>): string[] {
  const named = connectionTokens(rawHeaders);
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || REWRITTEN.has(lower)) continue;
    if (named.has(lower) && !kept.has(lower) && !NEVER_DROPPED.has(lower)) continue;
    // Frameworks behind CGI-like interfaces read `_` as `-`.
    if (isIdentity(lower.replaceAll('_', '-'))) continue;
    headers.push(name, rawHeaders[index + 1] as string);
  }
  return headers;
}

/** The tool's headers as they go back: hop-by-hop ones and anything that looks like ours removed. */
export function responseHeaders(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | string[]> {
  const named = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(/\s*,\s*/),
  );
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    const dropped = HOP_BY_HOP.has(name) || named.has(name) || name.startsWith('aegis-');
    if (value !== undefined && !dropped) kept[name] = value;
  }
  return kept;
}
