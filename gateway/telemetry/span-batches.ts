/**
 * Spans that wait for the collector, as the bytes that will be sent: outside of the JavaScript heap, where thousands of
 * texts that live for a second would cost more in garbage collection than all the rest of a span.
 */
export interface SpanBatch {
  /** JSON texts with commas between them. */
  bytes: Buffer;
  length: number;
  count: number;
}

const FIRST_SIZE = 64 * 1024;
/** Bytes of UTF-8 for one unit of UTF-16 at most. */
const WIDEST = 3;
const SPARE = 2;
const COMMA = 0x2c;

export class SpanBatches {
  readonly #perBatch: number;
  readonly #spare: Buffer[] = [];
  #batches: SpanBatch[] = [];
  #count = 0;

  constructor(perBatch: number) {
    this.#perBatch = perBatch;
  }

  /** Spans in all. */
  get count(): number {
    return this.#count;
  }

  add(span: string): void {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.count >= this.#perBatch) {
      batch = { bytes: this.#spare.pop() ?? Buffer.allocUnsafeSlow(FIRST_SIZE), length: 0, count: 0 };
      this.#batches.push(batch);
    }
    const needed = batch.length + 1 + span.length * WIDEST;
    if (needed > batch.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * batch.bytes.length));
      batch.bytes.copy(larger, 0, 0, batch.length);
      batch.bytes = larger;
    }
    if (batch.count > 0) batch.bytes[batch.length++] = COMMA;
    batch.length += batch.bytes.write(span, batch.length, 'utf8');
    batch.count++;
    this.#count++;
  }

  /** The oldest batch, for its sender alone; undefined where there is none. */
  take(): SpanBatch | undefined {
    const batch = this.#batches.shift();
    if (batch !== undefined) this.#count -= batch.count;
    return batch;
  }

  /** A batch that was sent, or given up: its memory serves another. */
  recycle({ bytes }: SpanBatch): void {
    if (this.#spare.length < SPARE) this.#spare.push(bytes);
  }

  /** @returns how many spans there were. */
  clear(): number {
    const count = this.#count;
    this.#batches = [];
    this.#count = 0;
    return count;
  }
}
