/** `status.rollout` and the condition `RolloutComplete`. */
import type { RolloutStatus, StageTransition } from '../../policy/resources/types.generated.ts';
import { stageRank } from '../../policy/rollout/rollout-spec.ts';
import type { RolloutPhase, RolloutState, RolloutTransition } from '../../policy/rollout/rollout-state.ts';
import { type Aspect, fails, holds } from './aspect.ts';
import { clipText } from './clip-text.ts';
import { present, safeCount, safeLong, safeName, safeReason, safeRevision, safeTime } from './safe-values.ts';
import type { PolicyView } from './views.ts';

const MAX_HISTORY = 10;

export function rolloutStatus(state: RolloutState): RolloutStatus {
  const { stage, phase, revision, stableRevision, stageEnteredAt, partialPercent, gate, lastTransition, history } =
    state;
  return present({
    stage,
    phase,
    revision: safeRevision(revision),
    stableRevision: safeRevision(stableRevision),
    stageEnteredAt: safeTime(stageEnteredAt),
    partialPercent: safeCount(Math.round(partialPercent), 100),
    gate: gate && { to: gate.to, decisions: safeLong(gate.decisions), agents: safeCount(gate.agents) },
    lastTransition: lastTransition && transition(lastTransition),
    history: history.length === 0 ? undefined : history.slice(0, MAX_HISTORY).map(transition),
  });
}

function transition({ from, to, at, revision, reason, by, message }: RolloutTransition): StageTransition {
  return present({
    from,
    to,
    at: safeTime(at),
    revision: safeName(revision, 71),
    reason: clipText(safeReason(reason), 64),
    by: clipText(by, 256),
    message: message === undefined ? undefined : clipText(message),
  });
}

const UNFINISHED: Readonly<Record<Exclude<RolloutPhase, 'Complete'>, string>> = {
  GateRunning: 'the gate to the next stage runs',
  AwaitingApproval: 'the next stage waits for an approval',
  Paused: 'the rollout is paused',
  RolledBack: 'the newest revision was taken back',
};

/** What `wait` means. What is not here (a move that has just happened) is no reason to wait. */
const WAITS: Readonly<Record<string, string>> = {
  WaitingForDuration: 'its minDuration has not passed',
  WaitingForDecisions: 'fewer decisions than its minDecisions have been seen',
  WaitingForAgents: 'fewer agents than its minAgents have been seen',
  ChecksNotJudged: 'its checks cannot be judged',
  ClockBehind: 'the clock is behind the time at which the stage was entered',
  Held: 'the current version is not accepted',
};

/** `Ready` does not depend on it: a policy is ready at its stage, however long it stays there. */
export function rolloutComplete({ rollout, targetStage, suspended, wait }: PolicyView): Aspect {
  const type = 'RolloutComplete';
  if (suspended) return fails(type, 'waiting', 'Paused', 'spec.suspend is true.');
  if (rollout === undefined) {
    return { type, status: 'Unknown', reason: 'NotStarted', message: 'No version has been accepted yet.' };
  }
  const { stage, phase } = rollout;
  const place = `Stage ${stage}, target ${targetStage}`;
  if (phase !== 'Complete') {
    const why = wait === undefined || !Object.hasOwn(WAITS, wait) ? '' : `; ${WAITS[wait]}`;
    return fails(type, 'waiting', phase, `${place}: ${UNFINISHED[phase]}${why}.`);
  }
  if (stageRank(stage) < stageRank(targetStage))
    return fails(type, 'waiting', 'GateRunning', `${place}: the next gate starts.`);
  return holds(type, 'Completed', `${place}: nothing is left to do.`);
}
