import { Duplex, type Transform } from 'node:stream';

/** Several transforms as one stream: written to the first, read from the last, destroyed with the first error of any. */
export class StreamChain extends Duplex {
  readonly #links: readonly Transform[];
  readonly #first: Transform;
  readonly #last: Transform;

  /** `asOurs` turns the error of a link into the one that the chain ends with. */
  constructor(links: readonly [Transform, ...Transform[]], asOurs: (error: Error) => Error) {
    super();
    this.#links = links;
    this.#first = links[0];
    this.#last = links.at(-1) as Transform;
    links.forEach((link, index) => {
      link.on('error', (error) => this.destroy(asOurs(error)));
      const next = links[index + 1];
      if (next !== undefined) link.pipe(next);
    });
    this.#last.on('data', (chunk) => {
      if (!this.push(chunk)) this.#last.pause();
    });
    this.#last.on('end', () => this.push(null));
    this.#last.pause();
  }

  override _read(): void {
    this.#last.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#first.write(chunk, encoding)) done();
    else this.#first.once('drain', () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#first.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const link of this.#links) link.destroy();
    done(error);
  }
}
