import type { Sample } from '../../../runtime/telemetry/metrics-registry.ts';

/** Parts that are asked for their state at every scrape, by name. A part that fails says nothing. */
export class Sources<T> {
  readonly #reads = new Map<string, () => T | undefined>();

  /** Replaces what had the name before. */
  add(name: string, read: () => T | undefined): void {
    this.#reads.set(name, read);
  }

  /** One sample per source, labelled with its name; none where `value` gives none. */
  samples(value: (state: T) => number | undefined): Sample[] {
    const samples: Sample[] = [];
    for (const [name, read] of this.#reads) {
      const state = attempt(read);
      const number = state === undefined ? undefined : value(state);
      if (number !== undefined && !Number.isNaN(number)) samples.push({ value: number, labels: [name] });
    }
    return samples;
  }
}

/** What `read` gives; undefined where it throws, because one broken part must not take the others' metrics along. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
