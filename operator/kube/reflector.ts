import { Backoff } from '../../runtime/time/backoff.ts';
import { KubeError } from './kube-error.ts';
import { LinkedAbort } from './linked-abort.ts';
import { ObjectCache } from './object-cache.ts';
import type { ReflectorEvent, ReflectorOptions, ReflectorStatus } from './reflector-types.ts';
import { isOlder } from './resource-version.ts';
import type { KubeObject, Store, WatchEvent } from './types.ts';

export type { ReflectorEvent, ReflectorOptions, ReflectorStatus } from './reflector-types.ts';

const BACKOFF = { base: 500, cap: 30_000 };
/** ms at most between attempts where nobody answers: a refused connection costs little, and a blind minute much. */
const UNREACHABLE_CAP = 5_000;
const RELIST_INTERVAL = 30 * 60_000;
/** Watches that end sooner are followed by a pause. */
const SHORT_WATCH = 10_000;
/** ms for the question after its version: the connection may be as dead as that of the watch. */
const CHECK_TIMEOUT = 10_000;
/** Seconds that a server may end a watch before its time. */
const END_SLACK = 5;

/**
 * A copy of a set of objects: list once, then watch from that version on, and on from the last version seen however a
 * watch ends. Never blind for longer than a watch may be silent, never wrong for longer than it takes to list again.
 */
