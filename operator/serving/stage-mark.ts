import type { EvidenceQuestion } from '../model/evidence-question.ts';
import type { Boot } from './boot-counters.ts';
import { addCounts, type Counts, countsSince, NO_COUNTS, swapped } from './counts.ts';
import { candidateKey } from './read-gateway-bodies.ts';

/** `first`: the revision was in no stage before, so that nothing can have been counted of it earlier. */
export type StageQuestion = EvidenceQuestion & { first?: boolean };

/** ms since the epoch. */
export interface ToldSince {
  /** Gateways that began later have told nobody else. */
  since: number;
  /** The others have told everything again by then. */
  all: number;
}

/** A counter that tells of the stage: of the revision itself, or of the stable one where this one enforces. */
interface StageCounter {
  key: string;
  own: boolean;
}

/**
 * Where the counting for one stage of a revision began. What a gateway had counted until then is left out. Where a
 * counter is first heard of later, it counts from 0 if nothing can be missing; else that first word only says where the
 * counter stands, so that what is not certain counts as not seen.
 */
export class StageMark {
  readonly #question: StageQuestion;
  readonly #counters: readonly StageCounter[];
  /** By boot and counter: as they were when the stage began. */
  readonly #before = new Map<string, ReadonlyMap<string, Counts>>();
  /** Of boots that were forgotten since, by agent. */
  readonly #kept = new Map<string, Counts>();

  constructor(question: StageQuestion, boots: ReadonlyMap<string, Boot>) {
    const { policy, revision, stable } = question;
    this.#question = question;
    this.#counters = [
      { key: candidateKey({ policy, revision }), own: true },
      ...(stable === revision ? [] : [{ key: candidateKey({ policy, revision: stable }), own: false }]),
    ];
    for (const [boot, { candidates }] of boots) {
      const known = new Map<string, Counts>();
      for (const { key } of this.#counters) {
        const counts = candidates.get(key);
        if (counts !== undefined) known.set(key, counts);
      }
      if (known.size > 0) this.#before.set(boot, known);
    }
  }

  isFor({ revision, stable, stageEnteredAt }: EvidenceQuestion): boolean {
    const own = this.#question;
    return own.revision === revision && own.stable === stable && own.stageEnteredAt === stageEnteredAt;
  }

  /** What was counted in this stage, by agent. */
  counts(boots: ReadonlyMap<string, Boot>, told: ToldSince): Map<string, Counts> {
    const agents = new Map(this.#kept);
    for (const [key, boot] of boots) add(agents, boot, this.#countsOf(key, boot, told));
    return agents;
  }

  /** The boot will be forgotten; what it has counted stays. */
  keep(key: string, boot: Boot, told: ToldSince): void {
    add(this.#kept, boot, this.#countsOf(key, boot, told));
  }

  #countsOf(bootKey: string, boot: Boot, told: ToldSince): Counts {
    const { first = false, stageEnteredAt } = this.#question;
    const entered = Date.parse(stageEnteredAt);
    const began = Date.parse(boot.since);
    const nothingBefore = began >= entered || began >= told.since || told.all <= entered;
    let sum = NO_COUNTS;
    for (const { key, own } of this.#counters) {
      const now = boot.candidates.get(key);
      if (now === undefined) continue;
      const start = nothingBefore || (first && own) ? NO_COUNTS : boot.first.get(key);
      const counts = countsSince(now, this.#before.get(bootKey)?.get(key) ?? start ?? now);
      sum = addCounts(sum, own ? counts : swapped(counts));
    }
    return sum;
  }
}

function add(agents: Map<string, Counts>, { by: { agentId } }: Boot, counts: Counts): void {
  if (counts.calls > 0) agents.set(agentId, addCounts(agents.get(agentId), counts));
}
