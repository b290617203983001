import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { refusal, type WayRefusal } from '../way-refusal.ts';

const CREDENTIALS = /^(basic|bearer) +([A-Za-z0-9+/=._~-]+)$/i;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The password of Basic, or the token of Bearer (RFC 7617, RFC 6750). */
function presented(header: string | undefined): string | undefined {
  const [, scheme, value] = CREDENTIALS.exec(header ?? '') ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : text.slice(colon + 1);
}

/** Checks `Proxy-Authorization` of requests to the forward proxy (RFC 9110 section 11.7). The user name is free. */
export function createProxyTokenCheck(token: string | undefined): (req: IncomingMessage) => WayRefusal | undefined {
  if (token === undefined) return () => undefined;
  const expected = digest(token);
  return (req) => {
    const given = presented(req.headers['proxy-authorization']);
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return undefined;
    return refusal('AEGIS_PROXY_AUTH', 407, undefined, ['Proxy-Authenticate', 'Basic realm="aegis"']);
  };
}
