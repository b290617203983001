/**
 * An API server in memory, as far as its clients can tell: resourceVersions, compare-and-swap, immutable ConfigMaps,
 * preconditions of deletes, limits of size, consistent lists, watches with bookmarks. Whatever it gives away is a copy.
 * `before` and `after` may delay or fail any call: a failure in `after` is one whose effect has happened. `rules` make it
 * stricter: what a write makes of an object beyond storing it.
 */
import { KubeError } from '../../../operator/kube/kube-error.ts';
import type {
  JsonPatchOperation,
  KubeClient,
  KubeObject,
  ObjectKey,
  ResourceType,
  Selection,
  WatchEvent,
} from '../../../operator/kube/types.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'apply' | 'jsonPatch' | 'delete' | 'post';

export interface FakeCall {
  /** Counts from 0. */
  index: number;
  verb: Verb;
  kind: string;
  name: string;
}

export type Interceptor = (call: FakeCall) => void | Promise<void>;

export interface WriteOptions {
  fieldManager?: string;
  subresource?: 'status';
  dryRun?: boolean;
}

/** What an API server does with an object on its way to the store: generations, subresources, owners of fields. */
export interface WriteRules {
  /** `next` may be changed and given back; `sent` is what an apply said. */
  written(write: {
    verb: Verb;
    before: KubeObject | undefined;
    next: KubeObject;
    sent: KubeObject | undefined;
    options: WriteOptions;
  }): KubeObject;
  /** Told after it was stored; `object` undefined: deleted. */
  stored?(object: KubeObject | undefined, before: KubeObject | undefined, options: WriteOptions): void;
}

interface Event {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  plural: string;
  object: KubeObject;
  previous: KubeObject | undefined;
}

interface Stored extends KubeObject {
  immutable?: boolean;
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

const MIB = 1024 * 1024;

export class FakeKube implements KubeClient {
  before: Interceptor | undefined;
  after: Interceptor | undefined;
  readonly calls: FakeCall[] = [];
  now: () => number = () => 0;
  rules: WriteRules | undefined;
  readonly #objects = new Map<string, Stored>();
  #events: Event[] = [];
  #version = 1;
  #uids = 0;
  #wake = Promise.withResolvers<void>();
  /** Versions up to this one are forgotten: a watch from there ends with 410. */
  #compacted = 0;

  /** Another client of the same server, with interceptors of its own. */
  client(interceptors: { before?: Interceptor; after?: Interceptor } = {}): KubeClient {
    const bound = {} as Record<string, unknown>;
    for (const verb of ['get', 'list', 'watch', 'create', 'replace', 'apply', 'jsonPatch', 'delete', 'post', 'close']) {
      const method = (this as unknown as Record<string, (...args: unknown[]) => unknown>)[verb] as (
        ...args: unknown[]
      ) => unknown;
      bound[verb] = (...args: unknown[]) => {
        const saved = this.#current;
        this.#current = interceptors;
        try {
          return method.apply(this, args);
        } finally {
          this.#current = saved;
        }
      };
    }
    return bound as unknown as KubeClient;
  }
  #current: { before?: Interceptor; after?: Interceptor } = {};

  get size(): number {
    return this.#objects.size;
  }

