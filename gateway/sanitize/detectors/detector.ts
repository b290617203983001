/** What a detector tells about one text. Indices count characters of the folded text (see fold-text.ts). */
export interface Findings {
  /**
   * `[start, end)` is what is looked for, if nothing more follows the text. `anchor` is where the label begins that makes
   * it so.
   */
  match(start: number, end: number, anchor?: number): void;
  /** From here to the end of the text stands so much of a possible match that it must not leave on its own. */
  partial(start: number): void;
}

/**
 * Finds one kind of personal or secret data. The rules that let texts be scanned in pieces:
 *
 * - `scan` reports every match of `text` that starts at `from` or later, overlaps included, and returns a position such
 *   that no text that may follow changes a match which starts before it, or adds one that does.
 * - Whether `[start, end)` is a match depends on the text from `CONTEXT` characters before `start`, or from a label that
 *   the returned position kept back, and on nothing before that.
 * - The time is linear in the length of the text.
 */
export interface Detector {
  /** Characters of the shortest match. */
  readonly shortest: number;
  /** Without this there is no match in an ASCII text without a label before it; absent where it takes a scan to tell. */
  readonly hint?: RegExp;
  /** Finds the labels (`mrn`, `password`) that make a match of what follows them; a JSON key can be one. */
  readonly label?: RegExp;
  scan(text: string, from: number, ended: boolean, found: Findings): number;
  /** Whether a field of this name holds nothing else, so that its whole value is a match. */
  owns?(field: string): boolean;
}

/** Characters before a match that decide about it. */
export const CONTEXT = 8;

/** A set of ASCII characters. */
export class CharacterSet {
  readonly #members = new Uint8Array(128);

  constructor(pattern: RegExp) {
    for (let code = 0; code < 128; code += 1) this.#members[code] = pattern.test(String.fromCharCode(code)) ? 1 : 0;
  }

  has(code: number): boolean {
    return code < 128 && this.#members[code] === 1;
  }
}

/** Where the run of such characters begins that the text ends with; at most `longest` characters back. */
export function tailStart(text: string, belongs: (code: number) => boolean, longest: number): number {
  const least = Math.max(0, text.length - longest);
  let start = text.length;
  while (start > least && belongs(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isAsciiLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

export function countDigits(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) if (isDigit(text.charCodeAt(index))) count += 1;
  return count;
}

/** Every match of a global expression, from a position on. */
export function eachMatch(pattern: RegExp, text: string, from: number, visit: (match: RegExpExecArray) => void): void {
  pattern.lastIndex = from;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) visit(match);
}
