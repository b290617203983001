import type { RegistrationLike } from './match-pods.ts';

/** In front of the keys of registrations whose selectors name no label with its value. */
const ANY = '';

/**
 * Which registrations may fit a pod's labels at all: each stands under one `key=value` that its selector demands, so
 * that a pod is compared with few of them.
 */
export class LabelCandidates {
  readonly #byLabel = new Map<string, Set<string>>();
  readonly #labelOf = new Map<string, string>();

  set(key: string, registration: RegistrationLike | undefined): void {
    this.#drop(key);
    if (registration === undefined) return;
    const label = this.#rarest(registration);
    const keys = this.#byLabel.get(label) ?? new Set();
    this.#byLabel.set(label, keys.add(key));
    this.#labelOf.set(key, label);
  }

  *of(labels: Readonly<Record<string, string>>): Iterable<string> {
    yield* this.#byLabel.get(ANY) ?? [];
    for (const [key, value] of Object.entries(labels)) yield* this.#byLabel.get(`${key}=${value}`) ?? [];
  }

  /** Of the labels that it demands, the one that fewest others stand under. */
  #rarest({ spec }: RegistrationLike): string {
    let [rarest, fewest] = [ANY, Number.POSITIVE_INFINITY];
    for (const [key, value] of Object.entries(spec.workload.selector.matchLabels ?? {})) {
      const label = `${key}=${value}`;
      const size = this.#byLabel.get(label)?.size ?? 0;
      if (size < fewest) [rarest, fewest] = [label, size];
    }
    return rarest;
  }

  #drop(key: string): void {
    const label = this.#labelOf.get(key);
    if (label === undefined) return;
    const keys = this.#byLabel.get(label);
    keys?.delete(key);
    if (keys?.size === 0) this.#byLabel.delete(label);
    this.#labelOf.delete(key);
  }
}