  /** Everything of a kind, as it is stored; for assertions. */
  all<T extends KubeObject>(type: ResourceType): T[] {
    const prefix = `${type.group}/${type.plural}/`;
    return [...this.#objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, object]) => copy(object) as unknown as T);
  }

  /** Forgets the history: watches have to list again. */
  compact(): void {
    this.#compacted = this.#version;
    this.#events = [];
    this.#signal();
  }

  /** All objects, to be put back by `restore`: a backup of the cluster. */
  backup(): Map<string, KubeObject> {
    return new Map([...this.#objects].map(([key, object]) => [key, copy(object)]));
  }

  restore(backup: ReadonlyMap<string, KubeObject>): void {
    this.#objects.clear();
    for (const [key, object] of backup) this.#objects.set(key, copy(object) as Stored);
    this.compact();
  }

  async get<T extends KubeObject>(type: ResourceType, key: ObjectKey): Promise<T | undefined> {
    return this.#call('get', type, key.name, () => {
      const object = this.#objects.get(keyOf(type, key));
      return object === undefined ? undefined : (copy(object) as unknown as T);
    });
  }

  async list<T extends KubeObject>(
    type: ResourceType,
    selection: Selection & { map?(item: T): T } = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    return this.#call('list', type, '', () => {
      const items = this.all<T>(type).filter((object) => matches(object, selection));
      return { items: items.map((item) => selection.map?.(item) ?? item), resourceVersion: String(this.#version) };
    });
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    selection: Selection & { resourceVersion: string },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    await this.#call('watch', type, '', () => undefined);
    let from = Number(selection.resourceVersion);
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted) {
      if (from < this.#compacted) throw new KubeError(410, 'Expired', 'too old resource version');
      for (const event of this.#since(from)) {
        from = event.version;
        const seen = eventFor<T>(event, type, selection);
        if (seen !== undefined) yield seen;
      }
      if ((this.#events.at(-1)?.version ?? 0) > from) continue;
      await Promise.race([this.#wake.promise, aborted]);
    }
  }

  async create<T extends KubeObject>(type: ResourceType, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#call('create', type, object.metadata.name, () => {
      const key = keyOf(type, object.metadata);
      if (this.#objects.has(key)) throw new KubeError(409, 'AlreadyExists', `${object.metadata.name} already exists`);
      return this.#make('create', key, type, object, options) as unknown as T;
    });
  }

  async replace<T extends KubeObject>(type: ResourceType, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#call('replace', type, object.metadata.name, () => {
      const key = keyOf(type, object.metadata);
      const before = this.#objects.get(key);
      if (before === undefined) throw new KubeError(404, 'NotFound', `${object.metadata.name} not found`);
      const { resourceVersion, uid } = object.metadata;
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        throw new KubeError(409, 'Conflict', 'the object has been modified');
      }
      if (uid !== undefined && uid !== before.metadata.uid) throw new KubeError(409, 'Conflict', 'another uid');
      const next = copy(object) as unknown as Stored;
      return this.#update(key, type, before, next, { verb: 'replace', options }) as unknown as T;
    });
  }

  /** Not the real merge (unless rules make it so): top-level fields of the object replace or join those that are there. */
  async apply<T extends KubeObject>(type: ResourceType, object: T, options: WriteOptions): Promise<T> {
    return this.#call('apply', type, object.metadata.name, () => {
      const key = keyOf(type, object.metadata);
      const before = this.#objects.get(key);
      if (before === undefined) return this.#make('apply', key, type, object, options) as unknown as T;
      const next = { ...copy(before), ...copy(object as unknown as Stored) };
      next.metadata = { ...before.metadata, ...object.metadata };
      return this.#update(key, type, before, next, { verb: 'apply', options, sent: object }) as unknown as T;
    });
  }

  async jsonPatch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#call('jsonPatch', type, key.name, () => {
      const before = this.#objects.get(keyOf(type, key));
      if (before === undefined) throw new KubeError(404, 'NotFound', `${key.name} not found`);
      const next = copy(before);
      for (const operation of operations) patch(next, operation);
      return this.#update(keyOf(type, key), type, before, next, { verb: 'jsonPatch', options }) as unknown as T;
    });
  }

  async delete(
    type: ResourceType,
    key: ObjectKey,
    options: WriteOptions & { uid?: string; resourceVersion?: string } = {},
  ): Promise<void> {
    return this.#call('delete', type, key.name, () => {
      const before = this.#objects.get(keyOf(type, key));
      if (before === undefined) return;
      const { uid, resourceVersion } = before.metadata;
      const other =
        (options.uid !== undefined && options.uid !== uid) ||
        (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion);
      if (other) throw new KubeError(409, 'Conflict', 'a precondition does not hold');
      this.#objects.delete(keyOf(type, key));
      const gone = copy(before);
      gone.metadata.resourceVersion = String(++this.#version);
      this.#event('DELETED', type, gone, before);
      this.rules?.stored?.(undefined, before, options);
    });
  }

  async post<T>(): Promise<T> {
    throw new KubeError(404, 'NotFound', 'nothing is posted here');
  }

  async close(): Promise<void> {}

  async #call<T>(verb: Verb, type: ResourceType, name: string, work: () => T): Promise<T> {
    const { before = this.before, after = this.after } = this.#current;
    const call = { index: this.calls.length, verb, kind: type.kind, name };
    this.calls.push(call);
    // every call takes a turn, as every real one does
    await Promise.resolve();
    await before?.(call);
    const result = work();
    await after?.(call);
    return result;
  }

  #make(verb: Verb, key: string, type: ResourceType, object: KubeObject, options: WriteOptions): Stored {
    if (object.metadata.resourceVersion !== undefined && this.rules !== undefined) {
      const apply = verb === 'apply';
      throw new KubeError(apply ? 409 : 400, apply ? 'Conflict' : 'BadRequest', 'there is no such version');
    }
    if (options.subresource !== undefined) throw new KubeError(404, 'NotFound', `${object.metadata.name} not found`);
    const stored = copy(object) as unknown as Stored;
    stored.metadata.uid = `uid-${++this.#uids}`;
    stored.metadata.creationTimestamp = new Date(this.now()).toISOString();
    const sent = verb === 'apply' ? object : undefined;
    const next = this.rules?.written({ verb, before: undefined, next: stored, sent, options }) ?? stored;
    return this.#store(key, type, next as Stored, undefined, options);
  }

  #update(
    key: string,
    type: ResourceType,
    before: Stored,
    given: Stored,
    { verb, options, sent }: { verb: Verb; options: WriteOptions; sent?: KubeObject },
  ): Stored {
    const expected = sent?.metadata.resourceVersion;
    if (this.rules !== undefined && expected !== undefined && expected !== before.metadata.resourceVersion) {
      throw new KubeError(409, 'Conflict', 'the object has been modified');
    }
    const next = (this.rules?.written({ verb, before: copy(before), next: given, sent, options }) ?? given) as Stored;
    if (before.immutable === true && (next.immutable !== true || !same(contentOf(before), contentOf(next)))) {
      throw new KubeError(422, 'Invalid', 'field is immutable when `immutable` is set');
    }
    next.metadata = {
      ...next.metadata,
      ...(before.metadata.uid === undefined ? {} : { uid: before.metadata.uid }),
      ...(before.metadata.creationTimestamp === undefined
        ? {}
        : { creationTimestamp: before.metadata.creationTimestamp }),
      ...(before.metadata.resourceVersion === undefined ? {} : { resourceVersion: before.metadata.resourceVersion }),
    };
    // a write that changes nothing is none
    if (same(before, next)) return copy(before);
    return this.#store(key, type, next, before, options);
  }

  #store(
    key: string,
    type: ResourceType,
    object: Stored,
    before: Stored | undefined,
    options: WriteOptions = {},
  ): Stored {
    if (sizeOf(object) > MIB) throw new KubeError(422, 'Invalid', 'must have at most 1048576 bytes');
    if (options.dryRun === true) return copy(object);
    object.metadata.resourceVersion = String(++this.#version);
    this.#objects.set(key, object);
    this.#event(before === undefined ? 'ADDED' : 'MODIFIED', type, object, before);
    this.rules?.stored?.(copy(object), before && copy(before), options);
    return copy(object);
  }

  #event(kind: Event['type'], type: ResourceType, object: Stored, previous: Stored | undefined): void {
    const { group, plural } = type;
    this.#events.push({
      version: Number(object.metadata.resourceVersion),
      type: kind,
      plural: `${group}/${plural}`,
      object: copy(object),
      previous: previous && copy(previous),
    });
    this.#signal();
  }

  #since(version: number): Event[] {
    let start = this.#events.length;
    while (start > 0 && (this.#events[start - 1] as Event).version > version) start--;
    return this.#events.slice(start);
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = Promise.withResolvers<void>();
    wake.resolve();
  }
}

