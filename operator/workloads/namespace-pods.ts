import { LabelCandidates } from './label-candidates.ts';
import { fitsLabels, isPodOf, type RegistrationLike } from './match-pods.ts';
import type { PodView } from './pod-view.ts';

/** Keys of registrations, sorted. */
interface Owners {
  /** Those that match. */
  matches: readonly string[];
  /** Those whose selector fits while the ServiceAccount does not; only of a pod that none matches. */
  strays: readonly string[];
}

interface Entry extends Owners {
  pod: PodView;
}

const NOBODY: Owners = { matches: [], strays: [] };

/** The pods and registrations of one namespace, matched with each other. No I/O, no time. */
export class NamespacePods {
  readonly #registrations = new Map<string, RegistrationLike>();
  readonly #candidates = new LabelCandidates();
  readonly #pods = new Map<string, Entry>();
  /** Names of the pods that each registration matches, or whose labels fit it. */
  readonly #related = new Map<string, Set<string>>();

  get hasRegistrations(): boolean {
    return this.#registrations.size > 0;
  }

  get(name: string): PodView | undefined {
    return this.#pods.get(name)?.pod;
  }

  registrations(): Iterable<RegistrationLike> {
    return this.#registrations.values();
  }

  /** By name. */
  ownedBy(key: string): PodView[] {
    return this.#podsWhere(key, ({ matches }) => matches.length === 1);
  }

  contestedBy(key: string): PodView[] {
    return this.#podsWhere(key, ({ matches }) => matches.length > 1);
  }

  /** Pods of nobody, whose labels fit and whose ServiceAccount does not. */
  straysOf(key: string): PodView[] {
    return this.#podsWhere(key, ({ strays }) => strays.length > 0);
  }

  /** Keys of the registrations for which something has changed. */
  setPod(name: string, pod: PodView | undefined): Set<string> {
    const before = this.#pods.get(name);
    const owners = pod === undefined ? NOBODY : this.#ownersOf(pod);
    if (pod === undefined) this.#pods.delete(name);
    else this.#pods.set(name, { pod, ...owners });
    return this.#moved(name, before, pod, owners);
  }

  setRegistration(key: string, registration: RegistrationLike | undefined): Set<string> {
    const before = this.#registrations.get(key);
    if (registration === undefined) this.#registrations.delete(key);
    else this.#registrations.set(key, registration);
    if (sameWorkload(before, registration)) return new Set();
    this.#candidates.set(key, registration);
    const changed = new Set([key]);
    for (const [name, entry] of this.#pods) {
      const { pod, matches, strays } = entry;
      const concerned = matches.includes(key) || strays.includes(key);
      if (!concerned && (registration === undefined || !fitsLabels(pod, registration))) continue;
      const owners = this.#ownersOf(pod);
      this.#pods.set(name, { pod, ...owners });
      for (const other of this.#moved(name, entry, pod, owners)) changed.add(other);
    }
    return changed;
  }

  #podsWhere(key: string, test: (entry: Entry) => boolean): PodView[] {
    const found: PodView[] = [];
    for (const name of this.#related.get(key) ?? []) {
      const entry = this.#pods.get(name);
      if (entry !== undefined && test(entry)) found.push(entry.pod);
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #ownersOf(pod: PodView): Owners {
    const matches: string[] = [];
    const strays: string[] = [];
    for (const key of this.#candidates.of(pod.labels)) {
      const registration = this.#registrations.get(key);
      if (registration === undefined || !fitsLabels(pod, registration)) continue;
      (isPodOf(pod, registration) ? matches : strays).push(key);
    }
    return { matches: matches.sort(), strays: matches.length > 0 ? [] : strays.sort() };
  }

  #moved(name: string, before: Entry | undefined, pod: PodView | undefined, now: Owners): Set<string> {
    const { matches, strays } = before ?? NOBODY;
    const earlier = [...matches, ...strays];
    const later = [...now.matches, ...now.strays];
    for (const key of earlier) if (!later.includes(key)) this.#forget(key, name);
    for (const key of later) {
      const names = this.#related.get(key) ?? new Set();
      this.#related.set(key, names.add(name));
    }
    const same = JSON.stringify([before?.pod, matches, strays]) === JSON.stringify([pod, now.matches, now.strays]);
    return new Set(same ? [] : [...earlier, ...later]);
  }

  #forget(key: string, name: string): void {
    const names = this.#related.get(key);
    names?.delete(name);
    if (names?.size === 0) this.#related.delete(key);
  }
}

function sameWorkload(a: RegistrationLike | undefined, b: RegistrationLike | undefined): boolean {
  return a !== undefined && b !== undefined && JSON.stringify(a.spec.workload) === JSON.stringify(b.spec.workload);
}
