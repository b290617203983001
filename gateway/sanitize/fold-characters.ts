/** One character as detectors see it: digits of any script, wide forms, spaces and dashes in their plain ASCII form. */

/** The character is invisible and stands between nothing. */
export const REMOVED = -1;

const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;

/** Inclusive ranges, ascending; the value is the replacement. */
const FOLDED: readonly (readonly [from: number, to: number, becomes: number])[] = [
  [0x85, 0x85, 0x0a],
  [0xa0, 0xa0, SPACE],
  [0xad, 0xad, REMOVED], // soft hyphen
  [0xb7, 0xb7, DOT],
  [0x300, 0x36f, REMOVED], // combining marks
  [0x61c, 0x61c, REMOVED],
  [0x1680, 0x1680, SPACE],
  [0x180b, 0x180e, REMOVED],
  [0x2000, 0x200a, SPACE],
  [0x200b, 0x200f, REMOVED], // zero width, direction marks
  [0x2010, 0x2015, DASH],
  [0x2022, 0x2022, DOT],
  [0x2024, 0x2024, DOT],
  [0x2027, 0x2027, DOT],
  [0x2028, 0x2029, 0x0a],
  [0x202a, 0x202e, REMOVED], // direction
  [0x202f, 0x202f, SPACE],
  [0x205f, 0x205f, SPACE],
  [0x2060, 0x206f, REMOVED],
  [0x20d0, 0x20ff, REMOVED], // enclosing marks, key caps
  [0x2212, 0x2212, DASH],
  [0x3000, 0x3000, SPACE],
  [0x3002, 0x3002, DOT],
  [0x30fb, 0x30fb, DOT],
  [0xfe00, 0xfe0f, REMOVED], // variation selectors
  [0xfe52, 0xfe52, DOT],
  [0xfe58, 0xfe58, DASH],
  [0xfe63, 0xfe63, DASH],
  [0xfe6b, 0xfe6b, 0x40],
  [0xfeff, 0xfeff, REMOVED],
  [0xe0000, 0xe0fff, REMOVED], // tags, variation selectors
];

const DIGIT = /^\p{Nd}$/u;
const known = new Map<number, number>();

/** Decimal digits of a script stand in unbroken runs of ten (Unicode, section 4.6). */
function digitOf(codePoint: number): number {
  let first = codePoint;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return 0x30 + ((codePoint - first) % 10);
}

function foldRare(codePoint: number): number {
  for (const [from, to, becomes] of FOLDED) {
    if (codePoint < from) break;
    if (codePoint <= to) return becomes;
  }
  if (codePoint >= 0xff01 && codePoint <= 0xff5e) return codePoint - 0xfee0;
  return DIGIT.test(String.fromCodePoint(codePoint)) ? digitOf(codePoint) : codePoint;
}

const MAX_KNOWN = 8192;

/** The code point that detectors see, or `REMOVED`. Letters stay what they are. */
export function foldCodePoint(codePoint: number): number {
  if (codePoint < 0x80) return codePoint;
  // Han and Hangul hold neither digits nor spaces; they are frequent.
  if ((codePoint >= 0x3100 && codePoint < 0xa4d0) || (codePoint >= 0xac00 && codePoint < 0xd800)) return codePoint;
  let folded = known.get(codePoint);
  if (folded === undefined) {
    folded = foldRare(codePoint);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(codePoint, folded);
  }
  return folded;
}
