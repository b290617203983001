/** Paths and hosts as `policy/rego/policy.rego` reads them: what is not in plain canonical form has no reading. */
import { cidrContains, parseAddress } from '../network/address.ts';

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
  if (!uri) return (AUTHORITY.test(value) ? authorityHost(value) : undefined) ?? ipv6Address(value);
  if (!URI.test(value)) return undefined;
  const authority = /^[^/?#]+/.exec(value.slice(value.indexOf('//') + 2))?.[0];
  return authority === undefined ? undefined : authorityHost(authority);
}

/** The host itself where it is an IP address (what contains a colon is one). */
export function literalAddress(host: string): string | undefined {
  return IPV4.test(host) || host.includes(':') ? host : undefined;
}

function authorityHost(authority: string): string | undefined {
  if (authority.startsWith('[')) return ipv6Address(authority.slice(1, authority.indexOf(']')));
  return plainHost(authority.split(':', 1)[0] as string);
}

function plainHost(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (!`.${name}.`.includes('..') && !NUMERIC_LABEL.test(name)) return name;
  return IPV4.test(host) ? host : undefined;
}

/** An IPv4 address that is written as IPv6 could be read in two ways. */
function ipv6Address(text: string): string | undefined {
  const address = text.toLowerCase();
  const clear = text.includes(':') && parseAddress(address) !== undefined && !cidrContains('::ffff:0:0/96', address);
  return clear ? address : undefined;
}
