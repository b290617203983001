import { AegisError } from '../errors.ts';
import { NumberLiteral } from '../number-literal.ts';
import { MAX_JSON_DEPTH } from './canonical-json.ts';
import { fromUtf8, quoted } from './encoding.ts';

export interface JsonReadOptions {
  /** `literal` keeps every number as a {@link NumberLiteral}; `integer` accepts only safe integers, as numbers. */
  numbers: 'literal' | 'integer';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a JSON string must not hold as they are
const ESCAPED_OR_CONTROL = /[\\\u0000-\u001f]/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Strict JSON (RFC 8259) from UTF-8 bytes. Unlike `JSON.parse` it refuses duplicate keys, lone surrogates and invalid
 * UTF-8, bounds the depth, keeps number spellings, and builds objects without a prototype (so `__proto__` is a key).
 * @throws AegisError `AEGIS_BUNDLE_JSON`.
 */
export function readJson(bytes: Uint8Array, options: JsonReadOptions): unknown {
  const text = fromUtf8(bytes);
  if (text === undefined) throw new AegisError('AEGIS_BUNDLE_JSON', 'the document is not valid UTF-8');
  return new JsonReader(text, options.numbers).document();
}

class JsonReader {
  private readonly text: string;
  private readonly numbers: 'literal' | 'integer';
  private at = 0;
  private depth = 0;

  constructor(text: string, numbers: 'literal' | 'integer') {
    this.text = text;
    this.numbers = numbers;
  }

  document(): unknown {
    this.space();
    const value = this.value();
    this.space();
    if (this.at !== this.text.length) throw this.refuse('something follows the document');
    return value;
  }

  private value(): unknown {
    switch (this.text[this.at]) {
      case '{':
        return this.nested(() => this.object());
      case '[':
        return this.nested(() => this.array());
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > MAX_JSON_DEPTH) throw this.refuse(`nesting deeper than ${MAX_JSON_DEPTH}`);
    this.at++;
    this.space();
    const value = read();
    this.depth--;
    return value;
  }

  private object(): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    if (this.skip('}')) return object;
    do {
      this.space();
      if (this.text[this.at] !== '"') throw this.refuse('a key must be a string');
      const key = this.string();
      if (key in object) throw this.refuse(`duplicate key ${quoted(key)}`);
      this.space();
      if (!this.skip(':')) throw this.refuse('":" is missing');
      this.space();
      object[key] = this.value();
      this.space();
    } while (this.skip(','));
    if (!this.skip('}')) throw this.refuse('"}" or "," is missing');
    return object;
  }

  private array(): unknown[] {
    const items: unknown[] = [];
    if (this.skip(']')) return items;
    do {
      this.space();
      items.push(this.value());
      this.space();
    } while (this.skip(','));
    if (!this.skip(']')) throw this.refuse('"]" or "," is missing');
    return items;
  }

  private string(): string {
    let end = this.text.indexOf('"', this.at + 1);
    while (end !== -1 && this.isEscaped(end)) end = this.text.indexOf('"', end + 1);
    if (end === -1) throw this.refuse('a string does not end');
    let text = this.text.slice(this.at + 1, end);
    if (ESCAPED_OR_CONTROL.test(text)) text = this.unescape(this.text.slice(this.at, end + 1));
    if (!text.isWellFormed()) throw this.refuse('a string with a lone surrogate');
    this.at = end + 1;
    return text;
  }

  /** Whether an odd number of backslashes stands before the quote. */
  private isEscaped(quote: number): boolean {
    let start = quote;
    while (this.text[start - 1] === '\\') start--;
    return (quote - start) % 2 === 1;
  }

  private unescape(literal: string): string {
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw this.refuse('not a valid string');
    }
  }

  private number(): unknown {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw this.refuse(this.at >= this.text.length ? 'it ends too early' : 'not a JSON value');
    this.at = NUMBER.lastIndex;
    if (this.numbers === 'literal') return new NumberLiteral(match[0]);
    const value = Number(match[0]);
    if (!Number.isSafeInteger(value) || String(value) !== match[0])
      throw this.refuse('only plain integers are allowed');
    return value;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.refuse('not a JSON value');
    this.at += word.length;
    return value;
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private space(): void {
    const code = this.text.charCodeAt(this.at);
    if (code > 0x20) return;
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  private refuse(what: string): AegisError {
    return new AegisError('AEGIS_BUNDLE_JSON', `${what} (at character ${this.at})`);
  }
}
