import { KubeError } from '../../../operator/kube/kube-error.ts';
import {
  type JsonPatchOperation,
  type KubeClient,
  type KubeObject,
  keyOf,
  type ObjectKey,
  type ResourceType,
  type WatchEvent,
} from '../../../operator/kube/types.ts';
import type { Clock } from '../../../runtime/time/clock.ts';

interface LogEntry {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

interface OpenWatch {
  /** Next entry of the log. */
  position: number;
  pending: WatchEvent<KubeObject>[];
  ending: 'no' | 'ends' | KubeError;
  wake(): void;
}

const IDLE = 70_000;

function versionOf(event: WatchEvent<KubeObject>): number {
  return Number(event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion);
}

/** As many objects of one kind as a test needs, with versions, a log, watches, and faults on demand. */
export class FakeCluster {
  objects = new Map<string, KubeObject>();
  version = 100;
  readonly #clock: Clock;
  #log: LogEntry[] = [];
  #compacted = 0;
  #uid = 0;
  readonly #watches = new Set<OpenWatch>();
  /** Thrown by calls instead of an answer. */
  readonly faults: KubeError[] = [];
  lists = 0;
  watchesOpened = 0;
  /** What changes is told to no watch, and no watch knows. */
  deaf = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  put(object: KubeObject): KubeObject {
    const key = keyOf(object);
    const known = this.objects.get(key);
    const uid = known?.metadata.uid ?? `uid-${++this.#uid}`;
    const stored = structuredClone({
      ...object,
      metadata: { ...object.metadata, uid, resourceVersion: String(++this.version) },
    });
    this.objects.set(key, stored);
    this.#append({ version: this.version, type: known === undefined ? 'ADDED' : 'MODIFIED', object: stored });
    return structuredClone(stored);
  }

  remove(key: string): void {
    const known = this.objects.get(key);
    if (known === undefined) return;
    this.objects.delete(key);
    const object = { ...known, metadata: { ...known.metadata, resourceVersion: String(++this.version) } };
    this.#append({ version: this.version, type: 'DELETED', object });
  }

  /** Nobody can go on from a version before this one. */
  compact(): void {
    this.#compacted = this.version;
    this.#log = [];
    for (const watch of this.#watches) watch.position = 0;
  }

  bookmark(): void {
    for (const watch of this.#watches) {
      watch.pending.push({ type: 'BOOKMARK', resourceVersion: String(this.version) });
      watch.wake();
    }
  }

  endWatches(ending: 'ends' | KubeError): void {
    for (const watch of this.#watches) {
      watch.ending = ending;
      watch.wake();
    }
  }

  /** Back to what was stored at some time; the version as well. */
  restore(objects: ReadonlyMap<string, KubeObject>, version: number): void {
    this.objects = new Map(objects);
    this.version = version;
    this.#log = [];
    this.#compacted = 0;
    this.endWatches(new KubeError(0, 'ECONNRESET', 'restarted'));
  }

  #append(entry: LogEntry): void {
    this.#log.push(entry);
    if (this.deaf) return;
    for (const watch of this.#watches) {
      watch.pending.push({ type: entry.type, object: structuredClone(entry.object) });
      watch.wake();
    }
  }

  #fault(): void {
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault;
  }

  async *#watch(from: string, signal: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>, void> {
    await Promise.resolve();
    this.#fault();
    this.watchesOpened++;
    if (Number(from) < this.#compacted) throw new KubeError(410, 'Expired', 'too old');
    const watch: OpenWatch = { position: 0, pending: [], ending: 'no', wake: () => {} };
    for (const entry of this.#log) {
      if (entry.version > Number(from)) watch.pending.push({ type: entry.type, object: structuredClone(entry.object) });
    }
    this.#watches.add(watch);
    const stop = () => watch.wake();
    signal.addEventListener('abort', stop);
    try {
      while (watch.ending === 'no' || watch.pending.length > 0) {
        // a server at a smaller version says nothing until it gets there
        for (const event of watch.pending.splice(0)) if (versionOf(event) > Number(from)) yield event;
        if (signal.aborted) throw new KubeError(0, 'Aborted', 'given up');
        if (watch.pending.length === 0 && watch.ending === 'no') await this.#somethingFor(watch);
      }
      if (watch.ending !== 'ends') throw watch.ending;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#watches.delete(watch);
    }
  }