function eventFor<T extends KubeObject>(
  { type: kind, plural, object, previous }: Event,
  type: ResourceType,
  selection: Selection,
): WatchEvent<T> | undefined {
  if (plural !== `${type.group}/${type.plural}`) return undefined;
  const now = kind !== 'DELETED' && matches(object, selection);
  const was = previous !== undefined && matches(previous, selection);
  const seen = copy(object) as unknown as T;
  if (now) return { type: was ? 'MODIFIED' : 'ADDED', object: seen };
  return was ? { type: 'DELETED', object: seen } : undefined;
}

function matches({ metadata }: KubeObject, { namespace, labelSelector, fieldSelector }: Selection): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  if (fieldSelector !== undefined && fieldSelector !== `metadata.name=${metadata.name}`) return false;
  return (labelSelector?.split(',') ?? []).every((term) => {
    const [name = '', value] = term.split('=');
    const label = metadata.labels?.[name];
    return value === undefined ? label !== undefined : label === value;
  });
}

function patch(object: unknown, { op, path, value }: JsonPatchOperation): void {
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop() as string;
  let parent = object as Record<string, unknown>;
  for (const step of steps) {
    parent = parent[step] as Record<string, unknown>;
    if (parent === undefined) throw new KubeError(422, 'Invalid', `no such path ${path}`);
  }
  if (op === 'test') {
    if (!same(parent[last], value)) throw new KubeError(422, 'Invalid', 'the test failed');
  } else if (Array.isArray(parent) && op !== 'replace') {
    if (op === 'remove') parent.splice(Number(last), 1);
    else parent.splice(last === '-' ? parent.length : Number(last), 0, value);
  } else if (op === 'remove') delete parent[last];
  else parent[last] = value;
}

function contentOf({ data, binaryData }: Stored): unknown {
  return { data, binaryData };
}

function sizeOf({ data = {}, binaryData = {} }: Stored): number {
  let size = 0;
  for (const [name, text] of Object.entries(data)) size += name.length + Buffer.byteLength(text);
  for (const [name, text] of Object.entries(binaryData)) size += name.length + Math.floor((text.length * 3) / 4);
  return size;
}

function keyOf({ group, plural }: ResourceType, { namespace = '', name }: ObjectKey): string {
  return `${group}/${plural}/${namespace}/${name}`;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

function copy<T>(value: T): T {
  return structuredClone(value);
}
