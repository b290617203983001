import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource, Resource } from '../../policy/resources/resource.ts';
import { type KubeObject, keyOf, type Store } from '../kube/types.ts';
import { type Intaken, KINDS, type Kind } from '../model/intaken.ts';
import { loadedObject } from '../model/loaded-object.ts';
import { validateObject } from '../model/validate-object.ts';

export type IntakeListener = (now: Intaken | undefined, before: Intaken | undefined) => void;

/**
 * Every resource of Aegis in the cluster, validated once per generation. Status and label changes come in as well, and
 * change nothing: whoever listens is told only of what could change a decision or a status.
 */
export class Intake {
  readonly #stores: Readonly<Record<Kind, Store<KubeObject>>>;
  readonly #all = new Map<string, Intaken>();
  readonly #byNamespace = new Map<string, Map<string, Intaken>>();
  readonly #listeners = new Set<IntakeListener>();

  constructor(stores: Readonly<Record<Kind, Store<KubeObject>>>) {
    this.#stores = stores;
    for (const kind of KINDS) {
      stores[kind].subscribe((key, object) => this.#take(kind, key, object));
      for (const object of stores[kind].values()) this.#take(kind, keyOf(object), object);
    }
  }

  get synced(): boolean {
    return KINDS.every((kind) => this.#stores[kind].synced);
  }

  get(key: string): Intaken | undefined {
    return this.#all.get(key);
  }

  values(): Iterable<Intaken> {
    return this.#all.values();
  }

  /** All but AgentTenants, which are in no namespace. */
  inNamespace(namespace: string): Iterable<Intaken> {
    return this.#byNamespace.get(namespace)?.values() ?? [];
  }

  namespaces(): Iterable<string> {
    return this.#byNamespace.keys();
  }

  tenants(): Intaken[] {
    return [...this.#all.values()].filter(({ kind }) => kind === 'AgentTenant');
  }

  subscribe(listener: IntakeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(kind: Kind, storeKey: string, object: KubeObject | undefined): void {
    const key = `${kind} ${storeKey}`;
    const before = this.#all.get(key);
    const now = object && (same(before, object) ? { ...(before as Intaken), object } : validated(kind, key, object));
    this.#put(key, now, before);
    if (now !== undefined && before !== undefined && now.loaded === before.loaded) return;
    for (const listener of this.#listeners) listener(now, before);
  }

  #put(key: string, now: Intaken | undefined, before: Intaken | undefined): void {
    if (now === undefined) this.#all.delete(key);
    else this.#all.set(key, now);
    const namespace = (now ?? before)?.object.metadata.namespace;
    if (namespace === undefined) return;
    let group = this.#byNamespace.get(namespace);
    if (group === undefined) {
      group = new Map();
      this.#byNamespace.set(namespace, group);
    }
    if (now !== undefined) group.set(key, now);
    else if (group.delete(key) && group.size === 0) this.#byNamespace.delete(namespace);
  }
}

/** The API server counts the generation up with every change of the spec, and when deletion begins. */
function same(before: Intaken | undefined, { metadata }: KubeObject): boolean {
  const known = before?.object.metadata;
  return (
    known !== undefined &&
    known.uid === metadata.uid &&
    known.generation === metadata.generation &&
    (known.deletionTimestamp === undefined) === (metadata.deletionTimestamp === undefined)
  );
}

function validated(kind: Kind, key: string, object: KubeObject): Intaken {
  const { loaded, findings } = checked(key, object);
  return {
    key,
    kind,
    object,
    loaded,
    findings,
    valid: !findings.some(({ severity }) => severity === 'error'),
    deleting: object.metadata.deletionTimestamp !== undefined,
  };
}

/** What not even the checks can bear is invalid, not absent: a last good version stands in for the former only. */
function checked(key: string, object: KubeObject): Pick<Intaken, 'loaded' | 'findings'> {
  try {
    const loaded = loadedObject(object);
    return { loaded, findings: validateObject(loaded) };
  } catch {
    const { apiVersion, kind, metadata } = object;
    const message = 'It is nested too deeply, or in a form that cannot be checked.';
    const findings: Finding[] = [{ code: 'AEGIS_SCHEMA_BOUNDS', severity: 'error', resource: key, message }];
    return { loaded: bare({ apiVersion, kind, metadata, spec: {} } as unknown as Resource, key), findings };
  }
}

function bare(object: Resource, key: string): LoadedResource {
  const locate = () => ({ file: key, line: 1, column: 1 });
  return { object, locate, locateKey: locate };
}
