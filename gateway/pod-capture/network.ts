import { parseAddress } from '../../policy/network/address.ts';

export type Family = 'ipv4' | 'ipv6';

/** A block of addresses, spelt as `iptables-save` spells it. */
export interface Network {
  family: Family;
  /** `10.0.0.0/8`; undefined where it holds every address. */
  text: string | undefined;
}

const LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;

/**
 * A block in CIDR notation. Undefined for what is none, and for IPv6 spellings of IPv4 blocks (RFC 4291 section 2.5.5),
 * which no packet carries.
 */
export function parseNetwork(cidr: string): Network | undefined {
  const [address = '', digits = '', ...rest] = cidr.split('/');
  const bytes = parseAddress(address);
  const length = Number(digits);
  if (bytes === undefined || rest.length > 0 || !LENGTH.test(digits) || length > bytes.length * 8) return undefined;
  return networkOf(bytes, length);
}

/** The block of one address alone. */
export function hostNetwork(address: string): Network | undefined {
  const bytes = parseAddress(address);
  return bytes && networkOf(bytes, bytes.length * 8);
}

function networkOf(bytes: readonly number[], length: number): Network | undefined {
  const masked = bytes.map((byte, index) => byte & (0xff << (8 - Math.max(0, Math.min(8, length - index * 8)))) & 0xff);
  const family = masked.length === 4 ? 'ipv4' : 'ipv6';
  if (length === 0) return { family, text: undefined };
  if (family === 'ipv4') return { family, text: `${masked.join('.')}/${length}` };
  const embedded = masked.slice(0, 10).every((byte) => byte === 0) && masked.some((byte) => byte !== 0);
  return embedded ? undefined : { family, text: `${compressed(masked)}/${length}` };
}

/** RFC 5952: no leading zeros, and the first of the longest runs of two or more zero groups as `::`. */
function compressed(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] as number) << 8) | (bytes[at * 2 + 1] as number));
  let run = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > run.length) run = { at, length: end - at };
  }
  const hex = groups.map((group) => group.toString(16));
  if (run.at < 0) return hex.join(':');
  return `${hex.slice(0, run.at).join(':')}::${hex.slice(run.at + run.length).join(':')}`;
}
