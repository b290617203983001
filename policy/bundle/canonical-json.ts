import { AegisError } from '../errors.ts';
import { NumberLiteral } from '../number-literal.ts';
import { utf8 } from './encoding.ts';

/** Deeper documents are refused, so that neither we nor a reader of the bundle runs out of stack. */
export const MAX_JSON_DEPTH = 256;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they must be escaped
const NEEDS_CARE = /[\u0000-\u001f"\\\u2028\u2029\ud800-\udfff]/;

/**
 * Canonical JSON exactly as OPA re-serialises a document before it digests it (opa v1/bundle/hash.go `walk`, Go's
 * encoding/json without HTML escaping): keys sorted by their UTF-8 bytes, no white space, number literals kept
 * ({@link NumberLiteral} as spelled, other numbers as JavaScript prints them), U+2028 and U+2029 escaped.
 * @throws AegisError `AEGIS_JSON_VALUE` for what has no such form: NaN, infinities, -0, integers beyond 2^53,
 *   undefined, functions, symbols, class instances, lone surrogates, nesting deeper than {@link MAX_JSON_DEPTH}.
 */
export function canonicalJson(value: unknown): string {
  return new CanonicalWriter().write(value);
}

/** The same as UTF-8 bytes. */
export function canonicalJsonBytes(value: unknown): Uint8Array {
  return utf8(canonicalJson(value));
}

/** Order of strings by their UTF-8 bytes, which is the order of code points; differs from `<` only for surrogates. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointOrder(x) - codePointOrder(y);
  }
  return a.length - b.length;
}

/** Moves surrogates (code points from U+10000) behind U+E000..U+FFFF. */
function codePointOrder(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

class CanonicalWriter {
  private readonly keys = new Map<string, string>();
  /** Where we are, for error messages only. */
  private readonly path: (string | number)[] = [];
  private out = '';

  write(value: unknown): string {
    this.value(value);
    return this.out;
  }

  private value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.out += this.string(value);
        return;
      case 'number':
        this.out += this.number(value);
        return;
      case 'boolean':
        this.out += value ? 'true' : 'false';
        return;
      case 'bigint':
        this.out += value.toString();
        return;
      case 'object':
        if (value === null) this.out += 'null';
        else if (value instanceof NumberLiteral) this.out += value.text;
        else if (Array.isArray(value)) this.array(value);
        else this.object(value as Record<string, unknown>);
        return;
      default:
        throw this.refuse(`a value of type ${typeof value}`);
    }
  }

  private array(items: readonly unknown[]): void {
    this.enter();
    this.out += '[';
    const last = this.path.length;
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.out += ',';
      this.path[last] = i;
      this.value(items[i]);
    }
    this.path.length = last;
    this.out += ']';
  }

  private object(object: Record<string, unknown>): void {
    const prototype = Object.getPrototypeOf(object);
    // plain objects only, of any realm; a Map or Date would silently lose its content
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw this.refuse('an instance of a class');
    this.enter();
    this.out += '{';
    const last = this.path.length;
    let first = true;
    for (const key of this.sortedKeys(object)) {
      this.path[last] = key;
      this.out += first ? this.key(key) : `,${this.key(key)}`;
      first = false;
      this.value(object[key]);
    }
    this.path.length = last;
    this.out += '}';
  }

  private sortedKeys(object: Record<string, unknown>): string[] {
    const keys = Object.keys(object);
    let sorted = true;
    let special = false;
    let previous = '';
    for (const key of keys) {
      if (key < previous) sorted = false;
      if (!special && NEEDS_CARE.test(key)) special = true;
      previous = key;
    }
    if (special) keys.sort(compareUtf8);
    else if (!sorted) keys.sort();
    return keys;
  }

  private key(key: string): string {
    let text = this.keys.get(key);
    if (text === undefined) {
      text = `${this.string(key)}:`;
      this.keys.set(key, text);
    }
    return text;
  }

  private string(text: string): string {
    if (!NEEDS_CARE.test(text)) return `"${text}"`;
    if (!text.isWellFormed()) throw this.refuse('a string with a lone surrogate');
    return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  }

  private number(value: number): string {
    if (!Number.isFinite(value)) throw this.refuse(String(value));
    if (Object.is(value, -0)) throw this.refuse('negative zero');
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw this.refuse('an integer beyond 2^53, which may have lost digits');
    }
    return String(value);
  }

  private enter(): void {
    if (this.path.length >= MAX_JSON_DEPTH) throw this.refuse(`nesting deeper than ${MAX_JSON_DEPTH}`);
  }

  private refuse(what: string): AegisError {
    const shown = this.path.slice(0, 12).map((step) => `/${String(step).slice(0, 40)}`);
    return new AegisError('AEGIS_JSON_VALUE', `no canonical JSON for ${what} at ${shown.join('') || 'the root'}`);
  }
}
