import { CONTEXT, type Findings } from './detectors/detector.ts';
import type { Encoding, FoldedText } from './fold-text.ts';
import { foldText } from './fold-text.ts';
import { type RedactOp, replaceText, stricter } from './replace-text.ts';
import type { TextRule } from './text-rule.ts';

/** A piece of the raw text that must be changed. */
export interface Interval {
  start: number;
  end: number;
  op: RedactOp;
  /** Where the text begins that makes a match of it. */
  anchor: number;
}

export interface Found {
  /** Ascending, not overlapping; what overlaps was joined, and the op that shows less holds for all of it. */
  intervals: Interval[];
  /** Raw index before which nothing changes, whatever text follows. */
  settled: number;
  /** The raw index from which text must be kept so that it can be read on from another one. */
  contextOf(index: number): number;
}

export interface FindOptions {
  encoding: Encoding;
  /** Nothing follows. */
  ended: boolean;
  /** Something came before `raw`, so that a match at its very beginning cannot be told. */
  cut?: boolean;
  /** Take what may become a match for one. */
  partial?: boolean;
}

/** What the rules find in a raw text. */
export function findText(raw: string, rules: readonly TextRule[], options: FindOptions): Found {
  const { encoding, ended, cut = false, partial = false } = options;
  const folded = foldText(raw, encoding, ended);
  const collector = new Collector(folded, cut ? CONTEXT : 0, partial);
  const { length } = folded.text;
  let settled = length;
  for (const { detector, op } of rules) {
    if (ended && length < detector.shortest) continue;
    collector.op = op;
    settled = Math.min(settled, detector.scan(folded.text, collector.from, ended, collector));
  }
  return {
    intervals: merge(collector.intervals),
    settled: rawPosition(folded, settled),
    contextOf: (index) => contextOf(folded, index),
  };
}

class Collector implements Findings {
  readonly intervals: Interval[] = [];
  readonly from: number;
  readonly #folded: FoldedText;
  readonly #partial: boolean;
  op: RedactOp = 'redact';

  constructor(folded: FoldedText, from: number, partial: boolean) {
    this.#folded = folded;
    this.from = from;
    this.#partial = partial;
  }

  match(start: number, end: number, anchor = start): void {
    if (start < this.from || end <= start) return;
    const folded = this.#folded;
    const op = this.op;
    this.intervals.push({
      start: rawStart(folded, start),
      end: rawEnd(folded, end),
      anchor: rawStart(folded, anchor),
      op,
    });
  }

  partial(start: number): void {
    if (this.#partial) this.match(start, this.#folded.text.length);
  }
}

function contextOf({ starts, text }: FoldedText, index: number): number {
  if (starts === undefined) return Math.max(0, index - CONTEXT);
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) < index) low = middle + 1;
    else high = middle;
  }
  return low <= CONTEXT ? 0 : (starts[low - CONTEXT] as number);
}

function rawStart({ starts }: FoldedText, index: number): number {
  return starts === undefined ? index : (starts[index] as number);
}

function rawEnd({ ends }: FoldedText, index: number): number {
  return ends === undefined ? index : (ends[index - 1] as number);
}

function rawPosition(folded: FoldedText, index: number): number {
  return index >= folded.text.length ? folded.complete : rawStart(folded, index);
}

export function merge(intervals: Interval[]): Interval[] {
  if (intervals.length < 2) return intervals;
  const merged: Interval[] = [];
  for (const interval of intervals.sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1);
    if (last === undefined || interval.start >= last.end) merged.push({ ...interval });
    else {
      last.end = Math.max(last.end, interval.end);
      last.anchor = Math.min(last.anchor, interval.anchor);
      last.op = stricter(last.op, interval.op);
    }
  }
  return merged;
}

/** What a raw piece stands for, without its encoding. */
export function decodeText(raw: string, encoding: Encoding): string {
  try {
    if (encoding === 'json') return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
    if (encoding === 'form') return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    // A piece of a value need not be a whole one.
  }
  return raw;
}

export function encodeText(text: string, encoding: Encoding): string {
  if (encoding === 'json') return JSON.stringify(text).slice(1, -1);
  return encoding === 'form' ? encodeURIComponent(text.toWellFormed()) : text;
}

/** The raw text that stands in the place of a raw text. */
export function replaceRaw(raw: string, op: RedactOp, encoding: Encoding, hash: (text: string) => string): string {
  return encodeText(replaceText(decodeText(raw, encoding), op, hash), encoding);
}
