/** What every API object has, as raw JSON of the API server: dates stay text (RFC 3339), nothing is converted. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** A kind as the API serves it. */
export interface ResourceType {
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
}

export interface ObjectKey {
  /** Absent for cluster-scoped kinds. */
  namespace?: string;
  name: string;
}

/** `namespace/name`, or `name` for cluster-scoped kinds: the key of stores and queues. */
export function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

export interface JsonPatchOperation {
  op: 'add' | 'replace' | 'remove' | 'test';
  path: string;
  value?: unknown;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** ms for the whole call, of a list for each page; 30 s when absent. */
  timeout?: number;
}

/**
 * The API server. Every method rejects with `KubeError` (see `kube-error.ts`) for an answer that is no success, and for
 * none at all (`status` 0).
 */
export interface KubeClient {
  /** undefined: there is none (404). */
  get<T extends KubeObject>(type: ResourceType, key: ObjectKey, options?: CallOptions): Promise<T | undefined>;
  /** All pages, as of one version. `map` is applied to each object as soon as its page is read. */
  list<T extends KubeObject>(
    type: ResourceType,
    selection?: Selection & { pageSize?: number; map?(item: T): T },
    options?: CallOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  /** One watch request with bookmarks; ends when the server ends it, or with an error (410 included). */
  watch<T extends KubeObject>(
    type: ResourceType,
    selection: Selection & { resourceVersion: string; timeoutSeconds: number },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options?: CallOptions & { fieldManager?: string; dryRun?: boolean },
  ): Promise<T>;
  /** PUT; with `metadata.resourceVersion` it is a compare-and-swap. */
  replace<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options?: CallOptions & { fieldManager?: string; subresource?: 'status' },
  ): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: CallOptions & { fieldManager: string; force?: boolean; subresource?: 'status'; dryRun?: boolean },
  ): Promise<T>;
  jsonPatch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    operations: readonly JsonPatchOperation[],
    options?: CallOptions & { fieldManager?: string; subresource?: 'status' },
  ): Promise<T>;
  /** None to delete is fine. `uid` and `resourceVersion` are preconditions (409 otherwise). */
  delete(
    type: ResourceType,
    key: ObjectKey,
    options?: CallOptions & {
      uid?: string;
      resourceVersion?: string;
      propagation?: 'Background' | 'Foreground' | 'Orphan';
    },
  ): Promise<void>;
  /** POST of what has no name of its own (TokenReview, SubjectAccessReview) or is a subresource; `path` is absolute. */
  post<T>(path: string, body: unknown, options?: CallOptions): Promise<T>;
  close(): Promise<void>;
}

/** A read-only copy of a set of objects, kept up to date by a watch. Objects are never changed, only replaced. */
export interface Store<T> {
  /** The first list is complete. Nothing may be concluded from absence before. */
  readonly synced: boolean;
  readonly size: number;
  get(key: string): T | undefined;
  values(): Iterable<T>;
  /** Told after the copy has changed; `object` is undefined where it was deleted. Returns how to stop. */
  subscribe(listener: (key: string, object: T | undefined, previous: T | undefined) => void): () => void;
}
