import { parseAddress } from '../../policy/network/address.ts';

/** Far more than any C library asks. */
const MAX_RESOLVERS = 16;

/** The name servers of `/etc/resolv.conf` (resolv.conf(5)), without the zone of link-local addresses. */
export function resolversOf(text: string): string[] {
  const addresses = text
    .split('\n')
    .map((line) => /^nameserver[ \t]+([^ \t%#;]+)/.exec(line)?.[1] ?? '')
    .filter((address) => parseAddress(address) !== undefined);
  return [...new Set(addresses)].slice(0, MAX_RESOLVERS);
}
