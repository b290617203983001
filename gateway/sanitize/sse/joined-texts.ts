import { type Edit, joinEdits } from '../edits.ts';
import type { Encoding } from '../fold-text.ts';
import type { TextRules } from '../text-rules.ts';
import { type Settled, TextScan } from '../text-scan.ts';

/** A text of one event that may go on in the next ones. */
export interface Fragment {
  raw: string;
  edits: Edit[];
  /** Not all is known about it yet. */
  open: boolean;
}

interface Segment {
  fragment: Fragment;
  start: number;
  end: number;
}

interface Joined {
  key: string;
  scan: TextScan;
  segments: Segment[];
  length: number;
  /** Events since it last went on. */
  idle: number;
}

const MAX_TEXTS = 512;
/** A text that is not continued for so many events has ended. */
const MAX_IDLE = 16;

/**
 * Texts that come in fragments, one or none in each event, such as the deltas of a language model: all fragments with
 * the same key are searched as one text. A match over several fragments is replaced in the first of them and taken out
 * of the others.
 */
export class JoinedTexts {
  readonly #rules: TextRules;
  readonly #maxHeld: number;
  readonly #texts = new Map<string, Joined>();
  readonly #waiting = new Set<Joined>();

  constructor(rules: TextRules, maxHeld: number) {
    this.#rules = rules;
    this.#maxHeld = maxHeld;
  }

  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  add(key: string, fragment: Fragment, encoding: Encoding, context: string): void {
    let joined = this.#texts.get(key);
    if (joined === undefined) {
      joined = {
        key,
        scan: new TextScan(this.#rules, encoding, this.#maxHeld, context),
        segments: [],
        length: 0,
        idle: 0,
      };
      this.#makeRoom();
    } else this.#texts.delete(key);
    this.#texts.set(key, joined);
    const start = joined.length;
    joined.length += fragment.raw.length;
    joined.idle = 0;
    joined.segments.push({ fragment, start, end: joined.length });
    this.#settle(joined, joined.scan.push(fragment.raw));
  }

  /** An event is over. */
  turn(): void {
    for (const joined of this.#waiting) {
      joined.idle += 1;
      if (joined.idle > MAX_IDLE) this.#settle(joined, joined.scan.release());
    }
  }

  /** Lets all fragments go. */
  release(): void {
    for (const joined of this.#waiting) this.#settle(joined, joined.scan.release());
  }

  end(): void {
    for (const joined of this.#waiting) this.#settle(joined, joined.scan.end());
  }

  /** The text that went on longest ago makes room. */
  #makeRoom(): void {
    const [oldest] = this.#texts.values();
    if (this.#texts.size < MAX_TEXTS || oldest === undefined) return;
    this.#settle(oldest, oldest.scan.release());
    this.#texts.delete(oldest.key);
  }

  #settle(joined: Joined, { edits, to }: Settled): void {
    for (const edit of edits) {
      let text = edit.text;
      for (const { fragment, start, end } of joined.segments) {
        const first = Math.max(edit.start, start);
        const last = Math.min(edit.end, end);
        if (first >= last) continue;
        fragment.edits.push({ start: first - start, end: last - start, text, op: edit.op });
        text = '';
      }
    }
    const open = joined.segments.findIndex(({ end }) => end > to);
    for (const { fragment } of joined.segments.splice(0, open === -1 ? joined.segments.length : open)) {
      fragment.open = false;
      fragment.edits = joinEdits(fragment.edits);
    }
    if (joined.segments.length > 0) this.#waiting.add(joined);
    else this.#waiting.delete(joined);
  }
}
