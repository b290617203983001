import type { Clock } from '../../runtime/time/clock.ts';
import type { EventRecorder } from '../kube/events.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient, KubeObject, ResourceType } from '../kube/types.ts';
import { WorkQueue, type WorkQueueStats } from '../kube/work-queue.ts';
import { agedAt, differenceOf, removals, sameStatus } from './status-difference.ts';
import { eventsOf } from './status-events.ts';
import { WritePace } from './write-pace.ts';
import { WrittenStatuses } from './written-statuses.ts';

/** Field manager of every status; never changed, or fields of the old one would stay for ever. */
export const STATUS_MANAGER = 'aegis-operator-status';

/** ms after which a status that has aged is looked at again. */
const AGED_AGAIN = 60_000;

export interface DesiredStatus {
  type: ResourceType;
  /** The cached object as it is now. */
  object: KubeObject;
  /** The whole status, made with the cached object's as the one before. */
  status: unknown;
  /** When time alone changes it, ms since the epoch. */
  wakeAt?: number;
}

export interface StatusWriterOptions {
  client: KubeClient;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** By `Kind namespace/name`, at the moment of writing; undefined: there is nothing to write about. */
  desired(kindKey: string): DesiredStatus | undefined;
  recorder?: Pick<EventRecorder, 'record'>;
  /** ms between two writes of one object that are no transition; 60 s when absent. */
  minInterval?: number;
  /** Writes a second that are no transition, of all objects together; 20 when absent. */
  detailRate?: number;
  onError?(kindKey: string, error: unknown): void;
}

export interface StatusWriterStats extends WorkQueueStats {
  /** Written since the start. */
  writes: number;
  /** Looked at and found as wanted. */
  unchanged: number;
  /** Put off because nobody waits for it. */
  deferred: number;
  /** Fields of other managers taken away. */
  repairs: number;
  conflicts: number;
  /** Answers that asked to wait. */
  throttled: number;
}

