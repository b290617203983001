import { AegisError } from '../../../policy/errors.ts';
import { settledText, type TextScan } from '../text-scan.ts';

/** Where the text goes that the rewriter has read. */
type Sink = 'out' | 'pending' | 'capture' | 'scan' | 'nowhere';

/**
 * The output of a rewriter that reads a text in pieces: everything is copied up to a mark, unless it is held until it is
 * known whether it stays, captured to be replaced, scanned, or skipped.
 */
export class Output {
  readonly #maxHeld: number;
  #text = '';
  #mark = 0;
  #out = '';
  #sink: Sink = 'out';
  #pending: string | undefined;
  #captured = '';
  #overflow = false;
  #scan: TextScan | undefined;
  #skipping = false;

  constructor(maxHeld: number) {
    this.#maxHeld = maxHeld;
  }

  begin(text: string): void {
    this.#text = text;
    this.#mark = 0;
    this.#out = '';
  }

  /** What may leave of what was read so far. */
  finish(): string {
    this.copy(this.#text.length);
    const out = this.#out;
    this.#out = '';
    return out;
  }

  /** Everything up to here goes where text goes at the moment. */
  copy(to: number): void {
    if (to <= this.#mark) return;
    const piece = this.#mark === 0 && to === this.#text.length ? this.#text : this.#text.slice(this.#mark, to);
    this.#mark = to;
    this.#put(piece);
  }

  /** Writes `text` instead of what stands between the mark and `to`. */
  replace(to: number, text: string): void {
    this.#mark = to;
    this.#put(text);
  }

  #put(piece: string): void {
    switch (this.#sink) {
      case 'out':
        this.#out += piece;
        return;
      case 'pending':
        this.#pending += piece;
        this.#bound(this.#pending ?? '');
        return;
      case 'capture':
        if (!this.#overflow) this.#captured += piece;
        if (this.#captured.length > this.#maxHeld) {
          this.#overflow = true;
          this.#captured = '';
        }
        return;
      case 'scan':
        if (this.#scan !== undefined) this.#out += settledText(this.#scan.push(piece));
    }
  }

  #bound(held: string): void {
    if (held.length > this.#maxHeld)
      throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', 'A JSON token is longer than is held.');
  }

  #resume(): void {
    if (this.#skipping) this.#sink = 'nowhere';
    else this.#sink = this.#pending === undefined ? 'out' : 'pending';
  }

  /** From here on text is held: what stands before a value that may be dropped. */
  hold(from: number): void {
    this.copy(from);
    if (this.#skipping) return;
    this.#pending = '';
    this.#resume();
  }

  /** Lets the held text out. `first` says that no sibling was written yet, so that no comma may be. */
  keep(to: number, first: boolean): void {
    if (this.#pending === undefined) return;
    this.copy(to);
    this.#out += first && this.#pending.startsWith(',') ? this.#pending.slice(1) : this.#pending;
    this.#pending = undefined;
    this.#resume();
  }

  /** Forgets the held text and skips what follows. */
  skip(from: number): void {
    this.copy(from);
    this.#pending = undefined;
    this.#skipping = true;
    this.#resume();
  }

  skipEnds(to: number): void {
    this.copy(to);
    this.#skipping = false;
    this.#resume();
  }

  get skipping(): boolean {
    return this.#skipping;
  }

  capture(from: number): void {
    this.copy(from);
    this.#captured = '';
    this.#overflow = false;
    this.#sink = 'capture';
  }

  /** What was captured; undefined where it was more than can be held. */
  captured(to: number): string | undefined {
    this.copy(to);
    this.#resume();
    return this.#overflow ? undefined : this.#captured;
  }

  scan(from: number, scan: TextScan): void {
    this.copy(from);
    this.#scan = scan;
    this.#sink = 'scan';
  }

  scanEnds(to: number): void {
    this.copy(to);
    if (this.#scan !== undefined) this.#out += settledText(this.#scan.end());
    this.#scan = undefined;
    this.#resume();
  }
}
