import { formatTime } from '../bundle/time.ts';
import { stageRank } from './rollout-spec.ts';
import type { RolloutStage, RolloutState, RolloutTransition } from './rollout-state.ts';

/** Where a revision stands, without what is derived from it. */
export interface Position {
  stage: RolloutStage;
  revision: string;
  stable: string | undefined;
  /** RFC 3339. */
  enteredAt: string;
  /** The same list as before where nothing was added. */
  history: RolloutTransition[];
  last: RolloutTransition | undefined;
  /** Why it moved in this pass; absent where it did not. */
  reason?: string;
}

const HISTORY = 10;
const OPERATOR = 'system:aegis-operator';

/**
 * Where the revision stands at the beginning of a pass. Another revision than the one before begins in Shadow, and one
 * that is the stable one already enforces: then the candidate between them is gone. So does a state that cannot be:
 * beginning anew is the one answer to it that promotes nothing.
 */
export function enterRevision(state: RolloutState | undefined, revision: string, now: number): Position {
  const stable = typeof state?.stableRevision === 'string' ? state.stableRevision : undefined;
  const history = historyOf(state);
  if (state !== undefined && state.revision === revision && possible(state)) {
    const last = history[0] && (state.lastTransition ?? history[0]);
    return { stage: state.stage, revision, stable, enteredAt: state.stageEnteredAt, history, last };
  }
  const from: Position = { stage: 'Shadow', revision, stable, enteredAt: formatTime(now), history, last: undefined };
  if (stable === revision) return moved(from, { to: 'Enforce', revision }, now, 'Reverted');
  return moved(from, { to: 'Shadow', revision }, now, state?.revision === revision ? 'Repaired' : 'NewRevision');
}

export function stepUp(position: Position, to: 'Partial' | 'Enforce', now: number, reason: string): Position {
  const { revision, stage } = position;
  const next = moved(position, { from: stage, to, revision }, now, reason);
  return to === 'Enforce' ? { ...next, stable: revision } : next;
}

function moved(
  position: Position,
  transition: Pick<RolloutTransition, 'from' | 'to' | 'revision'>,
  now: number,
  reason: string,
): Position {
  const at = formatTime(now);
  const { from, to, revision } = transition;
  const last = { ...(from !== undefined && { from }), to, at, revision, reason, by: OPERATOR };
  const history = [last, ...position.history].slice(0, HISTORY);
  return { ...position, stage: to, enteredAt: at, history, last, reason };
}

/** A revision is in Enforce if and only if it is the stable one; and it is known since when it stands where it does. */
function possible({ stage, revision, stableRevision, stageEnteredAt }: RolloutState): boolean {
  if (stageRank(stage) < 0 || (stage === 'Enforce') !== (revision === stableRevision)) return false;
  return typeof stageEnteredAt === 'string' && !Number.isNaN(Date.parse(stageEnteredAt));
}

function historyOf(state: RolloutState | undefined): RolloutTransition[] {
  const history: unknown = state?.history;
  if (!Array.isArray(history)) return [];
  return history.length > HISTORY ? history.slice(0, HISTORY) : (history as RolloutTransition[]);
}
