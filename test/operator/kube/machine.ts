import { KubeError } from '../../../operator/kube/kube-error.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import type { Clock } from '../../../runtime/time/clock.ts';
import type { FakeClock } from './fake-clock.ts';

/** What the network does to one call, in the order of the calls. */
export interface Fate {
  /** ms until the server sees it. */
  there: number;
  /** ms until the answer is back. */
  back: number;
  lost: 'no' | 'request' | 'answer';
}

const PROMPT: Fate = { there: 1, back: 1, lost: 'no' };
const never = new AbortController().signal;

/** A computer with a clock of its own speed, which can be stopped, and a network that does as it likes. */
export class Machine implements Clock {
  readonly #time: FakeClock;
  readonly #rate: number;
  readonly #offset: number;
  #frozen: PromiseWithResolvers<void> | undefined;
  /** Of the next calls; prompt ones afterwards. */
  readonly fates: Fate[] = [];
  connected = true;

  constructor(time: FakeClock, { rate = 1, offset = 0 }: { rate?: number; offset?: number } = {}) {
    this.#time = time;
    this.#rate = rate;
    this.#offset = offset;
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  now(): number {
    return this.#time.now() + this.#offset;
  }

  monotonic(): number {
    return this.#time.monotonic() * this.#rate;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.#time.sleep(ms / this.#rate, signal);
    await this.#frozen?.promise;
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  /** SIGCONT. */
  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** The same API server from here. */
  client(server: KubeClient): KubeClient {
    const call =
      <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        const fate = this.fates.shift() ?? PROMPT;
        const timeout = (args.at(-1) as { timeout?: number } | undefined)?.timeout ?? 30_000;
        await this.#pass(fate.there, fate.lost === 'request' ? timeout : undefined);
        const answer = await method(...args).then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        );
        await this.#pass(fate.back, fate.lost === 'answer' ? timeout : undefined);
        if ('error' in answer) throw answer.error;
        return answer.value;
      };
    return {
      ...server,
      get: call(server.get.bind(server)) as KubeClient['get'],
      create: call(server.create.bind(server)) as KubeClient['create'],
      replace: call(server.replace.bind(server)) as KubeClient['replace'],
    };
  }

  async #pass(ms: number, lostAfter: number | undefined): Promise<void> {
    const lost = lostAfter ?? (this.connected ? undefined : 3_000);
    await this.#time.sleep(lost ?? ms, never);
    await this.#frozen?.promise;
    if (lost !== undefined) throw new KubeError(0, 'Timeout', 'lost on the way');
  }
}
