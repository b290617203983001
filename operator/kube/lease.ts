import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from './kube-error.ts';
import { claimed, LEASE, type Lease, type LeaseHolder, newLease, released, renewed } from './lease-record.ts';
import { ObservedLease } from './observed-lease.ts';
import type { KubeClient } from './types.ts';

export interface LeaderElectionOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  /** Of this process and no other, before or after: with a random part. */
  identity: string;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** ms that others wait after the last renewal that they saw; 15 s when absent. */
  leaseDuration?: number;
  /** ms after the last renewal that we stop leading, well before the others stop waiting; 10 s when absent. */
  renewDeadline?: number;
  /** ms between attempts; 2 s when absent. */
  retryPeriod?: number;
  /** Written to the lease with every renewal: where the others find the leader. */
  annotations?(): Record<string, string>;
  /** Attempts that failed, for logs; not those that only came second. */
  onError?(error: unknown): void;
}

const MAX_CALL = 5_000;

/**
 * At most one process leads, as far as their clocks run at about the same speed: whoever leads stops `renewDeadline`
 * after it sent its last successful renewal, others claim `leaseDuration` after they saw the last change. Where even a
 * moment of two leaders does harm, a compare-and-swap on what is written must fence it: no lease can. (One such moment: the
 * lease is deleted by hand, and a process that has never seen it starts before its holder makes it again.)
 */
export class LeaderElection {
  readonly #options: Required<Omit<LeaderElectionOptions, 'onError'>> & Pick<LeaderElectionOptions, 'onError'>;
  readonly #observed = new ObservedLease();
  /** Monotonic ms until which we lead; in the past where we do not. */
  #validUntil = Number.NEGATIVE_INFINITY;

  /** @throws RangeError where the times do not ascend */
  constructor(options: LeaderElectionOptions) {
    const { leaseDuration = 15_000, renewDeadline = 10_000, retryPeriod = 2_000, annotations = () => ({}) } = options;
    if (!(0 < retryPeriod && retryPeriod < renewDeadline && renewDeadline < leaseDuration)) {
      throw new RangeError('retryPeriod < renewDeadline < leaseDuration must hold');
    }
    this.#options = { ...options, leaseDuration, renewDeadline, retryPeriod, annotations };
  }

  /** As last seen, on every replica that runs the election; undefined where nobody holds the lease. */
  holder(): LeaseHolder | undefined {
    return this.#observed.holder;
  }

  /** Whether this process leads at this very moment, however long it was stopped since somebody last looked. */
  get leading(): boolean {
    return this.#options.clock.monotonic() < this.#validUntil;
  }

