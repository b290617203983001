import type { RolloutState } from './rollout-state.ts';

/**
 * The contract of a tool has changed, and with it the digest of what enforces, although nobody edited the policy: the
 * same content goes on under its new name. A candidate keeps its own; that its digest changes as well makes it another
 * revision, which begins in Shadow. Without a stable revision nothing happens.
 */
export function rebaseStable(state: RolloutState, stableRevision: string): RolloutState {
  if (state.stableRevision === undefined || state.stableRevision === stableRevision) return state;
  const newest = state.revision === state.stableRevision ? { revision: stableRevision } : {};
  return { ...state, ...newest, stableRevision };
}
