import type { SourceLocation } from '../errors.ts';

/** A file's text with its line starts, which are found only when a position is asked for. */
export class SourceText {
  readonly text: string;
  readonly file: string;
  #lineStarts: number[] | undefined;

  /** A byte order mark at the start is dropped, as editors do not show it either. */
  constructor(text: string, file: string) {
    this.text = text.startsWith('\uFEFF') ? text.slice(1) : text;
    this.file = file;
  }

  /** 1-based line and column (UTF-16 code units) of an offset; offsets past the end mean the end. */
  at(offset: number): SourceLocation {
    const starts = this.#starts();
    const target = Math.max(0, Math.min(offset, this.text.length));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= target) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: target - (starts[low] as number) + 1 };
  }

  #starts(): number[] {
    if (this.#lineStarts === undefined) {
      const starts = [0];
      for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1)) starts.push(at + 1);
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }
}
