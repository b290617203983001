/**
 * Tests of single values, written from docs/decisions/0003-rule-semantics.md alone. Naive on purpose: an oracle for the
 * compiled policy, so it shares no code and no regular expression with it.
 */
import { NumberLiteral } from '../../../../policy/number-literal.ts';

/** Three values: a condition holds, is refuted, or cannot be decided. */
export type Truth = 'yes' | 'no' | 'unknown';

export const truth = (value: boolean): Truth => (value ? 'yes' : 'no');

/** Refuted by any, else undecided by any, else it holds. */
export function all(parts: readonly Truth[]): Truth {
  if (parts.includes('no')) return 'no';
  return parts.includes('unknown') ? 'unknown' : 'yes';
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof NumberLiteral) return 'number';
  return typeof value;
}

/** Exact comparison of decimals by bringing both to the same number of places. */
export function compareNumbers(a: unknown, b: unknown): number {
  const left = scaled(String(a));
  const right = scaled(String(b));
  const places = Math.max(left.places, right.places);
  const x = left.digits * 10n ** BigInt(places - left.places);
  const y = right.digits * 10n ** BigInt(places - right.places);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Whether a number has no fraction, however it is spelt. */
export function isWholeNumber(value: unknown): boolean {
  const { digits, places } = scaled(String(value));
  return digits % 10n ** BigInt(places) === 0n;
}

function scaled(text: string): { digits: bigint; places: number } {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return places < 0 ? { digits: digits * 10n ** BigInt(-places), places: 0 } : { digits, places };
}

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const consistsOf = (text: string, characters: string): boolean =>
  text !== '' && [...text].every((character) => characters.includes(character));

/** Segments of a path without `.` and empty ones; undefined where it could be read in two ways. */
export function pathOf(value: string): { rooted: boolean; segments: string[] } | undefined {
  const strange = [...value].some((c) => c === '\\' || c < ' ' || c === '\u007f');
  const lower = value.toLowerCase();
  if (value === '' || strange || ['%2e', '%2f', '%5c', '%00', '%25'].some((code) => lower.includes(code)))
    return undefined;
  const parts = value.split('/');
  if (parts.includes('..')) return undefined;
  return { rooted: value[0] === '/', segments: parts.filter((part) => part !== '' && part !== '.') };
}

export function pathTruth(value: string, within: readonly string[]): Truth {
  const path = pathOf(value);
  if (path === undefined) return 'unknown';
  return truth(
    within.some((directory) => {
      const outer = pathOf(directory);
      return (
        outer !== undefined &&
        outer.rooted === path.rooted &&
        outer.segments.every((segment, index) => path.segments[index] === segment)
      );
    }),
  );
}

/** The host of `host`, `host:port`, a bare IPv6 address, or of a URI; lower case, without a trailing dot. */
export function hostOf(value: string, uri: boolean): string | undefined {
  if (!uri) return authorityHost(value) ?? plainIpv6(value);
  const colon = value.indexOf('://');
  const scheme = value.slice(0, Math.max(colon, 0)).toLowerCase();
  if (!consistsOf(scheme, `${LETTERS}${DIGITS}+.-`) || !LETTERS.includes(scheme[0] as string)) return undefined;
  if ([...value].some((c) => c <= ' ' || c > '~' || c === '\\')) return undefined;
  const rest = value.slice(colon + 3);
  const end = [...rest].findIndex((c) => '/?#'.includes(c));
  return authorityHost(end < 0 ? rest : rest.slice(0, end));
}

function authorityHost(authority: string): string | undefined {
  const bracketed = authority.startsWith('[');
  const close = authority.indexOf(']');
  if (bracketed && close < 0) return undefined;
  const colon = authority.indexOf(':');
  const end = bracketed ? close + 1 : colon < 0 ? authority.length : colon;
  const port = authority.slice(end);
  if (port !== '' && !(port[0] === ':' && consistsOf(port.slice(1), DIGITS) && port.length <= 6)) return undefined;
  if (bracketed) return plainIpv6(authority.slice(1, close));
  return plainName(authority.slice(0, end));
}

/** ::ffff:a00:1 could be read as 10.0.0.1 (RFC 4291 section 2.5.5.2), and a dotted end is not plain form. */
function plainIpv6(text: string): string | undefined {
  const address = parseIp(text);
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255].every((byte, i) => address?.[i] === byte);
  return address?.length === 16 && !mapped && !text.includes('.') ? text.toLowerCase() : undefined;
}

function plainName(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (!consistsOf(lower, `${LETTERS}${DIGITS}.-_`)) return undefined;
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (name.split('.').includes('')) return undefined;
  const last = name.slice(name.lastIndexOf('.') + 1);
  const hex = last === '0x' || (last.startsWith('0x') && consistsOf(last.slice(2), `${DIGITS}abcdef`));
  if (!consistsOf(last, DIGITS) && !hex) return name;
  return parseIp(lower) === undefined ? undefined : lower;
}

export function hostTruth(value: string, patterns: readonly string[], uri: boolean): Truth {
  const host = hostOf(value, uri);
  if (host === undefined) return 'unknown';
  return truth(
    patterns.some((written) => {
      const pattern = written.toLowerCase();
      if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1));
      return host === pattern;
    }),
  );
}

export function cidrTruth(value: string, blocks: readonly string[], uri: boolean): Truth {
  const host = hostOf(value, uri);
  if (host === undefined) return 'unknown';
  const address = parseIp(host);
  return truth(address !== undefined && blocks.some((block) => inBlock(address, block)));
}

function inBlock(address: number[], block: string): boolean {
  const [text = '', length = ''] = block.split('/');
  const network = parseIp(text) ?? [];
  const bits = (bytes: number[]): string => bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  if (address.length !== network.length) return false;
  return bits(address).slice(0, Number(length)) === bits(network).slice(0, Number(length));
}

/** Bytes of an IPv4 or IPv6 address. */
export function parseIp(text: string): number[] | undefined {
  if (!text.includes(':')) {
    const octets = text.split('.');
    const fine = octets.every(
      (octet) => consistsOf(octet, DIGITS) && String(Number(octet)) === octet && Number(octet) < 256,
    );
    return fine && octets.length === 4 ? octets.map(Number) : undefined;
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => groups(half));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])];
}

function groups(half: string): number[] | undefined {
  const bytes: number[] = [];
  const parts = half === '' ? [] : half.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const four = index === parts.length - 1 ? parseIp(part) : undefined;
      if (four === undefined) return undefined;
      bytes.push(...four);
    } else {
      if (part.length > 4 || !consistsOf(part.toLowerCase(), `${DIGITS}abcdef`)) return undefined;
      bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255);
    }
  }
  return bytes;
}
