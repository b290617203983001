import { hasControl, percentDecode } from './percent.ts';
import { refuse } from './refusal.ts';

/**
 * One reading of a request target (RFC 9112 section 3.2.1, origin-form). A path that two parsers could read in two
 * ways is refused, not repaired: dot segments (also encoded), empty segments, double encoding, backslashes, path parameters (`;`), control characters. What remains is written in one way, and that is forwarded.
 */
export interface CanonicalTarget {
  /**
   * Decoded segments; a trailing slash gives a last empty one. An encoded slash stands in its segment as `/`: only what
   * is a path to the tool as well may hold one, which the router judges.
   */
  segments: string[];
  /** The canonical path; equal to the received one unless it encoded what needs no encoding. */
  path: string;
  /** The query as received, without `?`; `undefined` if there was no `?`. */
  query: string | undefined;
}

const MAX_TARGET_LENGTH = 8192;
/** RFC 3986 `pchar` without `;`, plus `/` and `%`. */
const PATH_CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,=:@/%]*$/;
const QUERY_CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,=:@/?%[\]{}|"<>^`]*$/;
const STILL_ENCODED = /%[0-9A-Fa-f]{2}/;
const KEEP_PLAIN = /%(?:21|24|26|27|28|29|2A|2B|2C|3D|3A|40)/g;

function decodeSegment(raw: string): string {
  const segment = percentDecode(raw, 'the path');
  if (segment.includes('\\')) refuse('AEGIS_MAPPING_PATH', 'The path has an encoded backslash.');
  const parts = segment.split('/');
  if (parts.some((part) => part === '.' || part === '..')) refuse('AEGIS_MAPPING_PATH', 'The path has a dot segment.');
  if (parts.length > 1 && parts.includes('')) encodedSlash();
  if (STILL_ENCODED.test(segment)) refuse('AEGIS_MAPPING_PATH', 'The path is percent-encoded twice.');
  if (hasControl(segment)) refuse('AEGIS_MAPPING_ENCODING', 'The path has a control character.');
  return segment;
}

export function encodedSlash(): never {
  return refuse('AEGIS_MAPPING_PATH', 'The path has an encoded slash where the contract has no path.');
}

/** Percent-encodes a segment in the one canonical way: everything but `pchar`, upper-case hex, no `;`. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.toWellFormed()).replace(KEEP_PLAIN, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
}

/** @throws MappingError AEGIS_MAPPING_PATH, AEGIS_MAPPING_ENCODING, AEGIS_MAPPING_TOO_LARGE */
export function canonicalTarget(target: string): CanonicalTarget {
  if (target.length > MAX_TARGET_LENGTH) refuse('AEGIS_MAPPING_TOO_LARGE', 'The request target is too long.');
  const mark = target.indexOf('?');
  const raw = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? undefined : target.slice(mark + 1);
  if (!raw.startsWith('/')) refuse('AEGIS_MAPPING_PATH', 'The request target is not a path.');
  if (!PATH_CHARACTERS.test(raw))
    refuse('AEGIS_MAPPING_PATH', 'The path has a character that must be encoded, or ";".');
  if (query !== undefined && !QUERY_CHARACTERS.test(query)) {
    refuse('AEGIS_MAPPING_PATH', 'The query has a character that must be encoded, or ";".');
  }
  const parts = raw.slice(1).split('/');
  const last = parts.length - 1;
  if (parts.some((part, index) => part === '' && index < last)) refuse('AEGIS_MAPPING_PATH', 'The path has "//".');
  const segments = parts.map(decodeSegment);
  const path = raw.includes('%') ? `/${segments.map(encodeSegment).join('/')}` : raw;
  return { segments, path, query };
}
