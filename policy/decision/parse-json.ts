import { AegisError, type ErrorCode } from '../errors.ts';
import type { NumberLiteral } from '../number-literal.ts';
import { EXACT_DIGITS, exactNumber } from './exact-number.ts';

/**
 * Strict, bounded JSON for decision input, which agents control: RFC 8259 with the restrictions of I-JSON (RFC 7493).
 * What parsers are known to read differently (duplicate keys, lone surrogates, byte order marks, numbers beyond a
 * double) is refused, so that the policy decides on what the tool will see. Errors never echo values.
 */

export interface ParseJsonOptions {
  /** Of the whole text: bytes, or UTF-16 units of a string; default 256 KiB. */
  maxSize?: number;
  /** Objects and arrays inside each other; default 32. */
  maxDepth?: number;
  /** Values in all, keys not counted; default 10,000. */
  maxValues?: number;
  /** Name of the source for error locations. */
  file?: string;
}

export interface ParsedJson {
  /** Plain objects, arrays, strings, booleans, null, numbers where they are exact, otherwise `NumberLiteral`. */
  value: unknown;
  /** Is there a `NumberLiteral` in it? If not, `JSON.stringify` writes it. */
  hasLiterals: boolean;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SURROGATES = 0xd800;
const AFTER_SURROGATES = 0xe000;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /^[0-9A-Fa-f]{4}$/;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class JsonParser {
  readonly #text: string;
  readonly #file: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;
  #valuesLeft: number;
  hasLiterals = false;

  constructor(text: string, options: ParseJsonOptions) {
    this.#text = text;
    this.#file = options.file ?? 'input';
    this.#maxDepth = options.maxDepth ?? 32;
    this.#valuesLeft = options.maxValues ?? 10_000;
  }

  document(): unknown {
    const value = this.#value(this.#token());
    if (!Number.isNaN(this.#token())) this.#fail('AEGIS_INPUT_SYNTAX', 'something follows the JSON text');
    return value;
  }

  /** Skips white space; the code unit that follows, NaN at the end. */
  #token(): number {
    const text = this.#text;
    let at = this.#at;
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at);
    this.#at = at;
    return code;
  }

  #value(code: number): unknown {
    if (--this.#valuesLeft < 0) this.#fail('AEGIS_INPUT_TOO_LARGE', 'there are too many values');
    if (code === QUOTE) return this.#string();
    if (code === OPEN_BRACE) return this.#object();
    if (code === OPEN_BRACKET) return this.#array();
    if ((code >= ZERO && code <= NINE) || code === MINUS) return this.#number(code);
    return this.#word();
  }

  #word(): boolean | null {
    const text = this.#text;
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (!text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#fail('AEGIS_INPUT_SYNTAX', 'a JSON value is expected');
  }

  #enter(): void {
    if (++this.#depth > this.#maxDepth) {
      this.#fail('AEGIS_INPUT_DEPTH', `objects and arrays are nested more than ${this.#maxDepth} deep`);
    }
    this.#at++;
  }

  #object(): Record<string, unknown> {
    this.#enter();
    const object: Record<string, unknown> = {};
    let code = this.#token();
    while (code !== CLOSE_BRACE) {
      if (code !== QUOTE) this.#fail('AEGIS_INPUT_SYNTAX', 'a key in double quotes is expected');
      const start = this.#at;
      const key = this.#string();
      if (object[key] !== undefined) this.#checkKey(object, key, start);
      if (this.#token() !== COLON) this.#fail('AEGIS_INPUT_SYNTAX', 'a colon is expected after the key');
      this.#at++;
      object[key] = this.#value(this.#token());
      code = this.#separator(CLOSE_BRACE, 'a comma or a closing brace is expected');
    }
    this.#at++;
    this.#depth--;
    return object;
  }

