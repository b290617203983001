/**
 * A signal of its own for one call: aborted by its caller's signal, by time, or by hand. Unlike `AbortSignal.any` it
 * leaves nothing behind on a caller's signal that lives as long as the program.
 */
export class LinkedAbort {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #onOuter = () => this.#controller.abort(this.#outer?.reason);
  #timer: NodeJS.Timeout | undefined;
  #timedOut = false;

  constructor(outer: AbortSignal | undefined, timeout?: number) {
    this.#outer = outer;
    if (outer?.aborted) this.#onOuter();
    else outer?.addEventListener('abort', this.#onOuter, { once: true });
    if (timeout !== undefined) this.limit(timeout);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborted because its time was over. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  abort(): void {
    this.#controller.abort();
  }

  /** Gives it so many ms from now on, instead of what it had. */
  limit(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#controller.abort();
    }, ms);
  }

  /** No limit until the next one. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuter);
  }
}
