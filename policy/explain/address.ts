/** Addresses and blocks, as the policy's engine reads them (`net.cidr_contains` of OPA in WebAssembly). */

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/** The 4 or 16 bytes of an IP address; undefined for any other text. */
export function parseAddress(text: string): number[] | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Whether a block in CIDR notation holds the address; an IPv4 block never holds an IPv6 address, or the reverse. */
export function cidrContains(block: string, address: string): boolean {
  const slash = block.indexOf('/');
  const network = parseAddress(block.slice(0, slash));
  const member = parseAddress(address);
  const length = Number(block.slice(slash + 1));
  if (slash === -1 || network === undefined || member === undefined || network.length !== member.length) return false;
  return network.every((byte, index) => {
    const bits = Math.max(0, Math.min(8, length - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((member[index] as number) & mask);
  });
}

function parseIpv4(text: string): number[] | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  return octets.map(Number);
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const parts = halves.map((half, index) => groupBytes(half, index === halves.length - 1));
  const [head, tail] = parts;
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  const missing = 16 - head.length - (tail as number[]).length;
  return missing <= 0 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...(tail as number[])];
}

/** Groups of up to four hexadecimal digits; the last part of an address may be four octets. */
function groupBytes(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const octets = last && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (octets !== undefined) bytes.push(...octets);
    else if (GROUP.test(group)) bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
