import { AegisError } from '../../../policy/errors.ts';
import { decodeText, replaceRaw } from '../find-text.ts';
import { REDACTED, type RedactOp, replaceText, stricter } from '../replace-text.ts';
import type { TextScan } from '../text-scan.ts';
import { Output } from './output.ts';
import { PointerTree } from './pointer-tree.ts';

/** Where a value stands. */
export interface JsonPlace {
  /** Name of the nearest member around it, and of the member around that one; '' where there is none. */
  readonly field: string;
  readonly outer: string;
  /** RFC 6901 pointer to it. */
  path(): string;
}

/** What becomes of strings and numbers that no pointer names. Strings are raw: the characters between the quotes. */
export interface JsonChanges {
  /** New content of a member's name; undefined leaves it. */
  key(raw: string): string | undefined;
  string(raw: string, place: JsonPlace): string | undefined;
  /** The strictest op of all that is found in a string. */
  strictest(raw: string, place: JsonPlace): RedactOp | undefined;
  /** New JSON text. */
  number(raw: string, place: JsonPlace): string | undefined;
  /** What becomes of the whole string or number because of its place. */
  whole(place: JsonPlace): RedactOp | undefined;
  /** For a string that comes in pieces; undefined leaves it. */
  scan(place: JsonPlace): TextScan | undefined;
}

export interface JsonRewriterOptions {
  tree: PointerTree;
  changes: JsonChanges;
  hash(text: string): string;
  maxHeld: number;
  /** Any values, each on a line of its own; else one value, or objects and arrays each on a line of its own. */
  lines?: boolean;
}

type State = 'between' | 'value' | 'firstElement' | 'firstKey' | 'key' | 'colon' | 'after' | 'string' | 'word';

interface Frame {
  array: boolean;
  index: number;
  field: string;
  outer: string;
  /** Pointers that go on below this container, and below its present member. */
  trees: readonly PointerTree[];
  member: readonly PointerTree[];
  drops: boolean;
  /** A member was written. */
  kept: boolean;
}

const MAX_DEPTH = 512;
const NONE: readonly PointerTree[] = [];
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const LITERALS: ReadonlySet<string> = new Set(['true', 'false', 'null']);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function malformed(what: string): never {
  throw new AegisError('AEGIS_RESPONSE_MALFORMED', `The response is not JSON: ${what}.`);
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const isWord = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) ||
  code === 0x2d ||
  code === 0x2b ||
  code === 0x2e;
const isHex = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
const SIMPLE_ESCAPES: ReadonlySet<string> = new Set('"\\/bfnrt');

/**
 * Rewrites JSON (RFC 8259) that comes in pieces: every byte outside of what is changed stays as it is. Strict: what is
 * not JSON ends in AEGIS_RESPONSE_MALFORMED, because a lenient reader behind the gateway could see something else in it.
 */
export class JsonRewriter implements JsonPlace {
  readonly #options: JsonRewriterOptions;
  readonly #output: Output;
  readonly #root: readonly PointerTree[];
  readonly #frames: Frame[] = [];
  #top: Frame | undefined;
  #state: State = 'between';
  #text = '';
  /** Where the content of the present string or word begins in this piece; -1 where it began in an earlier one. */
  #start = -1;
  /** In a string: 0, or what an escape still lacks: its letter (5) or hexadecimal digits. */
  #escape = 0;
  #isKey = false;
  /** What becomes of the present string or word as a whole. */
  #op: RedactOp | undefined;
  #scans = false;
  /** Depth of the container that is skipped, and what becomes of it; -1 where none is. */
  #skipDepth = -1;
  #skipOp: RedactOp = 'drop';
  #documents = 0;
  #separated = true;
  #containers = true;

  constructor(options: JsonRewriterOptions) {
    this.#options = options;
    this.#output = new Output(options.maxHeld);
    this.#root = options.tree.empty ? NONE : [options.tree];
  }

  get field(): string {
    return this.#top?.field ?? '';
  }

  get outer(): string {
    return this.#top?.outer ?? '';
  }

  path(): string {
    return this.#frames.map(({ array, index, field }) => `/${array ? index : field}`).join('');
  }

  write(text: string): string {
    this.#text = text;
    this.#output.begin(text);
    const { length } = text;
    for (let index = 0; index < length; ) {
      const state = this.#state;
      if (state === 'string') index = this.#readString(index);
      else if (state === 'word') index = this.#readWord(index);
      else if (isSpace(text.charCodeAt(index))) index = this.#readSpace(index);
      else index = this.#readToken(index);
    }
    this.#carry();
    return this.#output.finish();
  }