  /**
   * Waits for its turn, then runs `lead` once. `released`: the outer signal was aborted or `lead` came to its end, and the
   * lease was given back. `lost`: the signal of `lead` is aborted because others may lead now; whatever still runs must
   * not write any more, so the program should end. @throws what `lead` throws
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<'released' | 'lost'> {
    const { clock, random, retryPeriod } = this.#options;
    while (!signal.aborted) {
      const claimedAt = await this.#tryClaim(signal);
      if (claimedAt !== undefined) return await this.#term(lead, claimedAt, signal);
      await clock.sleep(retryPeriod * (1 + 0.2 * random()), signal);
    }
    return 'released';
  }

  /** Monotonic ms before the claim was sent; undefined where somebody else leads, or nobody could be asked. */
  async #tryClaim(signal: AbortSignal): Promise<number | undefined> {
    const { clock, identity, leaseDuration, renewDeadline } = this.#options;
    try {
      await this.#look({ signal });
      const isOurs = this.#observed.holder?.identity === identity;
      if (signal.aborted || !(isOurs || this.#observed.isFree(clock.monotonic(), leaseDuration))) return undefined;
      const sentAt = clock.monotonic();
      // not given up with the signal: a claim of which nobody knows the outcome would make everybody wait
      await this.#write(isOurs ? this.#observed.nextTransitions - 1 : this.#observed.nextTransitions);
      // an answer that took that long may be a promise of which nothing is left
      return clock.monotonic() - sentAt < renewDeadline ? sentAt : undefined;
    } catch (error) {
      if (!signal.aborted && !isConflict(error)) this.#tell(error);
      return undefined;
    }
  }

  async #term(
    lead: (signal: AbortSignal) => Promise<void>,
    claimedAt: number,
    signal: AbortSignal,
  ): Promise<'released' | 'lost'> {
    const term = new AbortController();
    const stop = () => term.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    this.#validUntil = claimedAt + this.#options.renewDeadline;
    const ended = new AbortController();
    const work = Promise.resolve()
      .then(() => (term.signal.aborted ? undefined : lead(term.signal)))
      .finally(() => ended.abort());
    // told at the end, where nobody may be left to hear it
    work.catch(() => undefined);
    try {
      if ((await this.#keep(ended.signal)) === 'lost') {
        term.abort(new KubeError(0, 'LeaseLost', 'this process leads no more'));
        return 'lost';
      }
      await this.#release();
      await work;
      return 'released';
    } finally {
      this.#validUntil = Number.NEGATIVE_INFINITY;
      signal.removeEventListener('abort', stop);
    }
  }

  /** Renews the lease until the work has ended, which may be some time after it was asked to. */
  async #keep(ended: AbortSignal): Promise<'ended' | 'lost'> {
    const { clock, retryPeriod, renewDeadline } = this.#options;
    let period = retryPeriod;
    for (;;) {
      const pause = Math.min(period, this.#validUntil - clock.monotonic());
      await clock.sleep(pause, ended);
      // also where the process was stopped for long: its time is over before anything else is tried
      if (!this.leading) return 'lost';
      if (ended.aborted) return 'ended';
      const sentAt = clock.monotonic();
      const outcome = await this.#withinTerm((signal) => this.#renew(signal));
      if (outcome === 'lost' || !this.leading) return 'lost';
      if (outcome === 'renewed') this.#validUntil = sentAt + renewDeadline;
      period = outcome === 'renewed' ? retryPeriod : retryPeriod / 4;
    }
  }

  /** Gives up on a call, and on what it brings, when the time to lead is over. */
  async #withinTerm(call: (signal: AbortSignal) => Promise<'renewed' | 'failed' | 'lost'>) {
    const done = new AbortController();
    const late = new AbortController();
    const deadline = this.#options.clock
      .sleep(this.#validUntil - this.#options.clock.monotonic(), done.signal)
      .then(() => 'lost' as const);
    try {
      return await Promise.race([call(late.signal), deadline]);
    } finally {
      late.abort();
      done.abort();
    }
  }

  async #renew(signal: AbortSignal): Promise<'renewed' | 'failed' | 'lost'> {
    const { client, clock, identity, annotations } = this.#options;
    try {
      const { lease } = this.#observed;
      if (lease !== undefined) {
        const next = renewed(lease, clock.now(), annotations());
        const written = await client.replace<Lease>(LEASE, next, this.#limits(signal)).catch(ignoreOutdated);
        if (written !== undefined) {
          this.#observed.update(written, clock.monotonic());
          return 'renewed';
        }
      }
      await this.#look({ signal });
      const { lease: current, holder } = this.#observed;
      if (current !== undefined && holder?.identity !== identity) return 'lost';
      await this.#write(this.#observed.nextTransitions - 1, signal);
      return 'renewed';
    } catch (error) {
      if (!signal.aborted) this.#tell(error);
      return 'failed';
    }
  }

  async #look(options: { signal?: AbortSignal }): Promise<void> {
    const { client, clock, namespace, name } = this.#options;
    const lease = await client.get<Lease>(LEASE, { namespace, name }, this.#limits(options.signal));
    this.#observed.update(lease, clock.monotonic());
  }

  /** Makes the lease ours, as it was last seen or anew. @throws KubeError 409 where somebody else was faster */
  async #write(transitions: number, signal?: AbortSignal): Promise<void> {
    const { client, clock, namespace, name, identity, leaseDuration, annotations } = this.#options;
    const claim = { identity, now: clock.now(), leaseDuration, transitions, annotations: annotations() };
    const { lease } = this.#observed;
    const written = await (lease === undefined
      ? client.create<Lease>(LEASE, newLease(namespace, name, claim), this.#limits(signal))
      : client.replace<Lease>(LEASE, claimed(lease, claim), this.#limits(signal)));
    this.#observed.update(written, clock.monotonic());
  }

  async #release(): Promise<void> {
    const { client, clock, identity } = this.#options;
    for (let attempt = 1; attempt <= 2; attempt++) {
      const { lease, holder } = this.#observed;
      if (lease === undefined || holder?.identity !== identity) return;
      try {
        const written = await client.replace<Lease>(LEASE, released(lease, clock.now()), this.#limits());
        this.#observed.update(written, clock.monotonic());
        return;
      } catch (error) {
        this.#tell(error);
        if (!isConflict(error)) return;
        await this.#look({}).catch((thrown: unknown) => this.#tell(thrown));
      }
    }
  }

  #limits(signal?: AbortSignal): { timeout: number; signal?: AbortSignal } {
    const timeout = Math.min(MAX_CALL, this.#options.renewDeadline / 3);
    return { timeout, ...(signal && { signal }) };
  }

  #tell(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch (thrown) {
      process.emitWarning(`an error handler of an election threw: ${String(thrown)}`);
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.isConflict;
}

/** undefined: the lease is another one than we knew, or gone. */
function ignoreOutdated(error: unknown): undefined {
  if (error instanceof KubeError && (error.isConflict || error.isNotFound)) return undefined;
  throw error;
}
