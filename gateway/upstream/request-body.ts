import { Readable } from 'node:stream';

/**
 * The agent's body on its way to the tool. It stands between the two so that what happens to the tool's side never
 * destroys the agent's connection: when the tool answers early or fails, the rest of the upload is read and dropped, and
 * the answer still reaches the agent.
 */
export class RequestBody extends Readable {
  readonly #source: Readable;
  #started = false;
  #pulled = false;

  constructor(source: Readable) {
    super({ highWaterMark: 64 * 1024 });
    this.#source = source;
  }

  /** Something of it was asked for, and so may have left. */
  get pulled(): boolean {
    return this.#pulled;
  }

  /** Nobody will ask for it (any more): the agent may finish its upload. */
  drain(): void {
    if (!this.destroyed) this.destroy();
  }

  override _read(): void {
    if (this.#started) {
      this.#source.resume();
      return;
    }
    this.#started = true;
    const source = this.#source;
    if (source.destroyed && !source.readableEnded) {
      this.destroy(new Error('The agent broke off its request.'));
      return;
    }
    if (source.readableEnded) {
      this.push(null);
      return;
    }
    source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onBreak).on('close', this.#onBreak);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const source = this.#source;
    source.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onBreak).off('close', this.#onBreak);
    // Its errors are told by the agent's connection.
    source.on('error', () => undefined).resume();
    done(error);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#pulled = true;
    if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = (): void => {
    this.#pulled = true;
    this.push(null);
  };

  /** Without an end the body is not whole, and must not look like it. */
  readonly #onBreak = (error?: Error): void => {
    if (!this.readableEnded && !this.#source.readableEnded) {
      this.destroy(error ?? new Error('The agent broke off its request.'));
    }
  };
}
