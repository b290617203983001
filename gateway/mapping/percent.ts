import { refuse } from './refusal.ts';

const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** C0, DEL and C1: never part of a name, a path or a header value. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/** In values, line breaks and tabs are text; everything else of C0 hides something. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const HIDDEN_IN_VALUE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const HIDDEN_IN_HEADER = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Decodes percent-encoding once, strictly: RFC 3986 section 2.1 and UTF-8 (RFC 3629), no overlong forms, no
 * surrogates, no stray `%`. `what` says where, for the message.
 */
export function percentDecode(text: string, what: string): string {
  if (!text.includes('%')) return text;
  if (BAD_PERCENT.test(text)) return refuse('AEGIS_MAPPING_ENCODING', `Malformed percent-encoding in ${what}.`);
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse('AEGIS_MAPPING_ENCODING', `${what} is not UTF-8.`);
  }
}

/** A tab is white space in a header value (RFC 9110 section 5.5). */
export function hasControlBesidesTab(text: string): boolean {
  return HIDDEN_IN_HEADER.test(text);
}

export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

export function hasHiddenControl(text: string): boolean {
  return HIDDEN_IN_VALUE.test(text);
}

/** The text of bytes that must be UTF-8 without a byte order mark. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse('AEGIS_MAPPING_ENCODING', `${what} is not UTF-8.`);
  }
  if (text.startsWith('\ufeff')) return refuse('AEGIS_MAPPING_ENCODING', `${what} starts with a byte order mark.`);
  return text;
}
