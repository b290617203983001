/**
 * Characters that a reviewer cannot see or that tools read differently: controls, lone carriage returns, other line
 * separators, byte order marks inside the text, bidirectional overrides ("Trojan Source", CVE-2021-42574) and halves
 * of surrogate pairs. In strings they can be written as escapes.
 */
const FORBIDDEN = new RegExp(
  [
    '[\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F]',
    '[\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069\\uFEFF\\uFFFE\\uFFFF]',
    '\\r(?!\\n)',
    '[\\uD800-\\uDBFF](?![\\uDC00-\\uDFFF])',
    '(?<![\\uD800-\\uDBFF])[\\uDC00-\\uDFFF]',
  ].join('|'),
);

/** Offset and name (`U+202E`) of the first forbidden character. */
export function findForbiddenCharacter(text: string): { offset: number; name: string } | undefined {
  const offset = text.search(FORBIDDEN);
  if (offset === -1) return undefined;
  return { offset, name: `U+${text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0')}` };
}
