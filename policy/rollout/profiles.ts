import type { RolloutProfile } from '../resources/types.generated.ts';
import type { ResolvedCheck, ResolvedGate } from './rollout-spec.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(value)));
}

function falsePositives(basisPoints: number): ResolvedCheck {
  return {
    name: 'false-positives',
    metric: 'FalsePositive',
    basisPoints,
    window: DAY,
    interval: HOUR,
    consecutivePasses: 1,
    failureLimit: 0,
    explicit: false,
  };
}

export const OPEN_GATE: ResolvedGate = { minDuration: 0, minDecisions: 0, minAgents: 0, checks: [] };

type Gates = Readonly<Record<'Partial' | 'Enforce', ResolvedGate>>;

/**
 * The gates of a profile for a policy with so many registered agents in its scope. Where there are none yet, one is
 * waited for: no data never passes.
 */
export function profileGates(profile: RolloutProfile, agents: number): Gates {
  if (profile === 'immediate') return { Partial: OPEN_GATE, Enforce: OPEN_GATE };
  if (profile === 'small') {
    const seen = { minDecisions: within(10 * agents, 10, 100), minAgents: 1, checks: [falsePositives(100)] };
    return { Partial: { minDuration: DAY, ...seen }, Enforce: { minDuration: 4 * HOUR, ...seen } };
  }
  const seen = {
    minDecisions: within(50 * agents, 100, 1000),
    minAgents: within(agents / 4, 1, 5),
    checks: [falsePositives(100)],
  };
  return { Partial: { minDuration: 7 * DAY, ...seen }, Enforce: { minDuration: DAY, ...seen } };
}
