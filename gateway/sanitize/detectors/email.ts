import { CharacterSet, type Detector, type Findings, isDigit, tailStart } from './detector.ts';

/**
 * `local@domain` (RFC 5321 section 4.1.2) with an unquoted local part of the characters that people use, and a domain of
 * at least two labels whose last one is alphabetic, or an address literal. Latin, Greek and Cyrillic letters count.
 */

const LOCAL = new CharacterSet(/[A-Za-z0-9._%+'-]/);
const LABEL = new CharacterSet(/[A-Za-z0-9-]/);
const BETWEEN = new CharacterSet(/[A-Za-z0-9._%+'@[\]:-]/);
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
const AT = 0x40;
const DOT = 0x2e;

function isLetterBeyondAscii(code: number): boolean {
  return (code >= 0xc0 && code <= 0x24f && code !== 0xd7 && code !== 0xf7) || (code >= 0x370 && code <= 0x52f);
}

const isLocal = (code: number): boolean => LOCAL.has(code) || isLetterBeyondAscii(code);
const isLabel = (code: number): boolean => LABEL.has(code) || isLetterBeyondAscii(code);
const isBetween = (code: number): boolean => BETWEEN.has(code) || isLetterBeyondAscii(code);

function localStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < MAX_LOCAL && isLocal(text.charCodeAt(start - 1))) start -= 1;
  while (start < at && (text[start] === '.' || text[start] === "'")) start += 1;
  return start;
}

const LITERAL = /\[(?:IPv6:)?[0-9A-Fa-f.:]{2,45}\]/y;

/** Whether a label can be the last one: no digits, at least two characters; or punycode. */
function isTopLevel(text: string, start: number, end: number): boolean {
  if (text.startsWith('xn--', start)) return true;
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (isDigit(code) || code === 0x2d) return false;
  }
  return end - start >= 2;
}

/** End of the longest domain that begins here; `start` where there is none. */
function domainEnd(text: string, start: number): number {
  LITERAL.lastIndex = start;
  if (LITERAL.test(text)) return LITERAL.lastIndex;
  const last = Math.min(text.length, start + MAX_DOMAIN);
  let end = start;
  let labels = 0;
  for (let from = start; from < last; ) {
    let to = from;
    while (to < last && isLabel(text.charCodeAt(to))) to += 1;
    if (to === from) break;
    labels += 1;
    if (labels >= 2 && isTopLevel(text, from, to)) end = to;
    if (text.charCodeAt(to) !== DOT) break;
    from = to + 1;
  }
  return end;
}

/** Where an address begins that the text may end in. */
function unfinished(text: string, found: Findings): number {
  const run = tailStart(text, isBetween, MAX_LOCAL + MAX_DOMAIN + 1);
  let at = text.indexOf('@', run);
  while (at !== -1 && text.length - at > MAX_DOMAIN) at = text.indexOf('@', at + 1);
  if (at === -1) return Math.max(run, text.length - MAX_LOCAL);
  const start = localStart(text, at);
  if (start < at) found.partial(start);
  return Math.max(run, at - MAX_LOCAL);
}

export const email: Detector = {
  shortest: 6,
  hint: /@/,
  scan(text, from, ended, found) {
    for (let at = text.indexOf('@', from); at !== -1; at = text.indexOf('@', at + 1)) {
      const start = localStart(text, at);
      if (start === at || text.charCodeAt(at) !== AT) continue;
      const end = domainEnd(text, at + 1);
      if (end > at + 1) found.match(start, end);
    }
    return ended ? text.length : unfinished(text, found);
  },
};
