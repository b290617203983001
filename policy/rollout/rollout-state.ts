/** Where a policy stands on its way (design section 8): `status.rollout`, and the same inside every commit. JSON. */
export type RolloutStage = 'Shadow' | 'Partial' | 'Enforce';

export type RolloutPhase = 'GateRunning' | 'AwaitingApproval' | 'Paused' | 'Complete' | 'RolledBack';

export interface RolloutTransition {
  /** Absent for the first entry of a revision. */
  from?: RolloutStage;
  to: RolloutStage;
  /** RFC 3339. */
  at: string;
  revision: string;
  /** CamelCase, e.g. `NewRevision`, `DurationReached`, `Immediate`. */
  reason: string;
  /** `system:aegis-operator`, or who decided. */
  by: string;
  message?: string;
}

export interface RolloutGate {
  to: 'Partial' | 'Enforce';
  decisions: number;
  agents: number;
}

export interface RolloutState {
  /** Of the newest revision. */
  stage: RolloutStage;
  phase: RolloutPhase;
  /** Digest of the newest accepted revision. */
  revision: string;
  /** Digest of the revision that enforces; absent until one has reached Enforce. */
  stableRevision?: string;
  /** RFC 3339. */
  stageEnteredAt: string;
  /** Of the agents in scope, 0 to 100: those for which the newest revision enforces. */
  partialPercent: number;
  gate?: RolloutGate;
  lastTransition?: RolloutTransition;
  /** Newest first, ten at most. */
  history: RolloutTransition[];
}