  /** Nothing follows. */
  end(): string {
    this.#text = '';
    this.#output.begin('');
    if (this.#state === 'word') this.#endWord(0);
    if (this.#state !== 'between') malformed('it ends too early');
    return this.#output.finish();
  }

  #readSpace(index: number): number {
    if (this.#text.charCodeAt(index) === 0x0a) this.#separated = true;
    return index + 1;
  }

  #readToken(index: number): number {
    const character = this.#text[index] as string;
    switch (this.#state) {
      case 'between':
        return this.#readDocument(character, index);
      case 'value':
        return this.#beginValue(character, index);
      case 'firstElement':
        return character === ']' ? this.#close(index) : this.#beginValue(character, index);
      case 'firstKey':
        if (character === '}') return this.#close(index);
        return this.#beginKey(character, index);
      case 'key':
        return this.#beginKey(character, index);
      case 'colon':
        if (character !== ':') malformed('a colon is missing');
        this.#state = 'value';
        return index + 1;
      default:
        return this.#readAfter(character, index);
    }
  }

  #readDocument(character: string, index: number): number {
    // RFC 7464: a record separator before each text; and a byte order mark before the first.
    if (character === '\u001e' || (character === '\ufeff' && this.#documents === 0)) {
      this.#separated = true;
      return index + 1;
    }
    const container = character === '{' || character === '[';
    const fits = this.#options.lines === true || this.#documents === 0 || (container && this.#containers);
    if (!this.#separated || !fits) malformed('something stands behind it');
    this.#containers = container;
    this.#separated = false;
    return this.#beginValue(character, index);
  }

  #readAfter(character: string, index: number): number {
    const frame = this.#top as Frame;
    if (character === (frame.array ? ']' : '}')) return this.#close(index);
    if (character !== ',') malformed('a comma is missing');
    frame.index += 1;
    if (frame.drops) this.#output.hold(index);
    this.#state = frame.array ? 'value' : 'key';
    return index + 1;
  }

  #beginKey(character: string, index: number): number {
    if (character !== '"') malformed('a name is missing');
    this.#isKey = true;
    this.#state = 'string';
    this.#start = index + 1;
    return index + 1;
  }