/**
 * Brings every status that is marked to what it should be: by server-side apply, where it differs, a transition at once
 * and anything else seldom. What is wanted is asked for at the moment of writing, so that marks may come in any number.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #queue: WorkQueue;
  readonly #pace: WritePace;
  readonly #written = new WrittenStatuses();
  readonly #counts = { writes: 0, unchanged: 0, deferred: 0, repairs: 0, conflicts: 0, throttled: 0 };
  /** Monotonic: the API server has asked to be left alone until then. */
  #quietUntil = 0;

  constructor(options: StatusWriterOptions) {
    const { clock, random, minInterval = 60_000, detailRate = 20 } = options;
    this.#options = options;
    this.#queue = new WorkQueue({ clock, random });
    this.#pace = new WritePace({ interval: minInterval, rate: detailRate });
  }

  /** Something that the status of `Kind namespace/name` is made from has changed. */
  mark(kindKey: string): void {
    this.#queue.add(kindKey);
  }

  /** A version of the object has come by the watch: looked at where somebody else has written it. */
  seen(kindKey: string, object: KubeObject): void {
    if (!this.#written.isLast(kindKey, object)) this.mark(kindKey);
  }

  /** Until the signal is aborted; only the leader does. */
  run({ workers }: { workers: number }, signal: AbortSignal): Promise<void> {
    const { onError } = this.#options;
    const handler = (key: string, each: AbortSignal) => this.#handle(key, each);
    return this.#queue.run({ workers, handler, ...(onError !== undefined && { onError }) }, signal);
  }

  stats(): StatusWriterStats {
    return { ...this.#queue.stats(), ...this.#counts };
  }

  async #handle(key: string, signal: AbortSignal): Promise<{ requeueAfter?: number }> {
    const { clock, desired } = this.#options;
    const quiet = this.#quietUntil - clock.monotonic();
    if (quiet > 0) await clock.sleep(quiet, signal);
    if (signal.aborted) return {};
    const wanted = desired(key);
    if (wanted === undefined) {
      this.#forget(key);
      return {};
    }
    const now = clock.monotonic();
    const lag = this.#written.lag(key, wanted.object, now);
    if (lag > 0) return { requeueAfter: lag };
    const wait = this.#waitFor(key, wanted, now);
    const again = wait > 0 ? wait : await this.#write(key, wanted, signal);
    if (again === 'gone') return {};
    const after = Math.min(again, this.#sleepOf(wanted));
    return Number.isFinite(after) ? { requeueAfter: after } : {};
  }

  /** ms until time alone makes another status of this one. */
  #sleepOf({ type, status, wakeAt = Number.POSITIVE_INFINITY }: DesiredStatus): number {
    const now = this.#options.clock.now();
    const aged = agedAt(type.kind, status);
    // the head is about to be renewed, and of that nobody is told
    return Math.min(Math.max(100, wakeAt - now), aged > now ? aged - now : AGED_AGAIN);
  }

  /** ms until the difference may be written; 0: now; infinite: there is none. */
  #waitFor(key: string, { type, object, status }: DesiredStatus, now: number): number {
    const difference = differenceOf(type.kind, status, statusOf(object));
    if (difference === 'none' || this.#written.isRepeated(key, object, status)) {
      this.#counts.unchanged++;
      return Number.POSITIVE_INFINITY;
    }
    if (difference === 'transition') return this.#written.contest(key, object, now);
    // what somebody else changed is no matter of age
    const young = agedAt(type.kind, statusOf(object)) - this.#options.clock.now();
    if (difference === 'ageing' && young > 0 && !this.#written.isTouched(key, object)) return young;
    const delay = this.#pace.delay(key, now);
    if (delay > 0) this.#counts.deferred++;
    return delay;
  }

  /** ms after which to try again; infinite: written. */
  async #write(key: string, wanted: DesiredStatus, signal: AbortSignal): Promise<number | 'gone'> {
    const { clock, recorder } = this.#options;
    let live: KubeObject;
    try {
      live = await this.#apply(wanted, signal);
    } catch (error) {
      return this.#failed(key, error);
    }
    this.#counts.writes++;
    const now = clock.monotonic();
    this.#pace.wrote(key, now);
    this.#written.wrote(key, live, wanted.status, now);
    for (const event of eventsOf(statusOf(wanted.object), wanted.status)) {
      recorder?.record({ regarding: wanted.object, ...event });
    }
    return Number.POSITIVE_INFINITY;
  }

  async #apply({ type, object, status }: DesiredStatus, signal: AbortSignal): Promise<KubeObject> {
    const { client } = this.#options;
    const { name, namespace, resourceVersion: seen } = object.metadata;
    const key = { name, ...(namespace !== undefined && { namespace }) };
    // compare and swap: what was made from an older version, or from an object that was made anew, must not get through
    const metadata = { ...key, ...(seen !== undefined && { resourceVersion: seen }) };
    const applied = { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata, status };
    const options = { fieldManager: STATUS_MANAGER, subresource: 'status', signal } as const;
    const live = await client.apply<KubeObject>(type, applied, { ...options, force: true });
    if (sameStatus(status, statusOf(live))) return live;
    const operations = removals(status, statusOf(live));
    if (operations.length === 0) return live;
    this.#counts.repairs++;
    const { resourceVersion } = live.metadata;
    const test = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion } as const;
    return client.jsonPatch<KubeObject>(type, key, [test, ...operations], options);
  }

  #failed(key: string, error: unknown): number | 'gone' {
    const { clock, random } = this.#options;
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) {
      this.#forget(key);
      return 'gone';
    }
    if (error.isConflict) {
      this.#counts.conflicts++;
      return 100 + 400 * random();
    }
    if (error.status !== 429 && error.retryAfter === undefined) throw error;
    this.#counts.throttled++;
    const wait = error.retryAfter ?? 1000;
    this.#quietUntil = Math.max(this.#quietUntil, clock.monotonic() + wait);
    return wait * (1 + random() / 4);
  }

  #forget(key: string): void {
    this.#written.forget(key);
    this.#pace.forget(key);
    this.#queue.forget(key);
  }
}

function statusOf(object: KubeObject): unknown {
  return (object as { status?: unknown }).status;
}