export class Reflector<T extends KubeObject> implements Store<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #cache: ObjectCache<T>;
  readonly #backoff: Backoff;
  readonly #counts = { relists: 0, watches: 0, failures: 0, listenerFailures: 0 };
  #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #lastContact: number | undefined;
  #lastError: KubeError | undefined;
  /** Where to go on; undefined: list. */
  #version: string | undefined;
  #listedAt = 0;
  /** The server may not be the one that it was: ask for its version before going on from ours. */
  #doubtful = false;
  /** Somebody needs a list that began later than now; each waits for a list that knew of it. */
  readonly #asking = new Set<PromiseWithResolvers<void>>();
  /** Ends the watch, or the pause, of this turn. */
  #turning: LinkedAbort | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff({ ...BACKOFF, random: options.random });
    this.#cache = new ObjectCache((error) => this.#listenerFailed(error));
  }

  get synced(): boolean {
    return this.#isSynced;
  }

  get size(): number {
    return this.#cache.size;
  }

  get status(): ReflectorStatus {
    const { relists, watches, failures, listenerFailures } = this.#counts;
    return {
      synced: this.#isSynced,
      lastContact: this.#lastContact,
      items: this.#cache.size,
      relists,
      reconnects: Math.max(0, watches - 1),
      failures,
      listenerFailures,
      lastError: this.#lastError,
    };
  }

  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  values(): Iterable<T> {
    return this.#cache.values();
  }

  subscribe(listener: (key: string, object: T | undefined, previous: T | undefined) => void): () => void {
    return this.#cache.subscribe(listener);
  }

  /** Resolves after the first complete list. Rejects with the signal's reason where that comes first. */
  async whenSynced(signal: AbortSignal): Promise<void> {
    if (!this.#isSynced) await unlessAborted(this.#synced.promise, signal);
  }

  /**
   * Lists anew: resolves once the copy holds everything that was there when it was asked for. A watch may have gone deaf,
   * and nobody knows for a minute. Rejects with the signal's reason where that comes first.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const asked = Promise.withResolvers<void>();
    this.#asking.add(asked);
    this.#turning?.abort();
    try {
      await unlessAborted(asked.promise, signal);
    } finally {
      this.#asking.delete(asked);
    }
  }

  /** Keeps the copy up to date until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const turning = new LinkedAbort(signal);
      this.#turning = turning;
      try {
        const pause = await this.#turn(signal, turning.signal);
        if (pause > 0) await this.#options.clock.sleep(pause, turning.signal);
      } catch (error) {
        if (signal.aborted) break;
        const known = error instanceof KubeError ? error : new KubeError(0, 'Defect', String(error), { cause: error });
        const delay = this.#failed(known);
        if (delay > 0) await this.#options.clock.sleep(delay, turning.signal);
      } finally {
        turning.release();
      }
    }
    // nothing comes any more that could be waited for
    for (const asked of this.#asking) asked.resolve();
  }

  /** One list, where needed, and one watch. Returns ms to wait before the next. */
  async #turn(signal: AbortSignal, watching: AbortSignal): Promise<number> {
    const { clock, relistInterval = RELIST_INTERVAL } = this.#options;
    const isOld = clock.monotonic() - this.#listedAt >= relistInterval;
    if (isOld || this.#asking.size > 0) this.#version = undefined;
    if (this.#version !== undefined && this.#doubtful) await this.#checkServer(this.#version, signal);
    const version = this.#version ?? (await this.#list(signal));
    const began = clock.monotonic();
    let idle = false;
    try {
      await this.#watch(version, watching);
    } catch (error) {
      if (watching.aborted) return 0;
      // a server has no bookmarks to send of a kind of which it has seen no event since it started
      if (!(error instanceof KubeError && error.status === 0 && error.reason === 'Idle')) throw error;
      idle = true;
      this.#doubtful = true;
    } finally {
      // however it ended: it worked
      if (clock.monotonic() - began >= SHORT_WATCH) this.#backoff.reset();
    }
    if (watching.aborted) return 0;
    this.#status({ event: 'watch-ended', idle });
    return clock.monotonic() - began < SHORT_WATCH ? this.#backoff.next() : 0;
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, type, selection, clock, pageSize } = this.#options;
    const began = clock.monotonic();
    const asking = [...this.#asking];
    let mapped = false;
    const map = (item: T): T => {
      mapped = true;
      return this.#kept(item);
    };
    const page = pageSize === undefined ? {} : { pageSize };
    const { items, resourceVersion } = await client.list<T>(type, { ...selection, ...page, map }, { signal });
    signal.throwIfAborted();
    const changes = this.#cache.replace(mapped ? items : items.map((item) => this.#kept(item)));
    this.#counts.relists++;
    this.#version = resourceVersion;
    this.#listedAt = clock.monotonic();
    this.#doubtful = false;
    this.#contact();
    if (!this.#isSynced) {
      this.#isSynced = true;
      this.#synced.resolve();
    }
    for (const asked of asking) {
      this.#asking.delete(asked);
      asked.resolve();
    }
    this.#status({ event: 'listed', items: items.length, changes, took: this.#listedAt - began });
    return resourceVersion;
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { client, type, selection, clock, random } = this.#options;
    // the jitter keeps all watches of all replicas from ending at the same moment
    const timeoutSeconds = Math.floor(240 + 60 * random());
    const began = clock.monotonic();
    this.#counts.watches++;
    const request = { ...selection, resourceVersion: version, timeoutSeconds };
    for await (const event of client.watch<T>(type, request, signal)) {
      if (signal.aborted) return;
      this.#take(event);
    }
    // sooner than asked for: the server may be shutting down
    this.#doubtful = clock.monotonic() - began < (timeoutSeconds - END_SLACK) * 1000;
  }

  #take(event: WatchEvent<T>): void {
    const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    if (version === undefined || version === '') throw new KubeError(0, 'InvalidEvent', 'an event without a version');
    if (this.#version !== undefined && isOlder(version, this.#version)) throw wentBack();
    this.#contact();
    if (event.type === 'DELETED') this.#cache.delete(event.object);
    else if (event.type !== 'BOOKMARK') this.#cache.set(this.#kept(event.object));
    this.#version = version;
  }

  /**
   * A server that was restored from an older backup goes on from a smaller version, and says nothing to a watch from a
   * greater one. Looked at after every end that a restart may have caused.
   */
  async #checkServer(ours: string, signal: AbortSignal): Promise<void> {
    const { client, type, selection } = this.#options;
    // no object has this name, so that the answer is a version and nothing else
    const nobody = 'metadata.name=no.such.name';
    const fieldSelector = selection?.fieldSelector ? `${selection.fieldSelector},${nobody}` : nobody;
    const limits = { signal, timeout: CHECK_TIMEOUT };
    const { resourceVersion } = await client.list<T>(type, { ...selection, fieldSelector }, limits);
    if (isOlder(resourceVersion, ours)) throw wentBack();
    this.#contact();
    this.#doubtful = false;
  }

  #kept(object: T): T {
    const { transform } = this.#options;
    const slim = withoutManagedFields(object);
    if (transform === undefined) return slim;
    try {
      return transform(slim);
    } catch (error) {
      this.#listenerFailed(error);
      return slim;
    }
  }

  #contact(): void {
    this.#lastContact = this.#options.clock.monotonic();
    this.#lastError = undefined;
  }

  #failed(error: KubeError): number {
    this.#counts.failures++;
    this.#lastError = error;
    const delay = this.#delay(error);
    if (error.isExpired) this.#version = undefined;
    else this.#doubtful = true;
    this.#status({ event: 'failed', error, delay });
    return delay;
  }

  /** ms. A version that has become too old is no fault of the server: the list is asked for at once, once in a while. */
  #delay(error: KubeError): number {
    const sinceList = this.#options.clock.monotonic() - this.#listedAt;
    if (error.isExpired && this.#version !== undefined && sinceList >= SHORT_WATCH) return error.retryAfter ?? 0;
    const delay = this.#backoff.next(error.retryAfter);
    return error.status === 0 ? Math.min(delay, UNREACHABLE_CAP) : delay;
  }

  #listenerFailed(error: unknown): void {
    this.#counts.listenerFailures++;
    this.#status({ event: 'listener-failed', error });
  }

  #status(event: ReflectorEvent): void {
    try {
      this.#options.onStatus?.(event);
    } catch (thrown) {
      process.emitWarning(`a status handler of a reflector threw: ${String(thrown)}`);
    }
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Often half of an object, and of no use to anybody who reads. A new object is smaller than one with a hole. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function wentBack(): KubeError {
  return new KubeError(410, 'WentBack', 'the server is at an older version than before');
}
