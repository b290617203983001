import { AegisError } from '../../policy/errors.ts';

export interface GateOptions {
  /** How many run at once. */
  concurrency: number;
  /** How many may wait for their turn. */
  maxWaiting: number;
}

/** Bounds what goes on at once; the rest waits in order, and what is too much is refused. */
export class Gate {
  readonly #options: GateOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** @throws AegisError `AEGIS_SERVING_BUSY`, and what `work` throws. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.concurrency) this.#running++;
    else if (this.#waiting.length < this.#options.maxWaiting) {
      // whoever ends hands its place over
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else throw new AegisError('AEGIS_SERVING_BUSY', 'too many requests wait for the API server');
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
