import type {
  AgentPolicy,
  AgentTenant,
  Gate,
  GateCheck,
  PartialRollout,
  RolloutFloors,
} from '../resources/types.generated.ts';
import { durationOf } from './duration.ts';
import { OPEN_GATE, profileGates } from './profiles.ts';
import type { PartialSpec, ResolvedCheck, ResolvedGate, RolloutSpec } from './rollout-spec.ts';

export type { ResolvedGate, RolloutSpec } from './rollout-spec.ts';

export interface RolloutFacts {
  /** Registered agents in the policy's scope. */
  agents: number;
  /** Name of the tenant, where the policy is one of the platform and may list tenants in `partial`. */
  tenant?: string;
}

/** Of the agents in scope, where nothing is said: one of up to four. */
const DEFAULT_PERCENT = 25;

/**
 * What the policy says, else its profile, else the tenant's default profile, else `standard`, each value by itself; and
 * of every value the stricter one of this and the tenant's floors.
 */
export function resolveRolloutSpec(
  policy: AgentPolicy['spec'],
  tenant: AgentTenant['spec'] | undefined,
  facts: RolloutFacts,
): RolloutSpec {
  const rollout = policy.rollout ?? {};
  const floors = tenant?.rolloutFloors ?? undefined;
  const profile = rollout.profile ?? tenant?.defaults?.profile ?? 'standard';
  const own = profileGates(profile, facts.agents);
  const gate = (to: 'Partial' | 'Enforce'): ResolvedGate =>
    stricter(withGiven(own[to], rollout.gates?.find(named(to))), floorsOf(to, floors, facts.agents));
  return {
    profile,
    immediate: profile === 'immediate' && rollout.gates == null && floors === undefined,
    targetStage: rollout.targetStage ?? 'Enforce',
    gates: { Partial: gate('Partial'), Enforce: gate('Enforce') },
    partial: partialOf(rollout.partial ?? {}, facts),
    suspend: policy.suspend === true,
  };
}

function named(to: Gate['to']): (gate: Gate) => boolean {
  return (gate) => gate.to === to;
}

/** What stands in the gate replaces what the profile says, value by value. */
function withGiven(base: ResolvedGate, given: Gate | undefined): ResolvedGate {
  if (given === undefined) return base;
  const { approval } = given;
  return {
    minDuration: durationOf(given.minDuration) ?? base.minDuration,
    minDecisions: given.minDecisions ?? base.minDecisions,
    minAgents: given.minAgents ?? base.minAgents,
    checks: given.checks?.map(resolvedCheck) ?? base.checks,
    ...(approval != null && approval.required !== false && { approval: { approvers: approval.approvers ?? 1 } }),
  };
}

/** A floor's profile and its gates are both the least: of two values for the same thing, the stricter one holds. */
function floorsOf(to: Gate['to'], floors: RolloutFloors | undefined, agents: number): ResolvedGate {
  const least = floors?.profile == null ? OPEN_GATE : profileGates(floors.profile, agents)[to];
  return stricter(least, withGiven(OPEN_GATE, floors?.gates?.find(named(to))));
}

function stricter(own: ResolvedGate, floor: ResolvedGate): ResolvedGate {
  const approvers = Math.max(own.approval?.approvers ?? 0, floor.approval?.approvers ?? 0);
  return {
    minDuration: Math.max(own.minDuration, floor.minDuration),
    minDecisions: Math.max(own.minDecisions, floor.minDecisions),
    minAgents: Math.max(own.minAgents, floor.minAgents),
    checks: allChecks(own.checks, floor.checks),
    ...(approvers > 0 && { approval: { approvers } }),
  };
}

/** All must pass. Names stay unique: where the policy has taken one, the tenant's check is told apart. */
function allChecks(own: readonly ResolvedCheck[], floor: readonly ResolvedCheck[]): readonly ResolvedCheck[] {
  if (floor.length === 0) return own;
  const names = new Set(own.map(({ name }) => name));
  const same = (check: ResolvedCheck): boolean => own.some((other) => JSON.stringify(other) === JSON.stringify(check));
  const added = floor
    .filter((check) => !same(check))
    .map((check) => (names.has(check.name) ? { ...check, name: freeName(check.name, names) } : check));
  return [...own, ...added];
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '-floor' : `-floor-${count}`;
    const free = `${name.slice(0, 63 - suffix.length)}${suffix}`;
    if (!taken.has(free)) return free;
  }
}

function resolvedCheck(check: GateCheck): ResolvedCheck {
  return {
    name: check.name,
    metric: check.metric,
    basisPoints: Math.round(percentOf(check.threshold) * 100),
    window: durationOf(check.window) ?? 3_600_000,
    interval: durationOf(check.interval) ?? 300_000,
    consecutivePasses: check.consecutivePasses ?? 1,
    failureLimit: check.failureLimit ?? 0,
    explicit: true,
  };
}

/** `2`, `"2%"` and `"0.5%"`; nothing readable is 0, the strictest. */
function percentOf(value: number | string): number {
  const percent = typeof value === 'number' ? value : Number(value.replace(/%$/, ''));
  return percent >= 0 && percent <= 100 ? percent : 0;
}

/** Of a policy of the platform in a tenant that is not listed, nothing enforces before stage Enforce. */
function partialOf({ agents, percent, tenants }: PartialRollout, facts: RolloutFacts): PartialSpec {
  if (tenants != null && !tenants.includes(facts.tenant ?? '')) return { percent: 0 };
  if (agents != null) {
    const share = facts.agents > 0 ? Math.ceil((100 * agents.length) / facts.agents) : 0;
    return { agents, percent: Math.min(100, share) };
  }
  if (percent != null) return { percent: Math.trunc(percentOf(percent)) };
  return { percent: tenants == null ? DEFAULT_PERCENT : 100 };
}
