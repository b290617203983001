import { SOURCE_LIMITS } from './limits.ts';

/** The first place where `text` is not JSON (RFC 8259), or undefined. Checks the grammar only. */
export function findJsonError(text: string): { offset: number; message: string } | undefined {
  const scanner = new Scanner(text);
  try {
    scanner.space();
    scanner.value(0);
    scanner.space();
    scanner.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { offset: error.offset, message: error.message };
  }
}

class JsonError extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not contain control characters
const STRING = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  space(): void {
    this.#skip(SPACE);
  }

  end(): void {
    if (this.#at < this.#text.length) this.#fail('Nothing may follow the JSON value.');
  }

  value(depth: number): void {
    if (depth > SOURCE_LIMITS.depth) this.#fail(`JSON is nested more than ${SOURCE_LIMITS.depth} deep.`);
    const first = this.#text[this.#at];
    if (first === '{') this.#items('}', () => this.#member(depth));
    else if (first === '[') this.#items(']', () => this.value(depth + 1));
    else if (!this.#skip(first === '"' ? STRING : SCALAR)) this.#fail('A JSON value is expected.');
  }

  #member(depth: number): void {
    if (!this.#skip(STRING)) this.#fail('A key in double quotes is expected.');
    this.space();
    this.#expect(':');
    this.space();
    this.value(depth + 1);
  }

  #items(close: string, item: () => void): void {
    this.#at++;
    this.space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      item();
      this.space();
      if (this.#text[this.#at] === close) break;
      this.#expect(',');
      this.space();
    }
    this.#at++;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail(`The character ${character} is expected.`);
    this.#at++;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const matched = pattern.exec(this.#text);
    if (matched === null) return false;
    this.#at += matched[0].length;
    return true;
  }

  #fail(message: string): never {
    throw new JsonError(this.#at, message);
  }
}
