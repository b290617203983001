import { RE2JS } from 're2js';
import { compileMatcher, type LinearMatcher, type Program } from './linear-matcher.ts';
import { TYPE, type WasmValues } from './wasm-values.ts';

/**
 * The host's `regex.find_n(pattern, value, number)`: Go's `regexp.FindAllString`, as stock OPA answers it
 * (opa 1.22, v1/topdown/regex.go). Patterns are compiled once, matching is linear in the text, and values are read and
 * built in place. A wrong type or an invalid pattern is a builtin error, which makes the call undefined.
 */

/** Patterns kept compiled, in the cache and by address. */
const MAX_PATTERNS = 1_024;
const INTEGER = /^-?(?:0|[1-9][0-9]{0,17})$/;

/** What is used of re2js's engine; `findAllUTF8Index` is its port of Go's FindAllIndex. */
interface Engine {
  prog: Program;
  findAllUTF8Index(text: Uint8Array, n: number): readonly (readonly number[])[] | null;
}

interface CompiledPattern {
  matcher: LinearMatcher | undefined;
  engine: Engine;
}

/** Compiled patterns, shared by all instances of the process: the least recently used falls out. Null = invalid. */
export class PatternCache {
  readonly #patterns = new Map<string, CompiledPattern | null>();
  readonly #max: number;

  constructor(max = MAX_PATTERNS) {
    this.#max = max;
  }

  get size(): number {
    return this.#patterns.size;
  }

  get(pattern: string): CompiledPattern | null {
    let compiled = this.#patterns.get(pattern);
    if (compiled === undefined) {
      compiled = compile(pattern);
      if (this.#patterns.size >= this.#max) this.#patterns.delete(this.#patterns.keys().next().value as string);
    } else this.#patterns.delete(pattern);
    this.#patterns.set(pattern, compiled);
    return compiled;
  }
}

function compile(pattern: string): CompiledPattern | null {
  try {
    const engine = RE2JS.compile(pattern).re2Input as unknown as Engine;
    return { engine, matcher: compileMatcher(engine.prog) };
  } catch {
    return null;
  }
}

/** Go's IntOperand: a number whose text is an integer; undefined for anything else. */
function integerOperand(values: WasmValues, address: number): number | undefined {
  if (values.bytes[address] !== TYPE.number) return undefined;
  const text = values.numberText(address);
  return INTEGER.test(text) ? Number(text) : undefined;
}

/** `regex.find_n` for one instance. Addresses of OPA values in and out; 0 is undefined. */
export class RegexFindN {
  readonly #values: WasmValues;
  readonly #cache: PatternCache;
  /** Compiled patterns by the address of a pattern that cannot change while the instance lives. */
  readonly #byAddress = new Map<number, CompiledPattern | null>();

  constructor(values: WasmValues, cache: PatternCache) {
    this.#values = values;
    this.#cache = cache;
  }

  call(patternAddress: number, valueAddress: number, countAddress: number): number {
    const values = this.#values;
    values.refresh();
    if (!values.isString(patternAddress) || !values.isString(valueAddress)) return 0;
    const count = integerOperand(values, countAddress);
    const pattern = this.#pattern(patternAddress);
    if (count === undefined || pattern === null) return 0;
    if (count === 0) return values.emptyArray();
    const start = values.stringStart(valueAddress);
    const end = start + values.stringLength(valueAddress);
    const matches = pattern.matcher?.test(values.bytes, start, end);
    if (matches === false) return values.emptyArray();
    if (matches === true && pattern.matcher?.wholeText) return values.arrayOf(valueAddress);
    const spans = pattern.engine.findAllUTF8Index(values.bytes.subarray(start, end), count);
    return spans === null ? values.emptyArray() : values.arrayOfSpans(start, spans);
  }

  #pattern(address: number): CompiledPattern | null {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    const pattern = this.#cache.get(this.#values.string(address));
    if (!this.#values.isConstant(address)) return pattern;
    if (this.#byAddress.size >= MAX_PATTERNS) this.#byAddress.clear();
    this.#byAddress.set(address, pattern);
    return pattern;
  }
}
