import { hasControl, hasHiddenControl, percentDecode } from './percent.ts';
import { refuse } from './refusal.ts';

/** Name-value pairs of a query or a form, in the order of the wire. A name may repeat; the caller judges that. */
export type Pairs = [name: string, value: string][];

const MAX_PAIRS = 1000;
const STILL_ENCODED = /%[0-9A-Fa-f]{2}/;
const NOT_FORM = /[^!-~]/;

function decode(text: string, what: string): string {
  return percentDecode(text.includes('+') ? text.replaceAll('+', ' ') : text, what);
}

/**
 * Parses `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), refusing what parsers read differently: raw
 * `;` (a separator to some), raw non-ASCII and spaces, names that are empty, encoded twice or hold control characters.
 * `where` is "query" or "form".
 */
export function parsePairs(text: string, where: 'query' | 'form'): Pairs {
  if (text === '') return [];
  if (NOT_FORM.test(text) || text.includes(';')) {
    refuse('AEGIS_MAPPING_ENCODING', `The ${where} has a character that must be percent-encoded.`);
  }
  const parts = text.split('&');
  if (parts.length > MAX_PAIRS) refuse('AEGIS_MAPPING_TOO_LARGE', `The ${where} has more than ${MAX_PAIRS} fields.`);
  const pairs: Pairs = [];
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals), `a name in the ${where}`);
    const value = equals < 0 ? '' : decode(part.slice(equals + 1), `a value in the ${where}`);
    if (name === '' || hasControl(name) || STILL_ENCODED.test(name)) {
      refuse('AEGIS_MAPPING_ENCODING', `The ${where} has a name that is empty, encoded twice or holds controls.`);
    }
    if (hasHiddenControl(value)) refuse('AEGIS_MAPPING_ENCODING', `The ${where} hides a control character.`);
    pairs.push([name, value]);
  }
  return pairs;
}

/** One field as `parsePairs` reads it; brackets stay readable, as SDKs send them. */
export function formatPair(name: string, value: string): string {
  return `${encodeValue(name).replaceAll('%5B', '[').replaceAll('%5D', ']')}=${encodeValue(value)}`;
}

export function encodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replaceAll('%20', '+');
}
