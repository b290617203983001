const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2 || !/^[0-9A-Fa-f:]+$/.test(text)) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const sized = groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group));
  return sized && (halves.length === 2 ? groups.length < 8 : groups.length === 8);
}

/** Whether the text is an IPv4 or IPv6 block in CIDR notation (RFC 4632, RFC 4291), without host-specific shorthands. */
export function isCidr(text: string): boolean {
  const [address, length, ...rest] = text.split('/');
  if (address === undefined || length === undefined || rest.length > 0 || !/^(0|[1-9][0-9]{0,2})$/.test(length)) {
    return false;
  }
  if (IPV4.test(address)) return Number(length) <= 32;
  return isIpv6(address) && Number(length) <= 128;
}
