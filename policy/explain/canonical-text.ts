/** Paths and hosts as `policy/rego/policy.rego` reads them: what is not in plain canonical form has no reading. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a path must not hold
const PLAIN_PATH = /^[^\\\u0000-\u001f\u007f]+$/;
const ENCODED = /%(?:00|25|2e|2f|5c)/i;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]{1,5})?(?:[/?#][!-[\]-~]*)?$/;
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]{1,5})?$/;
const NUMERIC_LABEL = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);

/** The segments of a path without empty ones and `.`; undefined where it could be read in two ways. */
export function pathSegments(value: unknown): string[] | undefined {
  if (typeof value !== 'string' || !PLAIN_PATH.test(value) || ENCODED.test(value)) return undefined;
  const segments = value.split('/');
  if (segments.includes('..')) return undefined;
  return segments.filter((segment) => segment !== '' && segment !== '.');
}

/** The host of a URI, or of `host` and `host:port`, in lower case; undefined where it cannot be told. */
export function hostOf(value: unknown, uri: boolean): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (!uri) return AUTHORITY.test(value) ? plainHost(authorityHost(value)) : undefined;
  if (!URI.test(value)) return undefined;
  const authority = /^[^/?#]+/.exec(value.slice(value.indexOf('//') + 2))?.[0];
  return authority === undefined ? undefined : plainHost(authorityHost(authority));
}

/** The host itself where it is an IP address (what contains a colon counts as one). */
export function literalAddress(host: string): string | undefined {
  return IPV4.test(host) || host.includes(':') ? host : undefined;
}

function authorityHost(authority: string): string {
  if (authority.startsWith('[')) return authority.slice(1, authority.indexOf(']'));
  return authority.split(':', 1)[0] as string;
}

function plainHost(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  return NUMERIC_LABEL.test(name) ? literalAddress(host) : name;
}
