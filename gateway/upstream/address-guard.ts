import { BlockList } from 'node:net';
import { isCidr, parseAddress } from '../../policy/network/address.ts';

/**
 * Which addresses the gateway connects to. Pure: text of an address in, verdict out. What cannot be read as an address
 * is refused like the worst one.
 *
 * - `public`: global unicast (IANA special-purpose address registries, RFC 6890).
 * - `private`: loopback, private, shared, link-local, documentation and other special ranges: only where allowed.
 * - `never`: cloud metadata, unspecified, multicast, broadcast, reserved: nothing allows them.
 */
export type AddressKind = 'public' | 'private' | 'never';

function blocks(...cidrs: string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', length] = cidr.split('/');
    list.addSubnet(network, Number(length), familyOf(network));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

const contains = (list: BlockList, address: string): boolean => list.check(address, familyOf(address));

/**
 * Where clouds answer instances (credentials among it), also outside the link-local range: Alibaba 100.100.100.200,
 * Azure 168.63.129.16, Oracle 192.0.0.192 and fd00:c1::a9fe:a9fe, AWS fd00:ec2::/32, Google fd20:ce::254, Scaleway
 * fd00:42::42, OpenStack fe80::a9fe:a9fe.
 */
const NEVER = blocks(
  '0.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'ff00::/8',
  'fd00:ec2::/32',
  'fd00:c1::a9fe:a9fe/128',
  'fd20:ce::254/128',
  'fd00:42::42/128',
  'fe80::a9fe:a9fe/128',
);

const PRIVATE = blocks(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Inside 2000::/3; the rest of IPv6 is no global unicast anyway.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
);

/** This machine itself, and its own link: private, and never another machine's address in a network. */
const HERE = blocks('127.0.0.0/8', '::1/128', 'fe80::/10');

const GLOBAL_V6 = blocks('2000::/3');
const LOOPBACK_V6 = blocks('::1/128');
/** RFC 6052: stands for the IPv4 address itself; DNS64 gives it out for public ones. */
const NAT64 = blocks('64:ff9b::/96');
/** Local NAT64 (RFC 8215), IPv4-compatible (RFC 4291 section 2.5.5.1), SIIT (RFC 2765). */
const LAST_32 = blocks('64:ff9b:1::/48', '::/96', '::ffff:0:0:0/96');
const SIX_TO_FOUR = blocks('2002::/16');
const TEREDO = blocks('2001::/32');

const TAIL = /^(.*:)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/;

/** RFC 4291 section 2.2 (3): the last two groups may be written as an IPv4 address. */
function parseAny(text: string): number[] | undefined {
  const [, head, dotted] = TAIL.exec(text) ?? [];
  if (dotted === undefined) return parseAddress(text);
  const tail = parseAddress(dotted);
  const bytes = parseAddress(`${head}0:0`);
  return tail === undefined || bytes === undefined ? undefined : [...bytes.slice(0, 12), ...tail];
}

function format(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2)
    groups.push((((bytes[at] as number) << 8) | (bytes[at + 1] as number)).toString(16));
  return groups.join(':');
}

/** RFC 4291 section 2.5.5.2. */
function isMapped(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
}

function kindOf4(address: string): AddressKind {
  if (contains(NEVER, address)) return 'never';
  return contains(PRIVATE, address) ? 'private' : 'public';
}

/** IPv4 addresses that a translator or tunnel would reach by this IPv6 address. */
function embedded(address: string, bytes: readonly number[]): number[][] {
  const last = bytes.slice(12);
  if (contains(LOOPBACK_V6, address)) return [];
  if (contains(NAT64, address) || contains(LAST_32, address)) return [last];
  if (contains(SIX_TO_FOUR, address)) return [bytes.slice(2, 6)];
  // RFC 4380 section 4: the server, and the client with every bit inverted.
  if (contains(TEREDO, address)) return [bytes.slice(4, 8), last.map((byte) => byte ^ 0xff)];
  // ISATAP, RFC 5214 section 6.1.
  const [u = 0, v, w, x] = bytes.slice(8, 12);
  return (u & 0xfd) === 0 && v === 0 && w === 0x5e && x === 0xfe ? [last] : [];
}

function kindOf6(address: string, bytes: readonly number[]): AddressKind {
  if (contains(NEVER, address)) return 'never';
  const inner = embedded(address, bytes).map((four) => kindOf4(format(four)));
  if (inner.includes('never')) return 'never';
  if (contains(NAT64, address)) return inner[0] as AddressKind;
  const isPublic = contains(GLOBAL_V6, address) && !contains(PRIVATE, address) && !inner.includes('private');
  return isPublic ? 'public' : 'private';
}

function canonicalBytes(text: string): number[] | undefined {
  const bytes = parseAny(text);
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** One form per address, IPv4-mapped ones as IPv4; undefined for what is no address. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = canonicalBytes(text);
  return bytes === undefined ? undefined : format(bytes);
}

export function addressKind(text: string): AddressKind {
  const bytes = canonicalBytes(text);
  if (bytes === undefined) return 'never';
  const address = format(bytes);
  return bytes.length === 4 ? kindOf4(address) : kindOf6(address, bytes);
}

export interface AddressGuard {
  /** `explicit`: who configured the tool wrote this very address, or named a local stand-in. */
  permits(address: string, explicit: boolean): boolean;
}

/**
 * @param allowPrivate blocks in CIDR notation whose private addresses may be connected to. A block of IPv4 also means
 *   the IPv4-mapped spelling, and nothing else of IPv6.
 * @throws TypeError for an entry that is no block.
 */
export function createAddressGuard(allowPrivate: readonly string[] = []): AddressGuard {
  for (const block of allowPrivate) {
    if (!isCidr(block)) throw new TypeError(`"${block}" is not a block in CIDR notation such as 10.0.0.0/8.`);
  }
  const allowed = blocks(...allowPrivate);
  return {
    permits(text, explicit) {
      const kind = addressKind(text);
      if (kind !== 'private') return kind === 'public';
      return explicit || contains(allowed, canonicalAddress(text) as string);
    },
  };
}

/**
 * Private addresses too, but not this machine's own, nor those of its link: for hosts that somebody allowed by name, and
 * for clients that are in the same network as the gateway anyway. What is never permitted stays so.
 * @param allowPrivate as above; these blocks may be loopback.
 */
export function createNeighbourGuard(allowPrivate: readonly string[] = []): AddressGuard {
  const listed = createAddressGuard(allowPrivate);
  return {
    permits(text, explicit) {
      if (listed.permits(text, explicit)) return true;
      const bytes = canonicalBytes(text);
      if (bytes === undefined || addressKind(text) !== 'private') return false;
      const address = format(bytes);
      const inside = bytes.length === 4 ? [] : embedded(address, bytes).map(format);
      return ![address, ...inside].some((each) => contains(HERE, each));
    },
  };
}
