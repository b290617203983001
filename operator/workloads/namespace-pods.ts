import { isPodOf, type RegistrationLike } from './match-pods.ts';
import type { PodView } from './pod-view.ts';

interface Entry {
  pod: PodView;
  /** Keys of the registrations that match, sorted. */
  matches: readonly string[];
}

/** The pods and registrations of one namespace, matched with each other. No I/O, no time. */
export class NamespacePods {
  readonly #registrations = new Map<string, RegistrationLike>();
  /** Keys by ServiceAccount: most registrations are no candidates for most pods. */
  readonly #byAccount = new Map<string, Set<string>>();
  readonly #pods = new Map<string, Entry>();
  /** Names of the pods that each registration matches. */
  readonly #matched = new Map<string, Set<string>>();

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
    return this.#matching(key, (matches) => matches === 1);
  }

  contestedBy(key: string): PodView[] {
    return this.#matching(key, (matches) => matches > 1);
  }

  /** Keys of the registrations for which something has changed. */
  setPod(name: string, pod: PodView | undefined): Set<string> {
    const before = this.#pods.get(name);
    const matches = pod === undefined ? [] : this.#matchesOf(pod);
    if (pod === undefined) this.#pods.delete(name);
    else this.#pods.set(name, { pod, matches });
    return this.#moved(name, before, pod, matches);
  }

  setRegistration(key: string, registration: RegistrationLike | undefined): Set<string> {
    const before = this.#registrations.get(key);
    if (before !== undefined) this.#dropAccount(before, key);
    if (registration === undefined) this.#registrations.delete(key);
    else {
      this.#registrations.set(key, registration);
      this.#addAccount(registration, key);
    }
    if (sameWorkload(before, registration)) return new Set();
    const changed = new Set([key]);
    for (const [name, entry] of this.#pods) {
      const fits = registration !== undefined && isPodOf(entry.pod, registration);
      if (fits === entry.matches.includes(key)) continue;
      const matches = this.#matchesOf(entry.pod);
      this.#pods.set(name, { pod: entry.pod, matches });
      for (const other of this.#moved(name, entry, entry.pod, matches)) changed.add(other);
    }
    return changed;
  }

  #matching(key: string, test: (matches: number) => boolean): PodView[] {
    const found: PodView[] = [];
    for (const name of this.#matched.get(key) ?? []) {
      const entry = this.#pods.get(name);
      if (entry !== undefined && test(entry.matches.length)) found.push(entry.pod);
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #matchesOf(pod: PodView): string[] {
    const keys: string[] = [];
    for (const key of this.#byAccount.get(pod.serviceAccountName) ?? []) {
      const registration = this.#registrations.get(key);
      if (registration !== undefined && isPodOf(pod, registration)) keys.push(key);
    }
    return keys.sort();
  }

  #addAccount({ spec }: RegistrationLike, key: string): void {
    const name = spec.workload.serviceAccountName;
    const keys = this.#byAccount.get(name) ?? new Set();
    this.#byAccount.set(name, keys.add(key));
  }

  #dropAccount({ spec }: RegistrationLike, key: string): void {
    const name = spec.workload.serviceAccountName;
    const keys = this.#byAccount.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#byAccount.delete(name);
  }

  #moved(name: string, before: Entry | undefined, pod: PodView | undefined, matches: readonly string[]): Set<string> {
    const earlier = before?.matches ?? [];
    for (const key of earlier) if (!matches.includes(key)) this.#forget(key, name);
    for (const key of matches) {
      const names = this.#matched.get(key) ?? new Set();
      this.#matched.set(key, names.add(name));
    }
    const same = JSON.stringify([before?.pod, earlier]) === JSON.stringify([pod, matches]);
    return new Set(same ? [] : [...earlier, ...matches]);
  }

  #forget(key: string, name: string): void {
    const names = this.#matched.get(key);
    names?.delete(name);
    if (names?.size === 0) this.#matched.delete(key);
  }
}

function sameWorkload(a: RegistrationLike | undefined, b: RegistrationLike | undefined): boolean {
  return a !== undefined && b !== undefined && JSON.stringify(a.spec.workload) === JSON.stringify(b.spec.workload);
}
