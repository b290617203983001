import { agentIdOf } from '../../policy/compiler/tenant-resources.ts';
import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import { type KubeObject, keyOf, type Store } from '../kube/types.ts';
import type { Intaken } from '../model/intaken.ts';
import type { Intake } from './intake.ts';

export type RegistrationObject = AgentRegistration & KubeObject;
type Listener = (key: string, now: RegistrationObject | undefined, before: RegistrationObject | undefined) => void;

/**
 * Registrations in the version that counts: the current one where it is valid, else the last that was. By
 * `namespace/name`.
 */
export class AcceptedRegistrations implements Store<RegistrationObject> {
  readonly #intake: Intake;
  readonly #accepted = new Map<string, RegistrationObject>();
  /** Keys by agent id: two that claim the same one are rare. */
  readonly #byAgent = new Map<string, Set<string>>();
  readonly #listeners = new Set<Listener>();

  constructor(intake: Intake) {
    this.#intake = intake;
    for (const item of intake.values()) this.#take(item, undefined);
    intake.subscribe((now, before) => this.#take(now, before));
  }

  get synced(): boolean {
    return this.#intake.synced;
  }

  get size(): number {
    return this.#accepted.size;
  }

  get(key: string): RegistrationObject | undefined {
    return this.#accepted.get(key);
  }

  values(): Iterable<RegistrationObject> {
    return this.#accepted.values();
  }

  /** All that claim this id, in every namespace. */
  *claiming(agentId: string): Iterable<RegistrationObject> {
    for (const key of this.#byAgent.get(agentId) ?? []) yield this.#accepted.get(key) as RegistrationObject;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The version that was committed last: it counts until the current one is valid. */
  seed(registration: RegistrationObject): void {
    const key = keyOf(registration);
    const current = this.#intake.get(`AgentRegistration ${key}`);
    if (this.#accepted.has(key) || current?.object.metadata.uid !== registration.metadata.uid) return;
    if (current?.deleting === true) return;
    this.#put(key, registration);
  }

  #take(now: Intaken | undefined, before: Intaken | undefined): void {
    const item = now ?? before;
    if (item?.kind !== 'AgentRegistration') return;
    const key = keyOf(item.object);
    const known = this.#accepted.get(key);
    if (now === undefined || now.deleting) {
      if (known !== undefined) this.#put(key, undefined);
    } else if (now.valid) {
      this.#put(key, now.loaded.object as RegistrationObject);
    } else if (known !== undefined && known.metadata.uid !== now.object.metadata.uid) {
      this.#put(key, undefined);
    }
  }

  #put(key: string, now: RegistrationObject | undefined): void {
    const before = this.#accepted.get(key);
    if (now === before) return;
    if (before !== undefined) this.#byAgent.get(agentIdOf(before))?.delete(key);
    if (now === undefined) this.#accepted.delete(key);
    else {
      this.#accepted.set(key, now);
      const keys = this.#byAgent.get(agentIdOf(now)) ?? new Set();
      this.#byAgent.set(agentIdOf(now), keys.add(key));
    }
    if (before !== undefined && this.#byAgent.get(agentIdOf(before))?.size === 0)
      this.#byAgent.delete(agentIdOf(before));
    for (const listener of this.#listeners) listener(key, now, before);
  }
}
