import { Transform, type TransformCallback } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { AegisError } from '../../policy/errors.ts';

/** Undoes a Content-Encoding (RFC 9110 section 8.4.1; zstd: RFC 8878) as the body flows. */

const CHUNK = 16 * 1024;
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize: CHUNK }),
  'x-gzip': () => createGunzip({ chunkSize: CHUNK }),
  deflate: () => createInflate({ chunkSize: CHUNK }),
  br: () => createBrotliDecompress({ chunkSize: CHUNK }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK }),
};

/** What no body expands to that is worth reading: more than this, at more than so many times its size. */
const FREE = 16 * 1024 * 1024;
const MAX_RATIO = 200;

export function isKnownEncoding(encoding: string): boolean {
  return Object.hasOwn(DECODERS, encoding);
}

/** Counts what goes in and stops what comes out of all proportion to it. */
class Expansion extends Transform {
  readonly #taken: () => number;
  #given = 0;

  constructor(taken: () => number) {
    super();
    this.#taken = taken;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#given += chunk.length;
    if (this.#given > FREE && this.#given > MAX_RATIO * this.#taken()) {
      done(new AegisError('AEGIS_RESPONSE_ENCODING', 'The response expands too far.'));
    } else done(null, chunk);
  }
}

/** The streams that a body in this encoding flows through, in order. */
export function contentDecoder(encoding: string): Transform[] {
  const decoder = DECODERS[encoding]?.();
  if (decoder === undefined) throw new AegisError('AEGIS_RESPONSE_ENCODING', 'The encoding is not known.');
  const expansion = new Expansion(() => (decoder as unknown as { bytesWritten: number }).bytesWritten);
  return [decoder, expansion];
}
