import type { RolloutState, RolloutTransition } from './rollout-state.ts';

/** Whether two states say the same, counts of the gate included. */
export function sameState(a: RolloutState, b: RolloutState): boolean {
  return sameButCounts(a, b) && a.gate?.decisions === b.gate?.decisions && a.gate?.agents === b.gate?.agents;
}

/** Whether at most the counts of the gate differ: worth a look at the status, no reason to publish anything. */
export function sameButCounts(a: RolloutState, b: RolloutState): boolean {
  return (
    a.stage === b.stage &&
    a.phase === b.phase &&
    a.revision === b.revision &&
    a.stableRevision === b.stableRevision &&
    a.stageEnteredAt === b.stageEnteredAt &&
    a.partialPercent === b.partialPercent &&
    a.gate?.to === b.gate?.to &&
    sameTransition(a.lastTransition, b.lastTransition) &&
    sameHistory(a.history, b.history)
  );
}

function sameHistory(a: readonly RolloutTransition[], b: readonly RolloutTransition[]): boolean {
  if (a === b) return true;
  return Array.isArray(a) && a.length === b.length && a.every((entry, index) => sameTransition(entry, b[index]));
}

function sameTransition(a: RolloutTransition | undefined, b: RolloutTransition | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.from === b.from &&
    a.to === b.to &&
    a.at === b.at &&
    a.revision === b.revision &&
    a.reason === b.reason &&
    a.by === b.by &&
    a.message === b.message
  );
}
