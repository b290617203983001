import type { IncomingMessage } from 'node:http';

const LOOPBACK = /^(?:localhost|[a-z0-9-]+\.localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/**
 * Does the request name this machine? A page that rebinds its own name to 127.0.0.1 sends its own name, so that
 * checking `Host` (RFC 9110 section 7.2) keeps browsers out. `extra` are further accepted host names, without port.
 */
export function isLocalHost(host: string | undefined, extra?: ReadonlySet<string>): boolean {
  if (host === undefined) return false;
  if (LOOPBACK.test(host)) return true;
  return extra?.has(host.replace(/:[0-9]{1,5}$/, '').toLowerCase()) === true;
}

/**
 * Does a web page send it? A page may post forms to 127.0.0.1 and open WebSockets there without asking anybody (CORS
 * only keeps it from reading the answer), and names this machine in `Host`. Browsers then say so in headers that a page
 * cannot set (Fetch Metadata; RFC 6454 section 7); clients of ours never do. A page of our own origin is refused as
 * well: it can only be what some tool answered.
 */
export function isFromPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'none');
}
