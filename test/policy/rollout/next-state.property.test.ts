/**
 * Random lives of a policy: edits and reverts, targets raised and lowered, holds, tools that change, evidence that comes
 * and goes, clocks that jump. Every pass is held against what must never happen, with no look at how it is done.
 */
import fc from 'fast-check';
import { type Evidence, NO_EVIDENCE } from '../../../policy/rollout/evidence.ts';
import { nextState, type RolloutStep } from '../../../policy/rollout/next-state.ts';
import { rebaseStable } from '../../../policy/rollout/rebase.ts';
import type { RolloutSpec } from '../../../policy/rollout/resolve-spec.ts';
import type { RolloutStage, RolloutState } from '../../../policy/rollout/rollout-state.ts';
import { A, B, C, D, DAY, evidence, HOUR, OPEN, specOf, T0 } from './support.ts';

const RANK: Record<RolloutStage, number> = { Shadow: 0, Partial: 1, Enforce: 2 };

interface World {
  state: RolloutState | undefined;
  spec: RolloutSpec;
  revision: string;
  evidence: Evidence;
  now: number;
  hold: boolean;
  /** What really enforces for everybody, by what the states said on the way. */
  stable: string | undefined;
  gatesPassed: number;
}

const gate = fc.record({
  minDuration: fc.constantFrom(0, 1, HOUR, DAY),
  minDecisions: fc.constantFrom(0, 1, 50),
  minAgents: fc.constantFrom(0, 1, 3),
  approval: fc.constantFrom(undefined, undefined, undefined, { approvers: 1 }),
});
const gates = fc.tuple(gate, gate).map(([Partial, Enforce]) => {
  const whole = ({ approval, ...values }: typeof Partial) => ({ ...OPEN, ...values, ...(approval && { approval }) });
  return { Partial: whole(Partial), Enforce: whole(Enforce) };
});

type Event = (world: World) => void;

/** Something that can be set happens. */
function change<T>(weight: number, values: fc.Arbitrary<T>, patch: (value: T, world: World) => Partial<World>) {
  return {
    weight,
    arbitrary: values.map(
      (value): Event =>
        (world) =>
          Object.assign(world, patch(value, world)),
    ),
  };
}

const rarely = fc.constantFrom(false, false, false, true);
const respec = (world: World, values: Partial<RolloutSpec>) => ({ spec: { ...world.spec, ...values } });
const seen = [
  NO_EVIDENCE,
  evidence(1, 1),
  evidence(60, 2),
  evidence(70, 3),
  evidence(1000, 9),
  evidence(Number.NaN, -1),
];
const stages: RolloutStage[] = ['Shadow', 'Partial', 'Enforce', 'Enforce', 'Enforce'];

/** The contract of a tool changes: what enforces has another digest. */
const toolChanges: Event = (world) => {
  const { state } = world;
  if (state?.stableRevision === undefined) return;
  const next = state.stableRevision === D ? A : D;
  if (state.revision === state.stableRevision) world.revision = next;
  world.state = rebaseStable(state, next);
  world.stable = next;
};

/** What was committed is read again. */
const restart: Event = (world) => {
  if (world.state !== undefined) world.state = JSON.parse(JSON.stringify(world.state)) as RolloutState;
};

const event: fc.Arbitrary<Event> = fc.oneof(
  change(6, fc.constantFrom(1, HOUR / 2, HOUR, 2 * DAY, 200 * DAY), (ms, { now }) => ({ now: now + ms })),
  change(1, fc.constantFrom(1, HOUR, 90 * DAY), (ms, { now }) => ({ now: now - ms })),
  change(2, fc.constantFrom(A, B, C), (revision) => ({ revision })),
  change(4, fc.constantFrom(...seen), (counted) => ({ evidence: counted })),
  change(2, fc.constantFrom(...stages), (targetStage, world) => respec(world, { targetStage })),
  change(1, gates, (given, world) => respec(world, { gates: given, immediate: false })),
  change(1, rarely, (immediate, world) =>
    respec(world, { immediate, ...(immediate && { gates: { Partial: OPEN, Enforce: OPEN } }) }),
  ),
  change(1, rarely, (hold) => ({ hold })),
  change(1, rarely, (suspend, world) => respec(world, { suspend })),
  change(1, fc.integer({ min: 0, max: 100 }), (percent, world) => respec(world, { partial: { percent } })),
  { weight: 1, arbitrary: fc.constant(toolChanges) },
  { weight: 1, arbitrary: fc.constant(restart) },
);

function held({ hold, spec }: World): boolean {
  return hold || spec.suspend;
}

function checkSteps(world: World, before: RolloutState | undefined, { state }: RolloutStep): void {
  const { spec, now, evidence: counted } = world;
  const sameRevision = before?.revision === state.revision;
  // Also where the content that enforces has become, under its new name, that of the candidate.
  const reverted = state.revision === before?.stableRevision;
  const from = reverted ? RANK.Enforce : sameRevision ? RANK[before.stage] : RANK.Shadow;
  const steps = RANK[state.stage] - from;
  if (steps <= 0) {
    // nothing goes down but for another revision
    expect(sameRevision && steps < 0).toBe(false);
    return;
  }
  expect(held(world)).toBe(false);
  expect(RANK[state.stage]).toBeLessThanOrEqual(RANK[spec.targetStage]);
  if (spec.immediate) return;
  expect(steps).toBe(1);
  expect(sameRevision).toBe(true);
  const passed = spec.gates[state.stage as 'Partial' | 'Enforce'];
  expect(now - Date.parse(before?.stageEnteredAt ?? '')).toBeGreaterThanOrEqual(Math.max(1, passed.minDuration));
  expect(counted.decisions >= passed.minDecisions || passed.minDecisions === 0).toBe(true);
  expect(counted.agents >= passed.minAgents || passed.minAgents === 0).toBe(true);
  expect(passed.approval).toBeUndefined();
  world.gatesPassed++;
}

