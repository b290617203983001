import { NumberLiteral } from '../../policy/number-literal.ts';

/**
 * OPA's values in WebAssembly memory (opa 1.22, wasm/src/value.h; 32-bit, little-endian, not aligned), read without
 * the detour over JSON text that the SDK takes.
 *
 *   string  type u8 | free u8 | len u32 @4 | bytes* @8
 *   number  type u8 | repr u8 | i64 @8, or text* @8, len u32 @12
 *   array   type u8 | elements* @4 | len u32 @8 | cap u32 @12; an element is index* , value*
 *   object  type u8 | buckets* @4 | n u32 @8 | len u32 @12; a bucket's chain is key*, value*, next*
 *   set     the same; a bucket's chain is value*, next*
 */
export const TYPE = {
  null: 1,
  boolean: 2,
  number: 3,
  string: 4,
  array: 5,
  object: 6,
  set: 7,
  /** A constant of the compiled policy: never moved or changed. */
  internedString: 8,
  internedBoolean: 9,
} as const;

const REPR_INT = 1;
const MAX_DEPTH = 256;
/** Texts shorter than this are decoded faster by hand than by a call into C++. */
const SHORT_TEXT = 12;
const MAX_CACHED_STRINGS = 8_192;

/** Bytes of a built array's parts. */
const ARRAY = 16;
const ELEMENT = 8;
const NUMBER = 24;
const STRING = 12;

/** Node's fixed-encoding methods, which skip the choice of the encoding; not in its types. */
interface FastBuffer extends Buffer {
  utf8Write(text: string, offset: number): number;
  utf8Slice(start: number, end: number): string;
}

export class WasmValues {
  readonly #memory: WebAssembly.Memory;
  readonly #malloc: (size: number) => number;
  /** JS strings of OPA strings that cannot change while the instance lives, by address. */
  readonly #strings = new Map<number, string>();
  #constantStart = 0;
  #constantEnd = 0;
  /** Current views of the memory; a growing memory detaches them, see `refresh`. */
  bytes: FastBuffer;
  view: DataView;

  constructor(memory: WebAssembly.Memory, malloc: (size: number) => number) {
    this.#memory = memory;
    this.#malloc = malloc;
    this.bytes = Buffer.from(memory.buffer) as FastBuffer;
    this.view = new DataView(memory.buffer);
  }

  /** Declares the heap between the addresses (the loaded data) as constant, so that it may be cached by address. */
  setConstant(start: number, end: number): void {
    this.#constantStart = start;
    this.#constantEnd = end;
  }

