/**
 * A lazy deterministic automaton over re2js's compiled program, run directly on UTF-8 bytes: one table look-up a
 * character, so linear whatever the pattern and the text (R. Cox, "Regular Expression Matching in the Wild", 2010).
 * It answers only whether a text matches. What re2js alone can tell (where a match stands) stays with re2js, and so do
 * the patterns that this file does not know: `compileMatcher` then returns undefined.
 */

/** The parts of re2js's program that are read; checked against the pinned version by tests. */
export interface Instruction {
  op: number;
  out: number;
  arg: number;
  runes: ArrayLike<number>;
  matchRune(rune: number): boolean;
}
export interface Program {
  inst: Instruction[];
  start: number;
}

const OP = { alt: 1, altMatch: 2, capture: 3, emptyWidth: 4, fail: 5, match: 6, nop: 7, rune: 8, runeAnyNotNl: 11 };
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const FOLD_CASE = 1;
const MAX_RUNE = 0x10ffff;

const UNKNOWN = 0;
const DEAD = 1;
const ACCEPT = 2;
/**
 * Bounds what one pattern may take in its lifetime, in table entries and instructions remembered. A pattern whose
 * states need more (a text can make them explode) gets no new ones: where one is missing, re2js matches.
 */
const BUDGET = 1 << 16;
const INITIAL_STATES = 16;

const isRuneOp = (op: number) => op >= OP.rune && op <= OP.runeAnyNotNl;

/** Splits the code points into classes that no instruction tells apart: the sorted first members of the classes. */
function classBounds(program: Program): Int32Array {
  const bounds = new Set<number>([0]);
  const add = (low: number, high: number) => {
    bounds.add(low);
    if (high < MAX_RUNE) bounds.add(high + 1);
  };
  for (const { op, runes, arg } of program.inst) {
    if (!isRuneOp(op)) continue;
    if (op === OP.runeAnyNotNl) add(0x0a, 0x0a);
    if (runes.length === 1) {
      const rune = runes[0] as number;
      add(rune, rune);
      if ((arg & FOLD_CASE) !== 0) addFolds(rune, add);
    } else for (let i = 0; i + 1 < runes.length; i += 2) add(runes[i] as number, runes[i + 1] as number);
  }
  return Int32Array.from(bounds).sort();
}

/** Single characters under (?i) stay unfolded in the program: an ASCII letter, and its partner beyond ASCII (K, s). */
function addFolds(rune: number, add: (low: number, high: number) => void): void {
  for (const other of [rune ^ 0x20, 0x017f, 0x212a]) add(other, other);
}

export class LinearMatcher {
  /** Every match spans the whole text (`^…$`), so knowing that it matches is knowing the match. */
  readonly wholeText: boolean;
  readonly #program: Program;
  readonly #bounds: Int32Array;
  readonly #classes: number;
  readonly #ascii = new Uint16Array(128);
  readonly #states: number[][] = [[], [], []];
  readonly #ids = new Map<string, number>();
  readonly #unanchored: number[];
  readonly #matchesEmpty: boolean;
  #budget = BUDGET;
  #next: Int32Array;
  #acceptsAtEnd = new Uint8Array(INITIAL_STATES);
  readonly #start: number;

  constructor(program: Program) {
    this.#program = program;
    this.#bounds = classBounds(program);
    this.#classes = this.#bounds.length;
    this.#next = new Int32Array(INITIAL_STATES * this.#classes);
    for (let rune = 0; rune < 128; rune++) this.#ascii[rune] = this.#searchClass(rune);
    const atStart = this.#closure([program.start], BEGIN_TEXT);
    this.#unanchored = this.#closure([program.start], 0);
    this.#matchesEmpty = this.#accepts(this.#closure([program.start], BEGIN_TEXT | END_TEXT));
    const outs = program.inst.filter(({ op }) => isRuneOp(op)).map(({ out }) => out);
    const canEndEarly = this.#accepts(this.#closure([program.start, ...outs], BEGIN_TEXT));
    this.wholeText = !canEndEarly && this.#unanchored.length === 0;
    this.#start = this.#state(atStart);
  }

