import type { RedactObligation } from '../../policy/decision/types.ts';
import { detectorNamed } from '../../policy/sanitize/detectors.ts';
import type { Detector } from './detectors/detector.ts';
import { DETECTOR_OF } from './detectors/registry.ts';
import { applyEdits, type Edit } from './edits.ts';
import { findText, replaceRaw } from './find-text.ts';
import { type Encoding, isPlain } from './fold-text.ts';
import { type RedactOp, stricter } from './replace-text.ts';
import type { TextRule } from './text-rule.ts';

const MAX_FIELDS = 4096;
/** Names that say nothing: the name of what they stand in says what they are. */
const GENERIC: ReadonlySet<string> = new Set(['value', 'id', 'number', 'text', '#text', '_text', 'content', '$t']);

/** All detectors of a list of redactions, and what field names mean to them. */
export class TextRules {
  readonly list: readonly TextRule[];
  readonly hash: (text: string) => string;
  /** Characters of the shortest match of any. */
  readonly #shortest: number;
  readonly #labels: readonly RegExp[];
  readonly #contexts = new Map<string, string>();
  readonly #owned = new Map<string, RedactOp | undefined>();

  constructor(redactions: readonly RedactObligation[], hash: (text: string) => string) {
    const byDetector = new Map<Detector, RedactOp>();
    for (const { detector: name, op } of redactions) {
      const known = name === undefined ? undefined : detectorNamed(name);
      if (known === undefined) continue;
      const detector = DETECTOR_OF[known];
      const other = byDetector.get(detector);
      byDetector.set(detector, other === undefined ? op : stricter(other, op));
    }
    this.list = [...byDetector].map(([detector, op]) => ({ detector, op }));
    this.hash = hash;
    this.#shortest = Math.min(Number.POSITIVE_INFINITY, ...this.list.map(({ detector }) => detector.shortest));
    this.#labels = this.list.flatMap(({ detector }) => detector.label ?? []);
  }

  get any(): boolean {
    return this.list.length > 0;
  }

  /**
   * Raw text that stands before a field's value where the name of the field is a label, else ''. `outer` is the name of
   * what the field stands in.
   */
  context(field: string, outer = ''): string {
    if (this.#labels.length === 0) return '';
    const key = GENERIC.has(field) ? `${outer} ${field}` : field;
    let context = this.#contexts.get(key);
    if (context === undefined) {
      // Read the same in every encoding.
      const text = `${key.replaceAll(/[^A-Za-z0-9_.# -]/g, ' ')}: `;
      context = this.#labels.some((label) => new RegExp(label.source, 'i').test(text)) ? text : '';
      if (this.#contexts.size >= MAX_FIELDS) this.#contexts.clear();
      this.#contexts.set(key, context);
    }
    return context;
  }

  /** What becomes of the whole value of a field that holds nothing but what a detector looks for. */
  owned(field: string): RedactOp | undefined {
    if (this.#owned.has(field)) return this.#owned.get(field);
    const ops = this.list.filter(({ detector }) => detector.owns?.(field) === true).map(({ op }) => op);
    const op = ops.length === 0 ? undefined : ops.reduce(stricter);
    if (this.#owned.size >= MAX_FIELDS) this.#owned.clear();
    this.#owned.set(field, op);
    return op;
  }

  /** The strictest op of all that is found in a whole raw value. */
  strictest(raw: string, encoding: Encoding, context: string): RedactOp | undefined {
    if (!this.#mayHold(raw, encoding, context)) return undefined;
    const { intervals } = findText(context + raw, this.list, { encoding, ended: true });
    const ops = intervals.filter(({ end }) => end > context.length).map(({ op }) => op);
    return ops.length === 0 ? undefined : ops.reduce(stricter);
  }

  /** What must be changed in a whole raw value. */
  edits(raw: string, encoding: Encoding, context = ''): Edit[] {
    if (!this.#mayHold(raw, encoding, context)) return [];
    const { intervals } = findText(context + raw, this.list, { encoding, ended: true });
    const edits: Edit[] = [];
    for (const interval of intervals) {
      const start = Math.max(0, interval.start - context.length);
      const end = interval.end - context.length;
      if (end > start)
        edits.push({ start, end, op: interval.op, text: this.replacement(raw, start, end, interval.op, encoding) });
    }
    return edits;
  }

  /** A quick look at a whole value: most hold nothing. */
  #mayHold(raw: string, encoding: Encoding, context: string): boolean {
    if (raw.length + context.length < this.#shortest) return false;
    if (context !== '' || !isPlain(raw, encoding, true)) return true;
    return this.list.some(
      ({ detector: { shortest, hint } }) => raw.length >= shortest && (hint === undefined || hint.test(raw)),
    );
  }

  replacement(raw: string, start: number, end: number, op: RedactOp, encoding: Encoding): string {
    return replaceRaw(raw.slice(start, end), op, encoding, this.hash);
  }

  /** A whole raw value with everything replaced that is found in it; undefined where nothing is. */
  rewrite(raw: string, encoding: Encoding, context = ''): string | undefined {
    const edits = this.edits(raw, encoding, context);
    return edits.length === 0 ? undefined : applyEdits(raw, edits);
  }
}
