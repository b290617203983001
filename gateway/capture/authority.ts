import { parseAddress } from '../../policy/network/address.ts';

/** Host and port as a client names them in Host, CONNECT or a URL (RFC 3986 section 3.2, without userinfo). */
export interface Authority {
  /** Lower case; IPv6 without brackets. */
  host: string;
  port: number | undefined;
}

const FORM = /^(?:\[([0-9a-f:]{2,45})\]|([a-z0-9_-]+(?:\.[a-z0-9_-]+)*))(?::([1-9][0-9]{0,4}))?$/i;
/** URL parsers read names whose last label looks like a number as IPv4 addresses, in many spellings. */
const NUMERIC_LAST_LABEL = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/i;

/** One spelling only: undefined for userinfo, empty ports, trailing dots, odd spellings of addresses. */
export function parseAuthority(text: string): Authority | undefined {
  const [, ipv6, name, digits] = FORM.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && port > 65_535) return undefined;
  if (ipv6 !== undefined) return parseAddress(ipv6) === undefined ? undefined : { host: ipv6.toLowerCase(), port };
  if (name === undefined || name.length > 253) return undefined;
  if (NUMERIC_LAST_LABEL.test(name) && parseAddress(name) === undefined) return undefined;
  return { host: name.toLowerCase(), port };
}

export function sameAuthority(a: Authority, b: Authority, defaultPort: number): boolean {
  return a.host === b.host && (a.port ?? defaultPort) === (b.port ?? defaultPort);
}
