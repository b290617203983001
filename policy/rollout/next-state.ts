import type { Evidence } from './evidence.ts';
import { countedEvidence, type GateVerdict, judgeGate } from './judge-gate.ts';
import { enterRevision, type Position, stepUp } from './position.ts';
import { type ResolvedGate, type RolloutSpec, stageRank } from './rollout-spec.ts';
import type { RolloutGate, RolloutPhase, RolloutState } from './rollout-state.ts';
import { sameState } from './same-state.ts';

export interface RolloutInput {
  spec: RolloutSpec;
  /** As it was left by the pass before; undefined for a policy that was never seen. */
  state: RolloutState | undefined;
  /** Digest of the newest accepted revision. */
  revision: string;
  /** Of this revision in its stage. */
  evidence: Evidence;
  /** ms since the epoch. */
  now: number;
  /** The object as it stands is not accepted: what is known goes on as it is, nothing is promoted. */
  hold?: boolean;
}

export interface RolloutStep {
  /** The same object as before where nothing has changed. */
  state: RolloutState;
  /** CamelCase: what happened in this pass, else what is waited for, else `Complete`. */
  reason: string;
  /** ms since the epoch: when time alone may change the answer. */
  wakeAt?: number;
}

/**
 * One pass over the rollout of one policy: where it stands now, from where it stood, what is wanted and what was seen.
 * At most one step up, and none beyond the target; straight to the target where nothing is asked for. Pure, and done
 * twice it is done once.
 */
export function nextState(input: RolloutInput): RolloutStep {
  const { spec, state, revision } = input;
  const now = Math.floor(input.now);
  const entered = enterRevision(state, revision, now);
  const held = input.hold === true || spec.suspend;
  // A revision that was taken back rises again only as another revision, or where somebody says so.
  const back = state?.phase === 'RolledBack' && entered.reason === undefined && !reached(entered, spec);
  const position = held || back ? entered : advance(entered, { ...input, now });
  const verdict = held || back ? undefined : judgeNext(position, { ...input, now });
  const phase = phaseOf(position, spec, { held, back, verdict });
  const next = compose(
    position,
    phase,
    partialPercent(position, input, held),
    gateOf(position, { ...input, now }, phase),
  );
  const until = verdict?.outcome === 'Hold' ? verdict.until : undefined;
  return {
    state: state !== undefined && sameState(state, next) ? state : next,
    reason: position.reason ?? reasonOf(phase, verdict, spec),
    ...(until !== undefined && { wakeAt: until }),
  };
}

function reached({ stage }: Position, { targetStage }: RolloutSpec): boolean {
  return stageRank(stage) >= stageRank(targetStage);
}

/** The gate before the next stage; undefined at the target. */
function nextGate(position: Position, spec: RolloutSpec): { to: RolloutGate['to']; gate: ResolvedGate } | undefined {
  if (reached(position, spec)) return undefined;
  const to = position.stage === 'Shadow' ? 'Partial' : 'Enforce';
  return { to, gate: spec.gates[to] };
}

function judgeNext(position: Position, { spec, evidence, now }: RolloutInput): GateVerdict | undefined {
  const next = nextGate(position, spec);
  return next && judgeGate(next.gate, { enteredAt: Date.parse(position.enteredAt), now, evidence });
}

function advance(start: Position, input: RolloutInput): Position {
  const { spec, now } = input;
  let position = start;
  if (spec.immediate) {
    for (let next = nextGate(position, spec); next !== undefined; next = nextGate(position, spec)) {
      position = stepUp(position, next.to, now, 'Immediate');
    }
    return position;
  }
  const next = nextGate(position, spec);
  if (next === undefined || judgeNext(position, input)?.outcome !== 'Pass') return position;
  const { minDecisions, minAgents } = next.gate;
  return stepUp(position, next.to, now, minDecisions > 0 || minAgents > 0 ? 'GatePassed' : 'DurationReached');
}

function phaseOf(
  position: Position,
  spec: RolloutSpec,
  { held, back, verdict }: { held: boolean; back: boolean; verdict: GateVerdict | undefined },
): RolloutPhase {
  if (back) return 'RolledBack';
  if (held) return 'Paused';
  if (reached(position, spec)) return 'Complete';
  return verdict?.outcome === 'Hold' && verdict.reason === 'AwaitingApproval' ? 'AwaitingApproval' : 'GateRunning';
}

function gateOf(
  position: Position,
  { spec, evidence, now }: RolloutInput,
  phase: RolloutPhase,
): RolloutGate | undefined {
  const next = phase === 'RolledBack' ? undefined : nextGate(position, spec);
  if (next === undefined) return undefined;
  const { decisions, agents } = countedEvidence({ enteredAt: Date.parse(position.enteredAt), now, evidence });
  return { to: next.to, decisions, agents };
}

/** While the rollout rests, the cohort stays as it is, whatever its size is meant to be next. */
function partialPercent({ stage, reason }: Position, { spec, state }: RolloutInput, held: boolean): number {
  if (stage !== 'Partial') return stage === 'Enforce' ? 100 : 0;
  const before = state?.partialPercent;
  const kept = held && reason === undefined && Number.isInteger(before) ? (before as number) : spec.partial.percent;
  return Math.min(100, Math.max(0, kept));
}

function compose(
  position: Position,
  phase: RolloutPhase,
  partialPercent: number,
  gate: RolloutGate | undefined,
): RolloutState {
  const { stage, revision, stable, enteredAt, history, last } = position;
  return {
    stage,
    phase,
    revision,
    ...(stable !== undefined && { stableRevision: stable }),
    stageEnteredAt: enteredAt,
    partialPercent,
    ...(gate !== undefined && { gate }),
    ...(last !== undefined && { lastTransition: last }),
    history,
  };
}

function reasonOf(phase: RolloutPhase, verdict: GateVerdict | undefined, spec: RolloutSpec): string {
  if (phase === 'Paused') return spec.suspend ? 'Suspended' : 'Held';
  return verdict?.outcome === 'Hold' ? verdict.reason : phase;
}
