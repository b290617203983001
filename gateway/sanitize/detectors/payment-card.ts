import { CharacterSet, type Detector, type Findings, isAsciiLetter, isDigit } from './detector.ts';

/**
 * Payment card numbers (ISO/IEC 7812-1): 13 to 19 digits with a network's prefix and length, and the Luhn check digit.
 * Digits may stand in groups with up to three separators between two groups. Whole groups only: a number inside a longer
 * run of digits is none.
 */

const MOST = 19;
const LEAST = 13;
const MAX_GAP = 3;
const SEPARATOR = new CharacterSet(/[ \-._/\t\r\n]/);
const DOT = 0x2e;
/** Digits of a card number that may be shown: the issuer's (PCI DSS 3.4.1). */
const SHOWABLE = 8;

/** Networks: first and last prefix, and the lengths of their numbers. */
const NETWORKS: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [4, 4, [13, 16, 19]], // Visa
  [51, 55, [16]], // Mastercard
  [2221, 2720, [16]],
  [34, 34, [15]], // American Express
  [37, 37, [15]],
  [6011, 6011, [16, 17, 18, 19]], // Discover
  [644, 649, [16, 17, 18, 19]],
  [65, 65, [16, 17, 18, 19]],
  [300, 305, [14, 16, 17, 18, 19]], // Diners Club
  [3095, 3095, [14, 16, 17, 18, 19]],
  [36, 36, [14, 15, 16, 17, 18, 19]],
  [38, 39, [14, 16, 17, 18, 19]],
  [3528, 3589, [16, 17, 18, 19]], // JCB
  [62, 62, [16, 17, 18, 19]], // UnionPay
  [50, 50, [13, 14, 15, 16, 17, 18, 19]], // Maestro and what shares its ranges
  [56, 58, [13, 14, 15, 16, 17, 18, 19]],
  [60, 60, [13, 14, 15, 16, 17, 18, 19]],
  [61, 61, [13, 14, 15, 16, 17, 18, 19]],
  [63, 63, [13, 14, 15, 16, 17, 18, 19]],
  [66, 69, [13, 14, 15, 16, 17, 18, 19]],
  [2200, 2204, [16, 17, 18, 19]], // Mir
  [81, 82, [16, 17, 18, 19]], // RuPay
  [9792, 9792, [16]], // Troy
];

const PREFIX = 4;

/** By the first four digits: bit n is set where a number of n digits can begin so. */
const LENGTHS = new Uint32Array(10 ** PREFIX);
for (const [from, to, lengths] of NETWORKS) {
  const below = 10 ** (PREFIX - String(to).length);
  for (let prefix = from * below; prefix < (to + 1) * below; prefix += 1) {
    for (const length of lengths) LENGTHS[prefix] = (LENGTHS[prefix] as number) | (1 << length);
  }
}

function isNetwork(digits: string): boolean {
  return (((LENGTHS[Number(digits.slice(0, PREFIX))] as number) >> digits.length) & 1) === 1;
}

/** Whether more than four digits can be the first ones of a card number. */
function mayBegin(digits: string): boolean {
  return LENGTHS[Number(digits.slice(0, PREFIX))] !== 0;
}

/** ISO/IEC 7812-1 annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 0x30;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

interface Group {
  start: number;
  end: number;
}

/** Whether only separators, and few of them, stand between two places. */
function connected(text: string, from: number, to: number): boolean {
  if (to - from > MAX_GAP) return false;
  for (let index = from; index < to; index += 1) if (!SEPARATOR.has(text.charCodeAt(index))) return false;
  return true;
}

const size = ({ start, end }: Group): number => end - start;

/** People write groups of three or more, or spell every digit or pair alike; anything else is a list of numbers. */
function isGrouping(text: string, groups: readonly Group[]): boolean {
  const [first] = groups as [Group];
  if (groups.length === 1) return true;
  const gaps = groups.slice(1).map((group, index) => text.slice((groups[index] as Group).end, group.start));
  // A decimal number is no card, nor is a version.
  if (gaps.some((gap) => gap.includes('.')) && groups.some((group) => size(group) > 6)) return false;
  if (groups.slice(0, -1).every((group) => size(group) >= 3)) return true;
  return size(first) <= 2 && groups.every((group) => size(group) === size(first)) && new Set(gaps).size === 1;
}

/** A decimal fraction, or digits in the middle of a word such as a digest. */
function isInsideAnother(text: string, groups: readonly Group[]): boolean {
  const { start, end: firstEnd } = groups[0] as Group;
  const { end } = groups.at(-1) as Group;
  if (firstEnd - start > 6 && text.charCodeAt(start - 1) === DOT && isDigit(text.charCodeAt(start - 2))) return true;
  return isAsciiLetter(text.charCodeAt(start - 1)) && isAsciiLetter(text.charCodeAt(end));
}

/** All card numbers that end with the last of these groups. */
function endingHere(text: string, run: readonly Group[], from: number, found: Findings): void {
  let digits = '';
  for (let first = run.length - 1; first >= 0; first -= 1) {
    const group = run[first] as Group;
    if (digits.length + size(group) > MOST || group.start < from) return;
    digits = text.slice(group.start, group.end) + digits;
    if (digits.length < LEAST || !isNetwork(digits) || !luhn(digits)) continue;
    const groups = run.slice(first);
    if (isGrouping(text, groups) && !isInsideAnother(text, groups)) found.match(group.start, run.at(-1)?.end ?? 0);
  }
}

/** Where a number begins that the text may end in. */
function unfinished(text: string, run: readonly Group[], found: Findings): number {
  const last = run.at(-1);
  if (last === undefined || !connected(text, last.end, text.length)) return text.length;
  let pending = text.length;
  let digits = '';
  for (let first = run.length - 1; first >= 0; first -= 1) {
    const group = run[first] as Group;
    if (digits.length + size(group) > MOST) break;
    digits = text.slice(group.start, group.end) + digits;
    pending = group.start;
    if (digits.length > SHOWABLE && mayBegin(digits)) found.partial(pending);
  }
  return pending;
}

const DIGITS = /[0-9]+/g;

export const paymentCard: Detector = {
  shortest: LEAST,
  hint: /(?:[0-9][ ._/\t\r\n-]{0,3}){13}/,
  scan(text, from, ended, found) {
    let run: Group[] = [];
    DIGITS.lastIndex = 0;
    while (DIGITS.test(text)) {
      const end = DIGITS.lastIndex;
      let start = end;
      while (start > 0 && isDigit(text.charCodeAt(start - 1))) start -= 1;
      const before = run.at(-1);
      if (before !== undefined && !connected(text, before.end, start)) run = [];
      run.push({ start, end });
      if (run.length > MOST) run.shift();
      endingHere(text, run, from, found);
    }
    return ended ? text.length : unfinished(text, run, found);
  },
};