  #treesHere(): readonly PointerTree[] {
    const frame = this.#top;
    if (frame === undefined) return this.#root;
    if (!frame.array) return frame.member;
    return frame.trees.length === 0 ? NONE : PointerTree.below(frame.trees, String(frame.index));
  }

  #beginValue(character: string, index: number): number {
    const skipped = this.#output.skipping;
    const trees = skipped ? NONE : this.#treesHere();
    const op = trees.length === 0 ? undefined : PointerTree.opOf(trees);
    const container = character === '{' || character === '[';
    if (op === 'drop' || (op !== undefined && container)) this.#skip(index, op);
    else if (!skipped) this.#keep(index);
    if (container) return this.#open(character, index, trees);
    const inside = this.#output.skipping;
    const literal = /[a-z]/.test(character);
    this.#op = inside ? undefined : (op ?? (literal ? undefined : this.#options.changes.whole(this)));
    this.#scans = !inside && this.#op === undefined;
    this.#start = character === '"' ? index + 1 : index;
    this.#isKey = false;
    this.#escape = 0;
    if (character !== '"' && !isWord(character.charCodeAt(0))) malformed('a value is missing');
    this.#state = character === '"' ? 'string' : 'word';
    return index + 1;
  }

  #keep(index: number): void {
    const frame = this.#top;
    if (frame === undefined) return;
    this.#output.keep(index, !frame.kept);
    frame.kept = true;
  }

  #skip(index: number, op: RedactOp): void {
    if (op !== 'drop') this.#keep(index);
    this.#output.skip(index);
    this.#skipDepth = this.#frames.length;
    this.#skipOp = op;
  }

  #open(character: string, index: number, trees: readonly PointerTree[]): number {
    if (this.#frames.length >= MAX_DEPTH) malformed('it is nested too deeply');
    const array = character === '[';
    const skipped = this.#output.skipping;
    const drops = !skipped && PointerTree.drops(trees);
    const frame: Frame = {
      array,
      index: 0,
      field: array ? this.field : '',
      outer: array ? this.outer : this.field,
      trees: skipped ? NONE : trees,
      member: NONE,
      drops,
      kept: false,
    };
    this.#frames.push(frame);
    this.#top = frame;
    this.#state = array ? 'firstElement' : 'firstKey';
    if (drops) this.#output.hold(index + 1);
    return index + 1;
  }

  #close(index: number): number {
    this.#output.keep(index, true);
    this.#frames.pop();
    this.#top = this.#frames.at(-1);
    this.#endValue(index + 1);
    return index + 1;
  }

  #endValue(end: number): void {
    if (this.#skipDepth === this.#frames.length) {
      this.#output.skipEnds(end);
      if (this.#skipOp !== 'drop') this.#output.replace(end, JSON.stringify(REDACTED));
      this.#skipDepth = -1;
    }
    if (this.#top === undefined) {
      this.#documents += 1;
      this.#separated = false;
    }
    this.#state = this.#top === undefined ? 'between' : 'after';
  }

  #readString(from: number): number {
    const text = this.#text;
    const { length } = text;
    let index = from;
    while (index < length) {
      if (this.#escape > 0) {
        this.#readEscape(text.charCodeAt(index));
        index += 1;
        continue;
      }
      let code = text.charCodeAt(index);
      while (code !== QUOTE && code !== BACKSLASH && code >= 0x20 && index < length) {
        index += 1;
        code = text.charCodeAt(index);
      }
      if (index >= length) break;
      if (code === QUOTE) return this.#endString(index);
      if (code !== BACKSLASH) malformed('a control character stands in a string');
      this.#escape = 5;
      index += 1;
    }
    return index;
  }

  #readEscape(code: number): void {
    if (this.#escape < 5) {
      if (!isHex(code)) malformed('an escape is not one');
      this.#escape -= 1;
    } else if (code === 0x75) this.#escape = 4;
    else if (SIMPLE_ESCAPES.has(String.fromCharCode(code))) this.#escape = 0;
    else malformed('an escape is not one');
  }

  #endString(index: number): number {
    if (this.#isKey) this.#endKey(index);
    else {
      if (this.#op !== undefined) this.#replaceString(index, this.#op);
      else if (this.#scans) this.#changeString(index);
      this.#endValue(index + 1);
    }
    return index + 1;
  }

  #endKey(index: number): void {
    const frame = this.#top as Frame;
    const raw = this.#content(index);
    if (raw === undefined) throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', 'A JSON name is longer than is held.');
    this.#put(index, raw, this.#output.skipping ? undefined : this.#options.changes.key(raw));
    frame.field = decodeText(raw, 'json');
    frame.member = frame.trees.length === 0 ? NONE : PointerTree.below(frame.trees, frame.field);
    this.#state = 'colon';
  }

  /** The content of the string that ends here; undefined where it was longer than is held. */
  #content(index: number): string | undefined {
    return this.#start >= 0 ? this.#text.slice(this.#start, index) : this.#output.captured(index);
  }

  /** Writes the string's content, changed or not. */
  #put(index: number, raw: string, changed: string | undefined): void {
    if (this.#start >= 0) {
      if (changed === undefined) return;
      this.#output.copy(this.#start);
    }
    this.#output.replace(index, changed ?? raw);
  }

  #replaceString(index: number, op: RedactOp): void {
    const raw = this.#content(index);
    const { changes, hash } = this.#options;
    if (raw === undefined) {
      if (op === 'mask' || op === 'hash') {
        throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', `A string to ${op} is longer than is held.`);
      }
      this.#put(index, '', op === 'drop' ? '' : REDACTED);
      return;
    }
    // What a detector finds in it may ask for more than the pointer does.
    const found = changes.strictest(raw, this);
    const strict = found === undefined ? op : stricter(op, found);
    this.#put(index, raw, raw === '' ? undefined : replaceRaw(raw, strict, 'json', hash));
  }

  #changeString(index: number): void {
    if (this.#start >= 0) {
      const raw = this.#text.slice(this.#start, index);
      this.#put(index, raw, this.#options.changes.string(raw, this));
    } else this.#output.scanEnds(index);
  }

  #readWord(from: number): number {
    let index = from;
    while (index < this.#text.length && isWord(this.#text.charCodeAt(index))) index += 1;
    if (index < this.#text.length) this.#endWord(index);
    return index;
  }

  #endWord(index: number): void {
    const raw = this.#content(index);
    if (raw === undefined) throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', 'A JSON number is longer than is held.');
    const literal = LITERALS.has(raw);
    if (!literal && !NUMBER.test(raw)) malformed('a value is none');
    this.#put(index, raw, this.#changedWord(raw, literal));
    this.#endValue(index);
  }

  #changedWord(raw: string, literal: boolean): string | undefined {
    if (this.#op !== undefined) {
      const hidden = literal || this.#op === 'redact';
      return JSON.stringify(hidden ? REDACTED : replaceText(raw, this.#op, this.#options.hash));
    }
    return this.#scans && !literal ? this.#options.changes.number(raw, this) : undefined;
  }

  /** The piece ends inside a string or word whose content must not simply be copied. */
  #carry(): void {
    if (this.#start < 0) return;
    const start = this.#start;
    if (this.#state === 'word' || (this.#state === 'string' && (this.#isKey || this.#op !== undefined))) {
      this.#output.capture(start);
    } else if (this.#state === 'string' && this.#scans) {
      const scan = this.#options.changes.scan(this);
      if (scan === undefined) this.#scans = false;
      else this.#output.scan(start, scan);
    } else return;
    this.#start = -1;
  }
}
