import type { IncomingMessage } from 'node:http';
import type { AttributedCall, Attribution } from '../attribution.ts';
import { type Authority, parseAuthority, sameAuthority } from '../authority.ts';
import type { ToolDirectory } from '../tool-directory.ts';
import { refusal, type WayRefusal } from '../way-refusal.ts';

const PORTS = { http: 80, https: 443 } as const;

/** What a request target in absolute form (RFC 9112 section 3.2.2) says, as clients send it to `HTTP_PROXY`. */
type Target = { scheme: 'http' | 'https'; authority: Authority; path: string };

/** Host must say the same: the RFC has proxies ignore it, but whoever reads the request next may not. */
export function hostMismatch(req: IncomingMessage, { scheme, authority }: Target): WayRefusal | undefined {
  const host = parseAuthority(req.headers.host ?? '');
  if (host !== undefined && sameAuthority(host, authority, PORTS[scheme])) return undefined;
  return refusal('AEGIS_HOST_MISMATCH', 400, 'Host and request target name different hosts.');
}

export function attributeByUrl(
  { scheme, authority, path }: Target,
  directory: ToolDirectory,
  via: AttributedCall['via'],
): Attribution {
  const { host, port = PORTS[scheme] } = authority;
  const found = directory.byHost({ host, port }, path, via);
  const unknown = !found.ok && found.refusal.code === 'AEGIS_HOST_UNKNOWN' && scheme === 'http';
  return unknown ? { ...found, unknown: { host, port, path } } : found;
}
