import { AegisError } from '../../policy/errors.ts';
import type { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { BundleStore, StoredState } from './bundle-store.ts';

/**
 * Puts the latest state on disk, one at a time, beside the work of the gateway: a slow disk delays no activation. What
 * failed is tried again until it succeeds or something newer takes its place.
 */
export class StateKeeper {
  readonly #store: BundleStore;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #done: (state: StoredState, error?: AegisError) => void;
  readonly #stopping = new AbortController();
  #next: StoredState | undefined;
  #hurry = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: {
    store: BundleStore;
    clock: Clock;
    backoff: Backoff;
    /** Called after every attempt. */
    done(state: StoredState, error?: AegisError): void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#backoff = options.backoff;
    this.#done = options.done;
  }

  save(state: StoredState): void {
    this.#next = state;
    this.#hurry.abort();
    this.#running ??= this.#run();
  }

  /** Ends after what is being written; nothing that failed is tried again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#next !== undefined) {
      const state = this.#next;
      this.#next = undefined;
      this.#hurry = new AbortController();
      const error = await this.#attempt(state);
      this.#done(state, error);
      if (error === undefined) this.#backoff.reset();
      else await this.#again(state);
    }
    this.#running = undefined;
  }

  async #again(state: StoredState): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const either = AbortSignal.any([this.#stopping.signal, this.#hurry.signal]);
    await this.#clock.sleep(this.#backoff.next(), either);
    if (!this.#stopping.signal.aborted) this.#next ??= state;
  }

  async #attempt(state: StoredState): Promise<AegisError | undefined> {
    try {
      await this.#store.save(state);
      return undefined;
    } catch (error) {
      return error instanceof AegisError
        ? error
        : new AegisError('AEGIS_BUNDLE_STORE', 'the bundle could not be kept', { cause: error });
    }
  }
}