  /** Does the UTF-8 text in `bytes` from `start` to `end` match? Undefined: the automaton grew too large. */
  test(bytes: Uint8Array, start: number, end: number): boolean | undefined {
    if (this.#start === ACCEPT) return true;
    if (start === end) return this.#matchesEmpty;
    const ascii = this.#ascii;
    const classes = this.#classes;
    let next = this.#next;
    let state = this.#start;
    for (let i = start; i < end; ) {
      const byte = bytes[i] as number;
      let cls: number;
      if (byte < 0x80) {
        cls = ascii[byte] as number;
        i++;
      } else {
        cls = this.#searchClass(decode(bytes, i, byte));
        i += byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      }
      let target = next[state * classes + cls] as number;
      if (target === UNKNOWN) {
        target = this.#step(state, cls);
        if (target === UNKNOWN) return undefined;
        next = this.#next;
      }
      if (target <= ACCEPT) return target === ACCEPT;
      state = target;
    }
    return this.#acceptsAtEnd[state] === 1;
  }

  #searchClass(rune: number): number {
    let low = 0;
    let high = this.#bounds.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#bounds[middle] as number) <= rune) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** All instructions reachable without consuming; only those that consume, assert the end, or match are kept. */
  #closure(from: readonly number[], assertions: number): number[] {
    const seen = new Set<number>();
    const stack = [...from];
    const kept: number[] = [];
    for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
      if (seen.has(pc)) continue;
      seen.add(pc);
      const { op, out, arg } = this.#program.inst[pc] as Instruction;
      if (op === OP.alt || op === OP.altMatch) stack.push(arg, out);
      else if (op === OP.capture || op === OP.nop) stack.push(out);
      else if (op === OP.emptyWidth) {
        const open = arg & ~assertions;
        if (open === 0) stack.push(out);
        else if (open === END_TEXT) kept.push(pc);
      } else if (op !== OP.fail) kept.push(pc);
    }
    return kept.sort((a, b) => a - b);
  }

  #accepts(pcs: readonly number[]): boolean {
    return pcs.some((pc) => this.#program.inst[pc]?.op === OP.match);
  }

  /** The number of the state for this set of instructions; UNKNOWN when there are too many states. */
  #state(pcs: number[]): number {
    if (this.#accepts(pcs)) return ACCEPT;
    if (pcs.length === 0 && this.#unanchored.length === 0) return DEAD;
    const key = pcs.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#states.length;
    const cost = this.#classes + pcs.length;
    if (cost > this.#budget) return UNKNOWN;
    this.#budget -= cost;
    if (id >= this.#acceptsAtEnd.length) this.#grow();
    this.#states.push(pcs);
    this.#ids.set(key, id);
    this.#acceptsAtEnd[id] = this.#accepts(this.#closure(pcs, END_TEXT)) ? 1 : 0;
    return id;
  }

  #grow(): void {
    const next = new Int32Array(this.#next.length * 2);
    next.set(this.#next);
    this.#next = next;
    const accepts = new Uint8Array(this.#acceptsAtEnd.length * 2);
    accepts.set(this.#acceptsAtEnd);
    this.#acceptsAtEnd = accepts;
  }

  #step(state: number, cls: number): number {
    const rune = this.#bounds[cls] as number;
    const outs: number[] = [];
    for (const pc of this.#states[state] as number[]) {
      const instruction = this.#program.inst[pc] as Instruction;
      if (isRuneOp(instruction.op) && instruction.matchRune(rune)) outs.push(instruction.out);
    }
    const reached = new Set([...this.#closure(outs, 0), ...this.#unanchored]);
    const target = this.#state([...reached].sort((a, b) => a - b));
    this.#next[state * this.#classes + cls] = target;
    return target;
  }
}

/** One code point of valid UTF-8 (RFC 3629); `lead` is the byte at `i` and not ASCII. */
function decode(bytes: Uint8Array, i: number, lead: number): number {
  const second = (bytes[i + 1] as number) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = (bytes[i + 2] as number) & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[i + 3] as number) & 0x3f);
}

function isKnown({ op, arg, runes }: Instruction): boolean {
  if (op < OP.alt || op > OP.runeAnyNotNl) return false;
  if (op === OP.emptyWidth) return (arg & ~(BEGIN_TEXT | END_TEXT)) === 0;
  return !isRuneOp(op) || runes.length !== 1 || (arg & FOLD_CASE) === 0 || (runes[0] as number) < 0x80;
}

/**
 * The matcher of a compiled program. Undefined where it looks at the neighbours of a position (line and word
 * assertions) or folds a single character beyond ASCII.
 */
export function compileMatcher(program: Program): LinearMatcher | undefined {
  return program.inst.every(isKnown) ? new LinearMatcher(program) : undefined;
}
