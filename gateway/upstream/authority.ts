import { isIP } from 'node:net';

/** Authorities (RFC 3986 section 3.2) in one spelling, so that comparing them is comparing text. */

/** What cannot stand in a host, or would make a URL parser read it as something else. */
const NOT_HOST = /[\s\p{Cc}/?#@\\:%[\]<>^|]/u;

/**
 * Host as a URL has it: lower case, IDNA (UTS 46) in its ASCII form, without the dot of the root, IPv4 in four decimal
 * octets however it was written, IPv6 in brackets (RFC 5952). Undefined for what is no host.
 */
export function canonicalHost(host: string): string | undefined {
  const bare = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host;
  if (bare.includes(':')) return isIP(bare) === 6 && !bare.includes('%') ? hostOf(`[${bare}]`) : undefined;
  if (bare === '' || bare.length > 255 || NOT_HOST.test(bare)) return undefined;
  return hostOf(bare)?.replace(/\.$/, '') || undefined;
}

function hostOf(text: string): string | undefined {
  const url = `http://${text}/`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Whether the (canonical) host is an address rather than a name. */
export function isLiteral(host: string): boolean {
  return host.startsWith('[') || isIP(host) === 4;
}

/** `api.example.com` is itself, `*.example.com` every name below it. Both sides canonical, but for the pattern's `*.`. */
export function matchesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return canonicalHost(pattern) === host;
  const parent = canonicalHost(pattern.slice(2));
  return parent !== undefined && !isLiteral(host) && host.endsWith(`.${parent}`) && host.length > parent.length + 1;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** One base URL, taken apart. */
export interface Base {
  secure: boolean;
  host: string;
  port: number;
  /** Path without a slash at the end; '' for none. */
  path: string;
}

/** Undefined where the text is not an http(s) URL without user, query and fragment. */
export function parseBase(text: string): Base | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname, username, password, search, hash } = new URL(text);
  const standard = DEFAULT_PORTS[protocol];
  const host = canonicalHost(hostname);
  if (standard === undefined || host === undefined || username || password || search || hash) return undefined;
  return {
    secure: protocol === 'https:',
    host,
    port: port === '' ? standard : Number(port),
    path: pathname.replace(/\/+$/, ''),
  };
}

export function originOf({ secure, host, port }: Base): string {
  const scheme = secure ? 'https:' : 'http:';
  return DEFAULT_PORTS[scheme] === port ? `${scheme}//${host}` : `${scheme}//${host}:${port}`;
}
