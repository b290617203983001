const LINE_END = 0x0a;

/**
 * Cuts a stream of bytes into lines, in time linear in their number: every byte is looked at once and copied at most
 * twice, wherever the pieces end. A line break cannot be part of another character in UTF-8.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the line that has not ended yet. */
  get pending(): number {
    return this.#length;
  }

  /** The lines that end in this piece, without empty ones. @throws RangeError where a line is too long */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      const line = this.#finish(chunk.subarray(start, end));
      start = end + 1;
      if (line !== '') yield line;
    }
    if (start < chunk.length) this.#keep(start === 0 ? chunk : chunk.subarray(start));
  }

  #keep(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#maxBytes) throw new RangeError(`a line has more than ${this.#maxBytes} bytes`);
    this.#pieces.push(piece);
  }

  #finish(piece: Buffer): string {
    if (this.#pieces.length === 0) {
      if (piece.length > this.#maxBytes) throw new RangeError(`a line has more than ${this.#maxBytes} bytes`);
      return piece.toString('utf8');
    }
    this.#keep(piece);
    const line = Buffer.concat(this.#pieces, this.#length).toString('utf8');
    this.#pieces = [];
    this.#length = 0;
    return line;
  }
}