  /** For a key that the object has, or that it inherits: `constructor` is fine, `__proto__` is not. */
  #checkKey(object: Record<string, unknown>, key: string, start: number): void {
    if (key === '__proto__') this.#fail('AEGIS_INPUT_KEY', 'the key __proto__ is refused', start);
    if (Object.hasOwn(object, key)) this.#fail('AEGIS_INPUT_DUPLICATE_KEY', 'this key is there twice', start);
  }

  #array(): unknown[] {
    this.#enter();
    const array: unknown[] = [];
    let code = this.#token();
    while (code !== CLOSE_BRACKET) {
      array.push(this.#value(code));
      code = this.#separator(CLOSE_BRACKET, 'a comma or a closing bracket is expected');
    }
    this.#at++;
    this.#depth--;
    return array;
  }

  /** After a member: the closing character, or what follows the comma (which must not be the closing one). */
  #separator(close: number, expected: string): number {
    const code = this.#token();
    if (code === close) return code;
    if (code !== COMMA) this.#fail('AEGIS_INPUT_SYNTAX', expected);
    this.#at++;
    const next = this.#token();
    if (next === close) this.#fail('AEGIS_INPUT_SYNTAX', 'a comma stands before the end');
    return next;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    let at = start;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return text.slice(start, at);
      }
      if (code === BACKSLASH) return this.#escapedString(start, at);
      if (code >= SURROGATES && code < AFTER_SURROGATES) at = this.#surrogatePair(at);
      // Also true for NaN, at the end of the text.
      else if (!(code >= 0x20)) return this.#badCharacter(at);
      at++;
    }
  }

  #badCharacter(at: number): never {
    if (at >= this.#text.length) this.#fail('AEGIS_INPUT_SYNTAX', 'the string has no end', at);
    return this.#fail('AEGIS_INPUT_STRING', 'a control character in a string is not escaped', at);
  }

  /** The place of the second half of the pair that starts at `at`. */
  #surrogatePair(at: number): number {
    const high = this.#text.charCodeAt(at);
    const low = this.#text.charCodeAt(at + 1);
    if (high < 0xdc00 && low >= 0xdc00 && low < AFTER_SURROGATES) return at + 1;
    return this.#fail('AEGIS_INPUT_STRING', 'a string has an unpaired surrogate', at);
  }

  /** The rest of a string whose first escape is at `at`. */
  #escapedString(start: number, at: number): string {
    const text = this.#text;
    let result = text.slice(start, at);
    let from = at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE || code === BACKSLASH) result += text.slice(from, at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        result += this.#escape(at);
        at += text.charCodeAt(at + 1) === 0x75 ? 6 : 2;
        from = at;
        continue;
      }
      if (!(code >= 0x20)) this.#badCharacter(at);
      at++;
    }
    this.#at = at + 1;
    if (!result.isWellFormed()) this.#fail('AEGIS_INPUT_STRING', 'a string has an unpaired surrogate', start);
    return result;
  }

  /** What the escape at `at` stands for; halves of a surrogate pair come one by one. */
  #escape(at: number): string {
    const letter = this.#text.charAt(at + 1);
    if (letter !== 'u') {
      return ESCAPES[letter] ?? this.#fail('AEGIS_INPUT_SYNTAX', 'a string has an unknown escape', at);
    }
    const hex = this.#text.slice(at + 2, at + 6);
    if (!HEX4.test(hex)) this.#fail('AEGIS_INPUT_SYNTAX', 'a string has an incomplete \\u escape', at);
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  /** Short integers at once; everything else by `#otherNumber`. */
  #number(first: number): number | NumberLiteral {
    const text = this.#text;
    const start = this.#at;
    if (first === MINUS) return this.#otherNumber(start);
    let number = first - ZERO;
    let at = start + 1;
    let code = text.charCodeAt(at);
    while (code >= ZERO && code <= NINE) {
      number = number * 10 + (code - ZERO);
      code = text.charCodeAt(++at);
    }
    // A letter is an exponent, or the wrong end of the number.
    const ended = code !== POINT && (code | 0x20) !== 0x65;
    if (!ended || at - start > EXACT_DIGITS || (first === ZERO && at - start > 1)) return this.#otherNumber(start);
    this.#at = at;
    return number;
  }

  #otherNumber(start: number): number | NumberLiteral {
    NUMBER.lastIndex = start;
    const literal = NUMBER.exec(this.#text)?.[0];
    const next = literal === undefined ? Number.NaN : this.#text.charCodeAt(start + literal.length);
    // `01`, `1.` and `1e` would otherwise be a shorter number and a syntax error after it.
    if (literal === undefined || next === POINT || (next >= ZERO && next <= NINE)) {
      return this.#fail('AEGIS_INPUT_NUMBER', 'this is not a JSON number', start);
    }
    this.#at = start + literal.length;
    const value = exactNumber(literal);
    if (value === undefined) {
      return this.#fail('AEGIS_INPUT_NUMBER', 'this number has too many digits to be compared exactly', start);
    }
    if (typeof value !== 'number') this.hasLiterals = true;
    return value;
  }

  #fail(code: ErrorCode, message: string, at = this.#at): never {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    const location = { file: this.#file, line, column };
    throw new AegisError(code, `${message} (line ${line}, column ${column})`, { location });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    // A byte order mark stays in the text, where it is no JSON.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AegisError('AEGIS_INPUT_SYNTAX', 'the input is not valid UTF-8');
  }
}

/**
 * Parses one JSON text. Objects are plain ones without a `__proto__` key; duplicate keys are found after unescaping.
 * Numbers of up to 18 significant digits and 64-bit integers are kept exactly, all others refused.
 * @throws AegisError AEGIS_INPUT_SYNTAX, _DUPLICATE_KEY, _DEPTH, _TOO_LARGE, _NUMBER, _STRING, _KEY, with the place.
 */
export function parseJson(input: string | Uint8Array, options: ParseJsonOptions = {}): ParsedJson {
  const maxSize = options.maxSize ?? 256 * 1024;
  if (input.length > maxSize)
    throw new AegisError('AEGIS_INPUT_TOO_LARGE', `the input is larger than ${maxSize} bytes`);
  const parser = new JsonParser(typeof input === 'string' ? input : decode(input), options);
  const value = parser.document();
  return { value, hasLiterals: parser.hasLiterals };
}
