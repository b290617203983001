import { AegisError } from '../../policy/errors.ts';
import { applyEdits, type Edit } from './edits.ts';
import { findText, type Interval } from './find-text.ts';
import type { Encoding } from './fold-text.ts';
import type { TextRules } from './text-rules.ts';

/** A piece of the text about which all is known. */
export interface Settled {
  from: number;
  to: number;
  /** The raw characters of `[from, to)`. */
  raw: string;
  /** Their positions count from the beginning of the whole text. */
  edits: Edit[];
}

/** While more than this is held, pieces are gathered before they are looked at again. */
const LAZY_ABOVE = 1024;

/**
 * Looks through one text that comes in pieces. What it says about the text does not depend on where the pieces begin;
 * it holds back what the detectors cannot tell yet, at most `maxHeld` characters.
 */
export class TextScan {
  readonly #rules: TextRules;
  readonly #encoding: Encoding;
  readonly #maxHeld: number;
  /** Kept text: what is still needed to read on, then what is held. */
  #buffer: string;
  /** Index of the first held character in `#buffer`. */
  #held: number;
  /** Position of `#buffer[0]` in the text; negative for the context. */
  #base: number;
  /** Length of `#buffer` when it was last looked at. */
  #seen = 0;
  #cut = false;

  /** `context` is raw text that stands before: a label. */
  constructor(rules: TextRules, encoding: Encoding, maxHeld: number, context = '') {
    this.#rules = rules;
    this.#encoding = encoding;
    this.#maxHeld = maxHeld;
    this.#buffer = context;
    this.#held = context.length;
    this.#base = -context.length;
  }

  /** Position up to which everything was settled. */
  get position(): number {
    return this.#base + this.#held;
  }

  /** Something is held. */
  get holds(): boolean {
    return this.#held < this.#buffer.length;
  }

  push(raw: string): Settled {
    this.#buffer += raw;
    const held = this.#buffer.length - this.#held;
    if (held > LAZY_ABOVE && held <= this.#maxHeld && (this.#buffer.length - this.#seen) * 4 < held)
      return this.#none();
    const settled = this.#look(false, false);
    if (this.#buffer.length - this.#held > this.#maxHeld) {
      throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', 'What may be a match is longer than is held.');
    }
    return settled;
  }

  /** Nothing follows. */
  end(): Settled {
    return this.#look(true, false);
  }

  /**
   * Lets go of everything although more may follow: what may be a part of a match is changed as if it were one, unless so
   * little of it is there that it tells nothing. Should it go on later, the rest of the match is changed.
   */
  release(): Settled {
    return this.#look(false, true);
  }

  #none(): Settled {
    return { from: this.position, to: this.position, raw: '', edits: [] };
  }

  #look(ended: boolean, release: boolean): Settled {
    const options = { encoding: this.#encoding, ended, cut: this.#cut, partial: release };
    const { intervals, settled, contextOf } = findText(this.#buffer, this.#rules.list, options);
    const from = this.#held;
    let to = ended || release ? this.#buffer.length : Math.max(from, settled);
    const ahead = intervals.filter(({ end }) => end > from);
    for (const { start, end } of ahead) if (start < to && end > to) to = Math.max(from, start);
    const result: Settled = {
      from: this.#base + from,
      to: this.#base + to,
      raw: this.#buffer.slice(from, to),
      edits: ahead.filter(({ end }) => end <= to).map((interval) => this.#edit(interval, from)),
    };
    const needed = ahead.filter(({ end }) => end > to).map(({ anchor }) => anchor);
    this.#keep(contextOf(Math.min(to, settled, ...needed)), to);
    return result;
  }

  #edit({ start, end, op }: Interval, from: number): Edit {
    const first = Math.max(from, start);
    const text = this.#rules.replacement(this.#buffer, first, end, op, this.#encoding);
    return { start: this.#base + first, end: this.#base + end, text, op };
  }

  #keep(first: number, to: number): void {
    if (first > 0) {
      this.#buffer = this.#buffer.slice(first);
      this.#base += first;
      this.#cut = true;
    }
    this.#held = to - first;
    this.#seen = this.#buffer.length;
  }
}

/** The piece with its changes made. */
export function settledText({ from, raw, edits }: Settled): string {
  return applyEdits(raw, edits, from);
}
