import { Transform, type TransformCallback } from 'node:stream';
import { AegisError } from '../../policy/errors.ts';
import type { BodyRewriter } from './body-rewriter.ts';
import { Utf8Text } from './utf8-text.ts';

/** Milliseconds of silence after which text is no longer held for what might follow. */
const PAUSE = 500;

export interface BodyStreamOptions {
  rewriter: BodyRewriter;
  charset: 'utf8' | 'bytes';
  /** Milliseconds; 500 by default. */
  pause?: number | undefined;
}

/** The bytes of a decoded body through a rewriter. Ends with its error where the rewriter cannot go on. */
export class BodyStream extends Transform {
  readonly #rewriter: BodyRewriter;
  readonly #utf8: Utf8Text | undefined;
  readonly #pause: number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ rewriter, charset, pause = PAUSE }: BodyStreamOptions) {
    super();
    this.#rewriter = rewriter;
    this.#utf8 = charset === 'utf8' ? new Utf8Text() : undefined;
    this.#pause = pause;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#attempt(done, () => {
      const text = this.#utf8 === undefined ? chunk.toString('latin1') : this.#utf8.decode(chunk);
      // A reader that knows the bytes by another charset would see another text.
      if (text.includes('\0')) throw new AegisError('AEGIS_RESPONSE_MALFORMED', 'The response holds a NUL character.');
      const out = this.#rewriter.write(text);
      this.#wait();
      return this.#encode(out);
    });
  }

  override _flush(done: TransformCallback): void {
    this.#attempt(done, () => {
      this.#utf8?.end();
      return this.#encode(this.#rewriter.end());
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }

  #encode(text: string): Buffer {
    return Buffer.from(text, this.#utf8 === undefined ? 'latin1' : 'utf8');
  }

  #attempt(done: TransformCallback, work: () => Buffer): void {
    let out: Buffer;
    try {
      out = work();
    } catch (error) {
      clearTimeout(this.#timer);
      done(error as Error);
      return;
    }
    if (out.length > 0) this.push(out);
    done();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.#rewriter.waits) return;
    this.#timer = setTimeout(() => this.#release(), this.#pause);
    this.#timer.unref();
  }

  #release(): void {
    if (this.destroyed || this.writableEnded) return;
    try {
      const out = this.#encode(this.#rewriter.release());
      if (out.length > 0) this.push(out);
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}
