/**
 * Addresses (RFC 4291 section 2.2, without embedded IPv4) and blocks (RFC 4632), as the shared policy reads them: four
 * plain octets or groups of up to four hexadecimal digits. Every other spelling is no address.
 */

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/** The 4 or 16 bytes of an IP address; undefined for any other text. */
export function parseAddress(text: string): number[] | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

interface Block {
  bytes: number[];
  /** Leading bits that count. */
  length: number;
}

/** Whether the text is a block in CIDR notation: `10.0.0.0/8`, `fd00::/8`. */
export function isCidr(text: string): boolean {
  return parseBlock(text) !== undefined;
}

/**
 * Whether a block in CIDR notation holds an address, or another block; a block of IPv4 never holds anything of IPv6, or
 * the reverse.
 */
export function cidrContains(block: string, member: string): boolean {
  const outer = parseBlock(block);
  const address = parseAddress(member);
  const inner = address === undefined ? parseBlock(member) : { bytes: address, length: address.length * 8 };
  if (outer === undefined || inner === undefined || outer.bytes.length !== inner.bytes.length) return false;
  if (inner.length < outer.length) return false;
  return masked(outer.bytes, outer.length).every((byte, index) => byte === masked(inner.bytes, outer.length)[index]);
}

function masked(bytes: readonly number[], length: number): number[] {
  return bytes.map((byte, index) => {
    const bits = Math.max(0, Math.min(8, length - index * 8));
    return byte & ((0xff << (8 - bits)) & 0xff);
  });
}

function parseBlock(text: string): Block | undefined {
  const slash = text.indexOf('/');
  const bytes = slash === -1 ? undefined : parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (bytes === undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > bytes.length * 8)
    return undefined;
  return { bytes, length: Number(digits) };
}

function parseIpv4(text: string): number[] | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  return octets.map(Number);
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupBytes);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  return missing <= 0 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupBytes(text: string): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  if (!groups.every((group) => GROUP.test(group))) return undefined;
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}
