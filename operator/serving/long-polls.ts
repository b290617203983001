import type { Clock } from '../../runtime/time/clock.ts';

export interface LongPollOptions {
  clock: Clock;
  /** Requests that wait at once; 20,000 when absent. */
  maxWaiting?: number;
  /** Requests of one pod that wait at once: a newer one ends the oldest; 2 when absent. */
  perPod?: number;
}

/** `changed`: there is something new; `over`: the time is over, or a newer request has taken the place. */
/** `ended`: nobody waits here any more. */
export type PollOutcome = 'changed' | 'over' | 'gone' | 'ended';

interface Waiter {
  tenant: string;
  pod: string;
  /** ms, monotonic. */
  deadline: number;
  end(outcome: PollOutcome): void;
}

const MAX_WAITING = 20_000;
const PER_POD = 2;
/** How exactly ends of waits are kept, ms. */
const TICK = 250;

/**
 * Requests that wait for the next bundle of their tenant. A publication wakes its tenant's alone, one per turn of the
 * event loop: an answer costs more than a turn, and other work goes on in between.
 */
export class LongPolls {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #perPod: number;
  readonly #waiters = new Set<Waiter>();
  readonly #byTenant = new Map<string, Set<Waiter>>();
  readonly #byPod = new Map<string, Set<Waiter>>();
  #woken: Waiter[] = [];
  #draining = false;
  #ticking = false;
  #closed = false;

  constructor({ clock, maxWaiting = MAX_WAITING, perPod = PER_POD }: LongPollOptions) {
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
    this.#perPod = perPod;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** undefined: there is no room to wait. */
  wait(who: { tenant: string; pod: string; ms: number }, signal: AbortSignal): Promise<PollOutcome> | undefined {
    if (signal.aborted) return Promise.resolve('gone');
    if (this.#closed) return Promise.resolve('ended');
    const others = this.#byPod.get(who.pod);
    if (others !== undefined && others.size >= this.#perPod) [...others][0]?.end('over');
    if (this.#waiters.size >= this.#maxWaiting) return undefined;
    return new Promise((resolve) => {
      const gone = (): void => waiter.end('gone');
      const waiter: Waiter = {
        tenant: who.tenant,
        pod: who.pod,
        deadline: this.#clock.monotonic() + who.ms,
        end: (outcome) => {
          signal.removeEventListener('abort', gone);
          this.#remove(waiter);
          resolve(outcome);
        },
      };
      signal.addEventListener('abort', gone, { once: true });
      this.#waiters.add(waiter);
      put(this.#byTenant, waiter.tenant, waiter);
      put(this.#byPod, waiter.pod, waiter);
      if (!this.#ticking) void this.#tick();
    });
  }

  /** The tenant has something new. */
  wake(tenant: string): void {
    const waiters = this.#byTenant.get(tenant);
    if (waiters === undefined) return;
    for (const waiter of waiters) this.#woken.push(waiter);
    // those that come from now on know what is new
    this.#byTenant.delete(tenant);
    if (!this.#draining) this.#drain();
  }

  /** Ends all waits, and lets nobody wait any more: the program ends. */
  close(): void {
    this.#closed = true;
    for (const waiter of [...this.#waiters]) waiter.end('ended');
  }

  #drain(): void {
    this.#draining = true;
    const queue = this.#woken;
    this.#woken = [];
    let at = 0;
    const next = (): void => {
      // those who went away in the meantime cost no turn
      while (at < queue.length && !this.#waiters.has(queue[at] as Waiter)) at++;
      const waiter = queue[at++];
      if (waiter !== undefined) {
        waiter.end('changed');
        setImmediate(next);
      } else if (this.#woken.length > 0) this.#drain();
      else this.#draining = false;
    };
    setImmediate(next);
  }

  #remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    take(this.#byTenant, waiter.tenant, waiter);
    take(this.#byPod, waiter.pod, waiter);
  }

  async #tick(): Promise<void> {
    this.#ticking = true;
    const never = new AbortController().signal;
    while (this.#waiters.size > 0) {
      await this.#clock.sleep(TICK, never);
      const now = this.#clock.monotonic();
      for (const waiter of this.#waiters) if (waiter.deadline <= now) waiter.end('over');
    }
    this.#ticking = false;
  }
}

function put(map: Map<string, Set<Waiter>>, key: string, waiter: Waiter): void {
  const waiters = map.get(key) ?? new Set();
  map.set(key, waiters.add(waiter));
}

function take(map: Map<string, Set<Waiter>>, key: string, waiter: Waiter): void {
  const waiters = map.get(key);
  waiters?.delete(waiter);
  if (waiters?.size === 0) map.delete(key);
}