function checkStable(world: World, { state }: RolloutStep): void {
  if (state.stage === 'Enforce') expect(state.stableRevision).toBe(state.revision);
  else {
    expect(state.stableRevision).toBe(world.stable);
    expect(state.stableRevision).not.toBe(state.revision);
  }
}

function checkShape(world: World, { state, wakeAt }: RolloutStep): void {
  const { targetStage } = world.spec;
  expect(state.revision).toBe(world.revision);
  expect(state.history.length).toBeGreaterThanOrEqual(1);
  expect(state.history.length).toBeLessThanOrEqual(10);
  expect(state.lastTransition).toEqual(state.history[0]);
  expect(state.history[0]).toMatchObject({ to: state.stage, at: state.stageEnteredAt });
  expect(state.phase === 'Paused').toBe(held(world));
  if (!held(world)) expect(state.phase === 'Complete').toBe(RANK[state.stage] >= RANK[targetStage]);
  expect(state.gate === undefined).toBe(RANK[state.stage] >= RANK[targetStage]);
  if (state.stage === 'Shadow') expect(state.partialPercent).toBe(0);
  if (state.stage === 'Enforce') expect(state.partialPercent).toBe(100);
  expect(Number.isInteger(state.partialPercent)).toBe(true);
  if (wakeAt !== undefined) expect(wakeAt).toBeGreaterThan(world.now);
}

function pass(world: World): void {
  const before = world.state;
  const frozen = JSON.stringify(before);
  const input = { ...world, state: before };
  const step = nextState(input);
  expect(JSON.stringify(before)).toBe(frozen);
  checkSteps(world, before, step);
  checkStable(world, step);
  checkShape(world, step);
  const again = nextState({ ...input, state: step.state });
  expect(again.state).toBe(step.state);
  const read = JSON.parse(JSON.stringify(step.state)) as RolloutState;
  expect(nextState({ ...input, state: read }).state).toBe(read);
  // what is promised for later: until then, time alone changes nothing
  if (step.wakeAt !== undefined && step.wakeAt - 1 > world.now) {
    const early = nextState({ ...input, state: step.state, now: step.wakeAt - 1 });
    expect(early.state.stage).toBe(step.state.stage);
  } else if (step.wakeAt === undefined) {
    const never = nextState({ ...input, state: step.state, now: world.now + 10_000 * DAY });
    expect(never.state.stage).toBe(step.state.stage);
  }
  world.state = step.state;
  if (step.state.stage === 'Enforce') world.stable = step.state.revision;
}

test('whatever happens, in whatever order', () => {
  let promotions = 0;
  fc.assert(
    fc.property(
      gates,
      fc.array(fc.array(event, { maxLength: 3, size: 'max' }), { minLength: 5, maxLength: 60, size: 'max' }),
      (given, rounds) => {
        const world: World = {
          state: undefined,
          spec: specOf({ gates: given }),
          revision: A,
          evidence: NO_EVIDENCE,
          now: T0,
          hold: false,
          stable: undefined,
          gatesPassed: 0,
        };
        for (const events of rounds) {
          for (const each of events) each(world);
          pass(world);
        }
        promotions += world.gatesPassed;
      },
    ),
    { numRuns: 500 },
  );
  // the lives above are lived: a test in which nothing ever rises shows nothing
  expect(promotions).toBeGreaterThan(250);
});

test('any garbage in place of a state: nothing is promoted, and the stable revision is kept', () => {
  const anything = fc.record(
    {
      stage: fc.oneof(fc.constantFrom('Shadow', 'Partial', 'Enforce'), fc.string(), fc.integer()),
      phase: fc.oneof(fc.constantFrom('Complete', 'Paused', 'RolledBack'), fc.string()),
      revision: fc.oneof(fc.constantFrom(A, B), fc.anything()),
      stableRevision: fc.constantFrom(A, B, C, undefined),
      stageEnteredAt: fc.oneof(
        fc.constantFrom('2026-02-01T00:00:00Z', '2999-01-01T00:00:00Z'),
        fc.string(),
        fc.integer(),
      ),
      partialPercent: fc.anything(),
      gate: fc.constantFrom(undefined, { to: 'Enforce', decisions: -1, agents: 0 }),
      history: fc.oneof(fc.constant([]), fc.string(), fc.constant(undefined)),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(anything, (garbage) => {
      const state = garbage as unknown as RolloutState;
      const input = { spec: specOf(), revision: A, evidence: NO_EVIDENCE, now: T0 };
      const step = nextState({ ...input, state });
      const enforced = garbage.stableRevision === A;
      if (!enforced) expect(step.state.stage).toBe(garbage.stage === 'Partial' ? step.state.stage : 'Shadow');
      if (!enforced) expect(step.state.stage).not.toBe('Enforce');
      else expect(step.state.stage).toBe('Enforce');
      expect(step.state.stableRevision).toBe(garbage.stableRevision);
      expect(nextState({ ...input, state: step.state }).state).toBe(step.state);
      expect(Number.isInteger(step.state.partialPercent)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