  /** Can the value at the address never change or move while the instance lives? Policy constants and loaded data. */
  isConstant(address: number): boolean {
    if (address >= this.#constantStart && address < this.#constantEnd) return true;
    return this.bytes[address] === TYPE.internedString;
  }

  /** Must be called after anything that may have allocated: `memory.grow` detaches the old buffer. */
  refresh(): void {
    if (this.bytes.length !== 0) return;
    this.bytes = Buffer.from(this.#memory.buffer) as FastBuffer;
    this.view = new DataView(this.#memory.buffer);
  }

  /** Is there a string at the address? */
  isString(address: number): boolean {
    const type = this.bytes[address];
    return type === TYPE.string || type === TYPE.internedString;
  }

  stringStart(address: number): number {
    return this.view.getUint32(address + 8, true);
  }

  stringLength(address: number): number {
    return this.view.getUint32(address + 4, true);
  }

  /** Writes a text as UTF-8; the caller has made sure of the room. Returns the number of bytes. */
  write(text: string, address: number): number {
    return this.bytes.utf8Write(text, address);
  }

  text(start: number, length: number): string {
    if (length >= SHORT_TEXT) return this.bytes.utf8Slice(start, start + length);
    let text = '';
    for (let i = start; i < start + length; i++) {
      const byte = this.bytes[i] as number;
      if (byte >= 0x80) return this.bytes.utf8Slice(start, start + length);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  string(address: number): string {
    if (!this.isConstant(address)) return this.text(this.stringStart(address), this.stringLength(address));
    const known = this.#strings.get(address);
    if (known !== undefined) return known;
    const text = this.text(this.stringStart(address), this.stringLength(address));
    if (this.#strings.size < MAX_CACHED_STRINGS) this.#strings.set(address, text);
    return text;
  }

  /** The text of a number as it stands in JSON. */
  numberText(address: number): string {
    const { view } = this;
    if (view.getUint8(address + 1) === REPR_INT) return view.getBigInt64(address + 8, true).toString();
    return this.text(view.getUint32(address + 8, true), view.getUint32(address + 12, true));
  }

  /** A JS number where it is exactly that (up to 15 digits), otherwise the literal itself. */
  number(address: number): number | NumberLiteral {
    const { view } = this;
    if (view.getUint8(address + 1) === REPR_INT) {
      const high = view.getInt32(address + 12, true);
      // Within ± 2^52, where the sum below is exact.
      if (high >= -0x100000 && high < 0x100000) return high * 0x1_0000_0000 + view.getUint32(address + 8, true);
    }
    const text = this.numberText(address);
    return text.length <= 15 && !/[eE]/.test(text) ? Number(text) : new NumberLiteral(text);
  }

  /**
   * The whole value as JSON-like JS: objects, arrays (of a set too: in no particular order, but always the same),
   * strings, booleans, null, and numbers as `number` says. Keys that are no strings become their JSON text.
   */
  value(address: number, depth = 0): unknown {
    if (depth > MAX_DEPTH) throw new RangeError('the value is nested too deeply');
    switch (this.bytes[address]) {
      case TYPE.string:
      case TYPE.internedString:
        return this.string(address);
      case TYPE.number:
        return this.number(address);
      case TYPE.boolean:
      case TYPE.internedBoolean:
        return this.bytes[address + 1] !== 0;
      case TYPE.null:
        return null;
      case TYPE.array:
        return this.#array(address, depth);
      case TYPE.object:
        return this.#object(address, depth);
      case TYPE.set:
        return this.setMembers(address).map((member) => this.value(member, depth + 1));
      default:
        throw new RangeError('not an OPA value');
    }
  }

  #array(address: number, depth: number): unknown[] {
    const { view } = this;
    const elements = view.getUint32(address + 4, true);
    const length = view.getUint32(address + 8, true);
    const array: unknown[] = [];
    for (let i = 0; i < length; i++) array.push(this.value(view.getUint32(elements + i * 8 + 4, true), depth + 1));
    return array;
  }

  #object(address: number, depth: number): Record<string, unknown> {
    const { view } = this;
    const object: Record<string, unknown> = {};
    const buckets = view.getUint32(address + 4, true);
    const count = view.getUint32(address + 8, true);
    for (let i = 0; i < count; i++) {
      let element = view.getUint32(buckets + i * 4, true);
      while (element !== 0) {
        const keyAddress = view.getUint32(element, true);
        const key = this.isString(keyAddress) ? this.string(keyAddress) : this.#keyText(keyAddress);
        const value = this.value(view.getUint32(element + 4, true), depth + 1);
        if (key === '__proto__') {
          Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
        } else object[key] = value;
        element = view.getUint32(element + 8, true);
      }
    }
    return object;
  }

  #keyText(address: number): string {
    return this.bytes[address] === TYPE.number ? this.numberText(address) : JSON.stringify(this.value(address));
  }

  /** Addresses of the members of a set. */
  setMembers(address: number): number[] {
    const { view } = this;
    const members: number[] = [];
    const buckets = view.getUint32(address + 4, true);
    const count = view.getUint32(address + 8, true);
    for (let i = 0; i < count; i++) {
      let element = view.getUint32(buckets + i * 4, true);
      while (element !== 0) {
        members.push(view.getUint32(element, true));
        element = view.getUint32(element + 4, true);
      }
    }
    return members;
  }

  /** The value of an object's string key, or 0. Linear; for the small objects of a result set. */
  member(address: number, name: string): number {
    const { view } = this;
    const buckets = view.getUint32(address + 4, true);
    const count = view.getUint32(address + 8, true);
    for (let i = 0; i < count; i++) {
      let element = view.getUint32(buckets + i * 4, true);
      while (element !== 0) {
        const key = view.getUint32(element, true);
        if (this.isString(key) && this.string(key) === name) return view.getUint32(element + 4, true);
        element = view.getUint32(element + 8, true);
      }
    }
    return 0;
  }

  /** Allocates an empty array. */
  emptyArray(): number {
    const address = this.#malloc(ARRAY);
    this.refresh();
    this.#writeArray(address, 0, 0);
    return address;
  }

  /** Allocates `[value]`, where value is a value that lives as long as the evaluation. */
  arrayOf(value: number): number {
    const address = this.#malloc(ARRAY + ELEMENT + NUMBER);
    this.refresh();
    this.#writeArray(address, address + ARRAY, 1);
    this.#writeElement(address + ARRAY, address + ARRAY + ELEMENT, 0, value);
    return address;
  }

  /**
   * Allocates an array of strings that share the bytes of an existing text.
   * @param spans pairs of byte offsets [from, to) after `base`.
   */
  arrayOfSpans(base: number, spans: readonly (readonly number[])[]): number {
    const count = spans.length;
    const address = this.#malloc(ARRAY + count * (ELEMENT + NUMBER + STRING));
    this.refresh();
    const elements = address + ARRAY;
    const numbers = elements + count * ELEMENT;
    const strings = numbers + count * NUMBER;
    this.#writeArray(address, elements, count);
    spans.forEach(([from = 0, to = 0], i) => {
      const string = strings + i * STRING;
      this.view.setUint32(string, TYPE.string, true);
      this.view.setUint32(string + 4, to - from, true);
      this.view.setUint32(string + 8, base + from, true);
      this.#writeElement(elements + i * ELEMENT, numbers + i * NUMBER, i, string);
    });
    return address;
  }

  #writeArray(address: number, elements: number, length: number): void {
    const { view } = this;
    view.setUint32(address, TYPE.array, true);
    view.setUint32(address + 4, elements, true);
    view.setUint32(address + 8, length, true);
    view.setUint32(address + 12, length, true);
  }

  #writeElement(element: number, number: number, index: number, value: number): void {
    const { view } = this;
    view.setUint32(number, TYPE.number | (REPR_INT << 8), true);
    view.setUint32(number + 8, index, true);
    view.setUint32(number + 12, 0, true);
    view.setUint32(element, number, true);
    view.setUint32(element + 4, value, true);
  }
}