  /** As the client does: silence is an error. */
  async #somethingFor(watch: OpenWatch): Promise<void> {
    const waiting = new AbortController();
    watch.wake = () => waiting.abort();
    await this.#clock.sleep(IDLE, waiting.signal);
    if (!waiting.signal.aborted) watch.ending = new KubeError(0, 'Idle', 'silence');
  }

  #find({ namespace, name }: ObjectKey): KubeObject {
    const known = this.objects.get(namespace === undefined ? name : `${namespace}/${name}`);
    if (known === undefined) throw new KubeError(404, 'NotFound', 'not found');
    return known;
  }

  #patch(key: ObjectKey, operations: readonly JsonPatchOperation[]): KubeObject {
    const object = structuredClone(this.#find(key));
    for (const { op, path, value } of operations) {
      const parts = path.split('/').slice(1);
      const last = parts.pop() ?? '';
      let target = object as unknown as Record<string, unknown>;
      for (const part of parts) target = target[part] as Record<string, unknown>;
      if (op === 'test' && JSON.stringify(target[last]) !== JSON.stringify(value)) {
        throw new KubeError(422, 'Invalid', 'a test does not hold');
      }
      if (op === 'add' && Array.isArray(target)) target.push(value);
      else if (op === 'add') target[last] = value;
      else if (op === 'remove' && Array.isArray(target)) target.splice(Number(last), 1);
    }
    return this.put(object);
  }

  /** Typed loosely inside, because a cluster holds what it is given. */
  client(): KubeClient {
    const answer = async <T>(act: () => unknown): Promise<T> => {
      await Promise.resolve();
      this.#fault();
      return structuredClone(act()) as T;
    };
    return {
      get: (_: ResourceType, { namespace, name }: ObjectKey) =>
        answer(() => this.objects.get(namespace === undefined ? name : `${namespace}/${name}`)),
      list: async <T extends KubeObject>(
        _: ResourceType,
        selection: { map?(item: T): T; fieldSelector?: string } = {},
      ) => {
        this.lists++;
        const { items, resourceVersion } = await answer<{ items: T[]; resourceVersion: string }>(() => ({
          items: selection.fieldSelector?.includes('no.such.name') ? [] : [...this.objects.values()],
          resourceVersion: String(this.version),
        }));
        return { items: items.map((item) => selection.map?.(item) ?? item), resourceVersion };
      },
      watch: <T extends KubeObject>(
        _: ResourceType,
        { resourceVersion }: { resourceVersion: string },
        signal: AbortSignal,
      ) => this.#watch(resourceVersion, signal) as AsyncIterable<WatchEvent<T>>,
      create: (_: ResourceType, object) =>
        answer(() => {
          if (this.objects.has(keyOf(object))) throw new KubeError(409, 'AlreadyExists', 'there is one');
          return this.put(object);
        }),
      replace: (_: ResourceType, object) =>
        answer(() => {
          const known = this.#find(object.metadata);
          const { resourceVersion } = object.metadata;
          if (resourceVersion !== undefined && resourceVersion !== known.metadata.resourceVersion) {
            throw new KubeError(409, 'Conflict', 'changed');
          }
          return this.put(object);
        }),
      apply: (_: ResourceType, object) => answer(() => this.put(object)),
      jsonPatch: (_: ResourceType, key, operations) => answer(() => this.#patch(key, operations)),
      delete: (_: ResourceType, { namespace, name }: ObjectKey) =>
        answer(() => this.remove(namespace === undefined ? name : `${namespace}/${name}`)),
      post: () => Promise.reject(new KubeError(404, 'NotFound', 'not here')),
      close: async () => {},
    };
  }
}
