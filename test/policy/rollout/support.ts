import type { Evidence } from '../../../policy/rollout/evidence.ts';
import { NO_EVIDENCE } from '../../../policy/rollout/evidence.ts';
import { nextState, type RolloutStep } from '../../../policy/rollout/next-state.ts';
import type { ResolvedGate, RolloutSpec } from '../../../policy/rollout/resolve-spec.ts';
import type { RolloutState } from '../../../policy/rollout/rollout-state.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const T0 = Date.parse('2026-03-01T00:00:00Z');

export const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => `sha256:${digit.repeat(64)}`) as [
  string,
  string,
  string,
  string,
];

export const OPEN: ResolvedGate = { minDuration: 0, minDecisions: 0, minAgents: 0, checks: [] };

export function specOf(values: Partial<RolloutSpec> = {}): RolloutSpec {
  const gate = { ...OPEN, minDuration: HOUR, minDecisions: 10, minAgents: 2 };
  return {
    profile: 'standard',
    immediate: false,
    targetStage: 'Enforce',
    gates: { Partial: gate, Enforce: gate },
    partial: { percent: 25 },
    suspend: false,
    ...values,
  };
}

export function evidence(decisions: number, agents: number): Evidence {
  return { ...NO_EVIDENCE, decisions, agents };
}

export const ENOUGH = evidence(100, 5);

/** Passes over one policy, with what each of them keeps. */
export class Passes {
  state: RolloutState | undefined;
  now = T0;
  spec = specOf();
  revision: string = A;
  evidence: Evidence = NO_EVIDENCE;
  hold = false;

  pass(): RolloutStep {
    const { state, now, spec, revision, evidence: seen, hold } = this;
    const step = nextState({ spec, state, revision, evidence: seen, now, hold });
    this.state = step.state;
    return step;
  }

  /** Goes on by `ms` and passes. */
  after(ms: number): RolloutStep {
    this.now += ms;
    return this.pass();
  }

  /** Until the revision enforces, with all that is asked for. */
  enforce(revision: string): RolloutState {
    this.revision = revision;
    const before = this.evidence;
    this.evidence = ENOUGH;
    this.pass();
    for (let i = 0; i < 4 && this.state?.stage !== 'Enforce'; i++) this.after(30 * DAY);
    this.evidence = before;
    return this.state as RolloutState;
  }
}
