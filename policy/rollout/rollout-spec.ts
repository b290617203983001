import type { GateCheck, RolloutProfile } from '../resources/types.generated.ts';
import type { RolloutStage } from './rollout-state.ts';

/** What a rollout must show, with every default, profile and floor worked in. Times in ms. */
export interface RolloutSpec {
  profile: RolloutProfile;
  /** Straight to the target in one pass: profile `immediate`, with neither gates nor a floor of the tenant beside it. */
  immediate: boolean;
  targetStage: RolloutStage;
  gates: { Partial: ResolvedGate; Enforce: ResolvedGate };
  partial: PartialSpec;
  /** The policy is taken out of force; its rollout rests. */
  suspend: boolean;
}

/** Which agents enforce in stage Partial: the listed ones, else a share of those in scope. */
export interface PartialSpec {
  agents?: readonly string[];
  /** 0 to 100, whole; of listed agents, the share that they make up. */
  percent: number;
}

export interface ResolvedGate {
  /** In the stage before. */
  minDuration: number;
  minDecisions: number;
  minAgents: number;
  checks: readonly ResolvedCheck[];
  /** Present where people must agree to the step. */
  approval?: { approvers: number };
}

export interface ResolvedCheck {
  name: string;
  metric: GateCheck['metric'];
  /** Largest passing share, in hundredths of a percent. */
  basisPoints: number;
  window: number;
  interval: number;
  consecutivePasses: number;
  failureLimit: number;
  /** The policy or the tenant's floors name it; false where only the profile brings it along. */
  explicit: boolean;
}

const ORDER: readonly RolloutStage[] = ['Shadow', 'Partial', 'Enforce'];

/** 0 for Shadow to 2 for Enforce; -1 for what is no stage. */
export function stageRank(stage: unknown): number {
  return ORDER.indexOf(stage as RolloutStage);
}
