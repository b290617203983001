import { foldCodePoint, REMOVED } from './fold-characters.ts';

/**
 * Raw text → the text that detectors read, with the way back. First the encoding that the text stands in is undone
 * (JSON string, form field), then what people and programs write instead of plain characters: percent-encoding of
 * ASCII, HTML entities, backslash escapes of an inner document, digits of other scripts, invisible characters. Each
 * character of the result stands for one unbroken piece of the raw text.
 */

/** How the raw text is written: as it is, inside a JSON string, as a part of a form. */
export type Encoding = 'text' | 'json' | 'form';

export interface FoldedText {
  text: string;
  /** Raw index at which each character begins and ends; absent where they are the same as in `text`. */
  starts?: Uint32Array;
  ends?: Uint32Array;
  /** Raw characters that were read; what follows may be the beginning of an escape. */
  complete: number;
}

/** Characters of which escapes and folded characters consist. */
const SPECIAL: Record<Encoding, RegExp> = {
  text: /[%&\\\u0080-\uffff]/,
  json: /[%&\\\u0080-\uffff]/,
  form: /[%&\\+\u0080-\uffff]/,
};
/** An `&` or `%` that begins no escape is as plain as any other character. */
const ESCAPED: Record<Encoding, RegExp> = {
  text: /[\\\u0080-\uffff]|&[#A-Za-z][A-Za-z0-9]{1,10};|%[2-7][0-9A-Fa-f]/,
  json: /[\\\u0080-\uffff]|&[#A-Za-z][A-Za-z0-9]{1,10};|%[2-7][0-9A-Fa-f]/,
  form: /[%&\\+\u0080-\uffff]/,
};
const OPEN_END = /[&%][^;]{0,11}$/;

/** Whether the text is read as it is written. */
export function isPlain(raw: string, encoding: Encoding, ended: boolean): boolean {
  if (!SPECIAL[encoding].test(raw)) return true;
  return !ESCAPED[encoding].test(raw) && (ended || !OPEN_END.test(raw));
}

/** `ended` says that nothing follows: what looks like the beginning of an escape is then plain text. */
export function foldText(raw: string, encoding: Encoding, ended: boolean): FoldedText {
  if (isPlain(raw, encoding, ended)) return { text: raw, complete: raw.length };
  const units = new Units(raw.length);
  const read = LAYERS[encoding](raw, units, ended);
  return new Folder(units, ended).fold(read);
}

/** Code units with their places in the raw text. */
class Units {
  readonly codes: Uint16Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  length = 0;

  constructor(capacity: number) {
    this.codes = new Uint16Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }

  add(code: number, start: number, end: number): void {
    this.codes[this.length] = code;
    this.starts[this.length] = start;
    this.ends[this.length] = end;
    this.length += 1;
  }
}

/** A layer reads raw text into units and returns how far it came. */
type Layer = (raw: string, into: Units, ended: boolean) => number;

const UNKNOWN = 0xfffd;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const SIMPLE: Record<string, number> = { n: 10, r: 13, t: 9, b: 8, f: 12, '"': 34, "'": 39, '/': 47, '\\': BACKSLASH };

const LAYERS: Record<Encoding, Layer> = { text: readText, json: readJson, form: readForm };

function readText(raw: string, into: Units): number {
  for (let index = 0; index < raw.length; index += 1) into.add(raw.charCodeAt(index), index, index + 1);
  return raw.length;
}

const UNICODE_ESCAPE = /\\u([0-9a-fA-F]{4})/y;

function readJson(raw: string, into: Units, ended: boolean): number {
  for (let index = 0; index < raw.length; ) {
    const code = raw.charCodeAt(index);
    if (code !== BACKSLASH) {
      into.add(code, index, index + 1);
      index += 1;
      continue;
    }
    const length = raw[index + 1] === 'u' ? 6 : 2;
    if (index + length > raw.length && !ended) return index;
    UNICODE_ESCAPE.lastIndex = index;
    const hex = length === 6 ? UNICODE_ESCAPE.exec(raw)?.[1] : undefined;
    const meant = hex === undefined ? SIMPLE[raw[index + 1] ?? ''] : Number.parseInt(hex, 16);
    const end = meant === undefined ? index + 1 : index + length;
    into.add(meant ?? BACKSLASH, index, end);
    index = end;
  }
  return raw.length;
}

const PERCENT_RUN = /(?:%[0-9a-fA-F]{2})/y;

function byteAt(raw: string, index: number): number | undefined {
  PERCENT_RUN.lastIndex = index;
  return PERCENT_RUN.test(raw) ? Number.parseInt(raw.slice(index + 1, index + 3), 16) : undefined;
}

/** Bytes that a UTF-8 sequence has after its first. */
function continuation(lead: number): number {
  if (lead >= 0xf0 && lead < 0xf8) return 3;
  if (lead >= 0xe0) return 2;
  return lead >= 0xc0 ? 1 : 0;
}

function readForm(raw: string, into: Units, ended: boolean): number {
  for (let index = 0; index < raw.length; ) {
    const code = raw.charCodeAt(index);
    if (code === PERCENT && index + 3 > raw.length && !ended) return index;
    const lead = code === PERCENT ? byteAt(raw, index) : undefined;
    if (lead === undefined) {
      into.add(code === 0x2b ? 0x20 : code, index, index + 1);
      index += 1;
      continue;
    }
    const more = continuation(lead);
    const end = index + 3 * (1 + more);
    if (end > raw.length && !ended) return index;
    index = addSequence(raw, index, lead, more, into);
  }
  return raw.length;
}

/** A percent-encoded character of one to four bytes; one that is not UTF-8 stands for a single unknown one. */
function addSequence(raw: string, index: number, lead: number, more: number, into: Units): number {
  const bytes = [lead];
  while (bytes.length <= more) {
    const next = byteAt(raw, index + 3 * bytes.length);
    if (next === undefined || next >> 6 !== 2) break;
    bytes.push(next);
  }
  const whole = bytes.length === more + 1;
  const end = index + 3 * bytes.length;
  const character = whole ? Buffer.from(bytes).toString('utf8') : '\ufffd';
  if (character.length === 2) {
    // The two halves of one character share its place.
    into.add(character.charCodeAt(0), index, end);
    into.add(character.charCodeAt(1), index, end);
  } else into.add(character.charCodeAt(0), index, end);
  return end;
}

const NAMED_ENTITIES: Record<string, number> = {
  amp: AMPERSAND,
  lt: 0x3c,
  gt: 0x3e,
  quot: 0x22,
  apos: 0x27,
  nbsp: 0x20,
  ensp: 0x20,
  emsp: 0x20,
  thinsp: 0x20,
  shy: 0xad,
  zwj: 0x200d,
  zwnj: 0x200c,
  ndash: 0x2d,
  mdash: 0x2d,
  hyphen: 0x2d,
  dash: 0x2d,
  minus: 0x2d,
  middot: 0x2e,
  bull: 0x2e,
  period: 0x2e,
  commat: 0x40,
  lowbar: 0x5f,
  colon: 0x3a,
  equals: 0x3d,
  plus: 0x2b,
  sol: 0x2f,
  Tab: 9,
  NewLine: 10,
};
/** The longest escape of this layer: `&#x0010ffff;`, `&NewLine;`. */
const LONGEST = 12;
const ENTITY = /^&(?:#(\d{1,9})|#[xX]([0-9a-fA-F]{1,8})|([A-Za-z]{2,8}));/;
const INNER_ESCAPE = /^\\(?:u([0-9a-fA-F]{4})|([nrtbf"'/\\]))/;
const PERCENT_ASCII = /^%([2-7][0-9a-fA-F])/;
/** What may become one of these when more text comes. */
const UNFINISHED = /^(?:&(?:#(?:\d{0,9}|[xX][0-9a-fA-F]{0,8})|[A-Za-z]{0,8})|\\(?:u[0-9a-fA-F]{0,3})?|%[0-9a-fA-F]?)$/;

interface Escape {
  code: number;
  /** Units that it takes. */
  length: number;
}

function escapeIn(ahead: string): Escape | undefined {
  const first = ahead.charCodeAt(0);
  if (first === PERCENT) {
    const hex = PERCENT_ASCII.exec(ahead)?.[1];
    return hex === undefined || /^7f$/i.test(hex) ? undefined : { code: Number.parseInt(hex, 16), length: 3 };
  }
  if (first === BACKSLASH) {
    const [all, hex, simple] = INNER_ESCAPE.exec(ahead) ?? [];
    if (all === undefined) return undefined;
    return {
      code: hex === undefined ? (SIMPLE[simple ?? ''] ?? BACKSLASH) : Number.parseInt(hex, 16),
      length: all.length,
    };
  }
  const [all, decimal, hex, name = ''] = ENTITY.exec(ahead) ?? [];
  if (all === undefined) return undefined;
  if (decimal !== undefined) return { code: Number.parseInt(decimal, 10), length: all.length };
  if (hex !== undefined) return { code: Number.parseInt(hex, 16), length: all.length };
  const code = Object.hasOwn(NAMED_ENTITIES, name) ? NAMED_ENTITIES[name] : undefined;
  return code === undefined ? undefined : { code, length: all.length };
}

function isEscape(code: number): boolean {
  return code === PERCENT || code === AMPERSAND || code === BACKSLASH;
}

const isHigh = (code: number): boolean => code >= 0xd800 && code < 0xdc00;
const isLow = (code: number): boolean => code >= 0xdc00 && code < 0xe000;

/** Units → folded text. Writes over the units that it has read. */
class Folder {
  readonly #units: Units;
  readonly #ended: boolean;
  #written = 0;

  constructor(units: Units, ended: boolean) {
    this.#units = units;
    this.#ended = ended;
  }

  fold(read: number): FoldedText {
    const { codes, starts, ends, length } = this.#units;
    let complete = read;
    for (let index = 0; index < length; ) {
      const code = codes[index] as number;
      let taken = 1;
      if (isEscape(code)) taken = this.#escape(code, index);
      else if (isHigh(code)) taken = this.#pair(code, index);
      else this.#put(code, index, 1);
      if (taken === 0) {
        complete = starts[index] as number;
        break;
      }
      index += taken;
    }
    const written = this.#written;
    const text = Buffer.from(codes.buffer, 0, written * 2).toString('utf16le');
    return { text, starts: starts.subarray(0, written), ends: ends.subarray(0, written), complete };
  }

  #put(codePoint: number, index: number, taken: number): void {
    const { codes, starts, ends } = this.#units;
    const folded = foldCodePoint(codePoint);
    if (folded === REMOVED) return;
    codes[this.#written] = folded > 0xffff ? UNKNOWN : folded;
    starts[this.#written] = starts[index] as number;
    ends[this.#written] = ends[index + taken - 1] as number;
    this.#written += 1;
  }

  /** Units taken; 0 where the text must go on first. */
  #escape(code: number, index: number): number {
    const { codes, length } = this.#units;
    const ahead = String.fromCharCode(...codes.subarray(index, Math.min(length, index + LONGEST)));
    if (!this.#ended && index + ahead.length === length && UNFINISHED.test(ahead)) return 0;
    const { code: meant, length: taken } = escapeIn(ahead) ?? { code, length: 1 };
    this.#put(meant > 0x10ffff ? UNKNOWN : meant, index, taken);
    return taken;
  }

  #pair(code: number, index: number): number {
    const { codes, length } = this.#units;
    if (index + 1 === length && !this.#ended) return 0;
    const low = index + 1 < length ? (codes[index + 1] as number) : 0;
    if (!isLow(low)) {
      this.#put(UNKNOWN, index, 1);
      return 1;
    }
    this.#put(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), index, 2);
    return 2;
  }
}
