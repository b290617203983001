import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { StateEntries } from '../model/committed.ts';
import type { Intaken } from '../model/intaken.ts';
import { lastGoodOf } from './stand-ins.ts';

export type TakesPart = 'current' | 'lastGood' | 'none';

export interface Choice {
  current: Intaken;
  loaded?: LoadedResource;
  takesPart: TakesPart;
  /** What is wrong with the current version, where another one stands in for it. */
  findings: readonly Finding[];
}

/** Which version of each resource takes part: the current one, unless it is invalid or turned out to be unusable. */
export class Acceptance {
  readonly #choices = new Map<string, Choice>();
  readonly #entries: StateEntries;

  constructor(resources: Iterable<Intaken>, entries: StateEntries) {
    this.#entries = entries;
    for (const current of resources) {
      if (current.deleting) continue;
      const { key, valid, loaded, findings } = current;
      if (valid) this.#choices.set(key, { current, loaded, takesPart: 'current', findings });
      else this.#fallBack(current, findings);
    }
  }

  /** All that take part. */
  *loaded(): Iterable<LoadedResource> {
    for (const { loaded } of this.#choices.values()) if (loaded !== undefined) yield loaded;
  }

  *choices(): Iterable<Choice & { key: string }> {
    for (const [key, choice] of this.#choices) yield { key, ...choice };
  }

  has(key: string): boolean {
    return this.#choices.has(key);
  }

  /** The current version of the resource is newer than what is committed, and stands in for nothing yet. */
  isChanged(key: string): boolean {
    const choice = this.#choices.get(key);
    if (choice?.takesPart !== 'current') return false;
    const { uid, generation } = choice.current.object.metadata;
    const entry = this.#entries.get(key);
    return entry === undefined || entry.uid !== uid || entry.generation !== generation;
  }

  /** From now on the last good version, or none, takes part in its place. */
  revert(key: string, findings: readonly Finding[]): void {
    const choice = this.#choices.get(key);
    if (choice !== undefined) this.#fallBack(choice.current, [...choice.findings, ...findings]);
  }

  #fallBack(current: Intaken, findings: readonly Finding[]): void {
    const loaded = lastGoodOf(current, this.#entries.get(current.key));
    this.#choices.set(current.key, {
      current,
      ...(loaded !== undefined && { loaded }),
      takesPart: loaded === undefined ? 'none' : 'lastGood',
      findings,
    });
  }
}
