import type { Clock } from '../../runtime/time/clock.ts';
import { Reflector } from '../kube/reflector.ts';
import { type KubeClient, keyOf, type Store } from '../kube/types.ts';
import { POD } from '../model/resource-types.ts';
import type { RegistrationLike } from './match-pods.ts';
import { NamespacePods } from './namespace-pods.ts';
import { type PodObject, type PodView, slimPod, viewOfPod } from './pod-view.ts';

/** A copy of the pods of one namespace. */
export interface PodReflector extends Store<PodObject> {
  run(signal: AbortSignal): Promise<void>;
}

export interface PodIndexOptions {
  client: KubeClient;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** Those whose selectors count: in their accepted versions. */
  registrations: Store<RegistrationLike>;
  /** For tests. */
  newReflector?(namespace: string): PodReflector;
}

interface Followed {
  pods: NamespacePods;
  reflector: PodReflector;
  stop: AbortController;
}

/**
 * Which pods belong to which registration. Only namespaces with registrations are followed, one watch each, and only
 * what counts is kept of a pod. A pod that several registrations match belongs to none of them.
 */
export class PodIndex {
  readonly #options: PodIndexOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #running = new Set<Promise<void>>();
  readonly #listeners = new Set<(registrationKey: string) => void>();
  #started = false;

  constructor(options: PodIndexOptions) {
    this.#options = options;
  }

  /** Every namespace that counts has been read. */
  get synced(): boolean {
    if (!this.knowsRegistrations) return false;
    for (const { reflector } of this.#followed.values()) if (!reflector.synced) return false;
    return true;
  }

  /** All registrations are known: `registrationsIn` says all that there are. */
  get knowsRegistrations(): boolean {
    return this.#started && this.#options.registrations.synced;
  }

  /** Number of pods in the namespaces that are followed. */
  get size(): number {
    let size = 0;
    for (const { reflector } of this.#followed.values()) size += reflector.size;
    return size;
  }

  /** The pods of this namespace are known: one that is not here was not there when the API server spoke last. */
  knows(namespace: string): boolean {
    return this.#followed.get(namespace)?.reflector.synced === true;
  }

  /** The pods that this registration alone matches, in every phase. */
  podsOf(registrationKey: string): PodView[] {
    return this.#of(registrationKey)?.ownedBy(registrationKey) ?? [];
  }

  /** The pods that this registration matches together with others, so that they belong to none. */
  ambiguousPodsOf(registrationKey: string): PodView[] {
    return this.#of(registrationKey)?.contestedBy(registrationKey) ?? [];
  }

  /** Pods of no registration whose labels fit this one and whose ServiceAccount does not, in every phase. */
  strayPodsOf(registrationKey: string): PodView[] {
    return this.#of(registrationKey)?.straysOf(registrationKey) ?? [];
  }

  /** undefined also where a pod of this name has another uid. */
  podByUid(namespace: string, name: string, uid: string): PodView | undefined {
    const pod = this.#followed.get(namespace)?.pods.get(name);
    return pod?.uid === uid ? pod : undefined;
  }

  /** What is there of registrations in this namespace, whether or not they have pods. */
  registrationsIn(namespace: string): Iterable<RegistrationLike> {
    return this.#followed.get(namespace)?.pods.registrations() ?? [];
  }

  /** Told whenever the pods of a registration may count otherwise than before. */
  subscribe(listener: (registrationKey: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Follows until the signal is aborted and every watch has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { registrations } = this.#options;
    const end = registrations.subscribe((key, now, before) => this.#registration(key, now, before));
    for (const registration of registrations.values()) this.#registration(keyOf(registration), registration, undefined);
    this.#started = true;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    end();
    this.#started = false;
    for (const { stop } of this.#followed.values()) stop.abort();
    this.#followed.clear();
    await Promise.all(this.#running);
  }

  #of(registrationKey: string): NamespacePods | undefined {
    return this.#followed.get(registrationKey.slice(0, registrationKey.indexOf('/')))?.pods;
  }

  #registration(key: string, now: RegistrationLike | undefined, before: RegistrationLike | undefined): void {
    const namespace = (now ?? before)?.metadata.namespace;
    if (namespace === undefined) return;
    const followed = this.#followed.get(namespace) ?? (now && this.#follow(namespace));
    if (followed === undefined) return;
    this.#tell(followed.pods.setRegistration(key, now));
    if (!followed.pods.hasRegistrations) {
      this.#followed.delete(namespace);
      followed.stop.abort();
    }
  }

  #follow(namespace: string): Followed {
    const { newReflector = (name) => this.#reflector(name) } = this.#options;
    const pods = new NamespacePods();
    const reflector = newReflector(namespace);
    const followed: Followed = { pods, reflector, stop: new AbortController() };
    this.#followed.set(namespace, followed);
    reflector.subscribe((_, now, before) => {
      if (followed.stop.signal.aborted) return;
      const name = (now ?? before)?.metadata.name;
      if (name !== undefined) this.#tell(pods.setPod(name, now && viewOfPod(now)));
    });
    const running = reflector.run(followed.stop.signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return followed;
  }

  #reflector(namespace: string): PodReflector {
    const { client, clock, random } = this.#options;
    return new Reflector<PodObject>({
      client,
      type: POD,
      selection: { namespace },
      clock,
      random,
      transform: slimPod,
    });
  }

  #tell(keys: Iterable<string>): void {
    for (const key of keys) for (const listener of this.#listeners) listener(key);
  }
}
