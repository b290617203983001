import { type Evidence, NO_EVIDENCE } from './evidence.ts';
import type { ResolvedGate } from './rollout-spec.ts';

export type HoldReason =
  | 'ClockBehind'
  | 'WaitingForDuration'
  | 'WaitingForDecisions'
  | 'WaitingForAgents'
  | 'ChecksNotJudged'
  | 'AwaitingApproval';

export type GateVerdict =
  | { outcome: 'Pass' }
  /** `until`: ms since the epoch; before it nothing but time is needed for another answer. */
  | { outcome: 'Hold'; reason: HoldReason; until?: number };

export interface GateFacts {
  /** When the stage before was entered, ms since the epoch. */
  enteredAt: number;
  now: number;
  evidence: Evidence;
}

/**
 * Whether a step may be taken. A stage lasts for some time at least, however short its gate: so a pass that enters a
 * stage never leaves it, and the same pass twice does nothing twice. What was not counted, or is no number, was not
 * seen: no data never passes.
 */
export function judgeGate(gate: ResolvedGate, facts: GateFacts): GateVerdict {
  const { enteredAt, now } = facts;
  const elapsed = now - enteredAt;
  if (!(elapsed >= shortest(gate))) {
    const reason = elapsed < 0 ? 'ClockBehind' : 'WaitingForDuration';
    return { outcome: 'Hold', reason, until: enteredAt + shortest(gate) };
  }
  const { decisions, agents } = countedEvidence(facts);
  if (!(decisions >= gate.minDecisions)) return { outcome: 'Hold', reason: 'WaitingForDecisions' };
  if (!(agents >= gate.minAgents)) return { outcome: 'Hold', reason: 'WaitingForAgents' };
  // What nobody asked for by name does not hold a rollout as long as it cannot be judged.
  if (gate.checks.some(({ explicit }) => explicit)) return { outcome: 'Hold', reason: 'ChecksNotJudged' };
  if (gate.approval !== undefined) return { outcome: 'Hold', reason: 'AwaitingApproval' };
  return { outcome: 'Pass' };
}

function shortest({ minDuration }: ResolvedGate): number {
  return Math.max(1, minDuration);
}

/** In the moment in which a stage begins, nothing has been seen in it; whole numbers from 0 up. */
export function countedEvidence({ enteredAt, now, evidence }: GateFacts): Pick<Evidence, 'decisions' | 'agents'> {
  if (!(now > enteredAt)) return NO_EVIDENCE;
  return { decisions: count(evidence.decisions), agents: count(evidence.agents) };
}

function count(value: number): number {
  return value > 0 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : 0;
}
