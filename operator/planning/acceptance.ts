import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
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
  readonly #own: StateEntries;

  /**
   * @param entries what stands in for what is of no use: what the tenant has committed, and what it takes over.
   * @param own of these, what the tenant itself has committed.
   */
  constructor(resources: Iterable<Intaken>, entries: StateEntries, own: StateEntries = entries) {
    this.#entries = entries;
    this.#own = own;
    for (const current of resources) {
      if (current.deleting) continue;
      const { key, valid, loaded, findings } = current;
      if (valid) this.#choices.set(key, { current, loaded, takesPart: 'current', findings });
      else this.#fallBack(current, findings, entries.get(key));
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

  /**
   * The version that takes part is newer than what is committed, and another one may stand in for it. Of a tool of the
   * platform only what is committed here counts: that it is of use there says nothing of the policies here.
   */
  isChanged(key: string): boolean {
    const choice = this.#choices.get(key);
    if (choice?.loaded === undefined) return false;
    const { loaded, takesPart, current } = choice;
    if (current.kind === 'AgentTool') return !isVersion(this.#own.get(key), loaded);
    return takesPart === 'current' && !isVersion(this.#entries.get(key), loaded);
  }

  /** From now on the last good version, or none, takes part in its place. */
  revert(key: string, findings: readonly Finding[]): void {
    const choice = this.#choices.get(key);
    if (choice === undefined) return;
    const { current } = choice;
    const entries = current.kind === 'AgentTool' ? this.#own : this.#entries;
    this.#fallBack(current, [...choice.findings, ...findings], entries.get(key));
  }

  #fallBack(current: Intaken, findings: readonly Finding[], entry: StateEntry | undefined): void {
    const loaded = lastGoodOf(current, entry);
    this.#choices.set(current.key, {
      current,
      ...(loaded !== undefined && { loaded }),
      takesPart: loaded === undefined ? 'none' : 'lastGood',
      findings,
    });
  }
}

function isVersion(entry: StateEntry | undefined, { object: { metadata } }: LoadedResource): boolean {
  return entry?.uid === metadata.uid && entry?.generation === metadata.generation;
}
