import { NO_EVIDENCE } from '../../../policy/rollout/evidence.ts';
import { nextState } from '../../../policy/rollout/next-state.ts';
import { rebaseStable } from '../../../policy/rollout/rebase.ts';
import type { RolloutState } from '../../../policy/rollout/rollout-state.ts';
import { sameButCounts } from '../../../policy/rollout/same-state.ts';
import { A, B, C, D, DAY, ENOUGH, evidence, HOUR, OPEN, Passes, specOf, T0 } from './support.ts';

const at = (ms: number): string => new Date(ms).toISOString();
const IMMEDIATE = specOf({ profile: 'immediate', immediate: true, gates: { Partial: OPEN, Enforce: OPEN } });

test('a new policy shadows, then a cohort, then all', () => {
  const policy = new Passes();
  expect(policy.pass()).toEqual({
    reason: 'NewRevision',
    wakeAt: T0 + HOUR,
    state: {
      stage: 'Shadow',
      phase: 'GateRunning',
      revision: A,
      stageEnteredAt: at(T0),
      partialPercent: 0,
      gate: { to: 'Partial', decisions: 0, agents: 0 },
      lastTransition: { to: 'Shadow', at: at(T0), revision: A, reason: 'NewRevision', by: 'system:aegis-operator' },
      history: [{ to: 'Shadow', at: at(T0), revision: A, reason: 'NewRevision', by: 'system:aegis-operator' }],
    },
  });
  policy.evidence = ENOUGH;
  expect(policy.after(HOUR - 1)).toMatchObject({ reason: 'WaitingForDuration', wakeAt: T0 + HOUR });
  expect(policy.state?.gate).toEqual({ to: 'Partial', decisions: 100, agents: 5 });
  expect(policy.after(1)).toMatchObject({
    reason: 'GatePassed',
    wakeAt: T0 + 2 * HOUR,
    state: { stage: 'Partial', phase: 'GateRunning', partialPercent: 25, stageEnteredAt: at(T0 + HOUR) },
  });
  expect(policy.state?.stableRevision).toBeUndefined();
  // what was seen before the stage began does not count for the next step
  expect(policy.state?.gate).toEqual({ to: 'Enforce', decisions: 0, agents: 0 });
  const { state, reason, wakeAt } = policy.after(HOUR);
  expect([reason, wakeAt]).toEqual(['GatePassed', undefined]);
  expect(state).toMatchObject({ stage: 'Enforce', phase: 'Complete', stableRevision: A, partialPercent: 100 });
  expect(state.gate).toBeUndefined();
  expect(state.history.map(({ from, to }) => [from, to])).toEqual([
    ['Partial', 'Enforce'],
    ['Shadow', 'Partial'],
    [undefined, 'Shadow'],
  ]);
  expect(policy.after(DAY)).toEqual({ state, reason: 'Complete' });
  expect(policy.state).toBe(state);
});

test('what is missing is said, and nothing passes without it', () => {
  const policy = new Passes();
  policy.pass();
  const waits = (decisions: number, agents: number): string => {
    policy.evidence = evidence(decisions, agents);
    return policy.after(DAY).reason;
  };
  expect(waits(0, 0)).toBe('WaitingForDecisions');
  expect(waits(9, 9)).toBe('WaitingForDecisions');
  expect(waits(Number.NaN, 9)).toBe('WaitingForDecisions');
  expect(waits(100, 1)).toBe('WaitingForAgents');
  expect(waits(100, -3)).toBe('WaitingForAgents');
  expect(policy.state?.stage).toBe('Shadow');
  expect(waits(10, 2)).toBe('GatePassed');
});

test('counts alone leave everything else as it is', () => {
  const policy = new Passes();
  policy.pass();
  policy.evidence = evidence(1, 1);
  const first = policy.after(1).state;
  expect(policy.after(1).state).toBe(first);
  policy.evidence = evidence(2, 1);
  const second = policy.after(1).state;
  expect(second).not.toBe(first);
  expect(sameButCounts(first, second)).toBe(true);
});

test('an edit shadows while the stable revision goes on; taking it back drops it at once', () => {
  const policy = new Passes();
  policy.enforce(A);
  policy.revision = B;
  expect(policy.after(HOUR).state).toMatchObject({
    stage: 'Shadow',
    revision: B,
    stableRevision: A,
    phase: 'GateRunning',
  });
  expect(policy.state?.lastTransition?.from).toBeUndefined();
  policy.evidence = ENOUGH;
  expect(policy.after(HOUR).state).toMatchObject({ stage: 'Partial', revision: B, stableRevision: A });
  policy.revision = C;
  expect(policy.after(1).state).toMatchObject({ stage: 'Shadow', revision: C, stableRevision: A, partialPercent: 0 });
  policy.revision = A;
  expect(policy.after(1)).toMatchObject({
    reason: 'Reverted',
    state: { stage: 'Enforce', phase: 'Complete', revision: A, stableRevision: A, partialPercent: 100 },
  });
});

test('immediate: the whole way in one pass, each step told', () => {
  const policy = new Passes();
  policy.spec = IMMEDIATE;
  const { state, reason } = policy.pass();
  expect(reason).toBe('Immediate');
  expect(state).toMatchObject({ stage: 'Enforce', phase: 'Complete', stableRevision: A });
  expect(state.history.map(({ to, reason: why }) => `${to} ${why}`)).toEqual([
    'Enforce Immediate',
    'Partial Immediate',
    'Shadow NewRevision',
  ]);
  policy.spec = { ...IMMEDIATE, targetStage: 'Partial' };
  policy.revision = B;
  expect(policy.pass().state).toMatchObject({ stage: 'Partial', phase: 'Complete', stableRevision: A, revision: B });
});

test('immediate takes a rollout that is under way to its end as well', () => {
  const policy = new Passes();
  policy.pass();
  policy.spec = IMMEDIATE;
  expect(policy.pass().state).toMatchObject({ stage: 'Enforce', stableRevision: A });
});

test('open gates still take a pass and a moment each', () => {
  const policy = new Passes();
  policy.spec = specOf({ gates: { Partial: OPEN, Enforce: OPEN } });
  expect(policy.pass()).toMatchObject({ state: { stage: 'Shadow' }, wakeAt: T0 + 1 });
  expect(policy.pass().state.stage).toBe('Shadow');
  expect(policy.after(1)).toMatchObject({ state: { stage: 'Partial' }, reason: 'DurationReached', wakeAt: T0 + 2 });
  expect(policy.after(1).state.stage).toBe('Enforce');
});

test('the target: never beyond it; lowering it takes nothing out of force', () => {
  const policy = new Passes();
  policy.spec = specOf({ targetStage: 'Shadow' });
  policy.evidence = ENOUGH;
  expect(policy.pass().state.phase).toBe('Complete');
  expect(policy.after(90 * DAY)).toMatchObject({ reason: 'Complete', state: { stage: 'Shadow', phase: 'Complete' } });
  policy.spec = specOf({ targetStage: 'Partial' });
  expect(policy.after(1).state).toMatchObject({ stage: 'Partial', phase: 'Complete' });
  expect(policy.after(90 * DAY).state).toMatchObject({ stage: 'Partial' });
  policy.spec = specOf({ targetStage: 'Shadow' });
  expect(policy.after(1).state).toMatchObject({ stage: 'Partial', phase: 'Complete', partialPercent: 25 });
  policy.spec = specOf();
  expect(policy.after(1).state).toMatchObject({ stage: 'Enforce', stableRevision: A });
  policy.spec = specOf({ targetStage: 'Shadow' });
  expect(policy.after(1).state).toMatchObject({ stage: 'Enforce', phase: 'Complete', stableRevision: A });
  policy.revision = B;
  expect(policy.after(1).state).toMatchObject({ stage: 'Shadow', phase: 'Complete', stableRevision: A });
});

test('while it is held nothing moves, and its clock goes on', () => {
  const policy = new Passes();
  policy.evidence = ENOUGH;
  policy.pass();
  policy.hold = true;
  expect(policy.after(DAY)).toMatchObject({ reason: 'Held', state: { stage: 'Shadow', phase: 'Paused' } });
  expect(policy.pass().wakeAt).toBeUndefined();
  policy.hold = false;
  policy.spec = specOf({ suspend: true });
  expect(policy.after(1)).toMatchObject({ reason: 'Suspended', state: { stage: 'Shadow', phase: 'Paused' } });
  policy.spec = specOf();
  expect(policy.after(1).state.stage).toBe('Partial');
  policy.hold = true;
  policy.spec = specOf({ partial: { percent: 90 } });
  expect(policy.after(1).state).toMatchObject({ partialPercent: 25, phase: 'Paused' });
  policy.spec = IMMEDIATE;
  expect(policy.after(1).state).toMatchObject({ stage: 'Partial', partialPercent: 25 });
  policy.revision = B;
  expect(policy.after(1).state).toMatchObject({ stage: 'Shadow', phase: 'Paused', revision: B });
});

test('the cohort follows the policy', () => {
  const policy = new Passes();
  policy.evidence = ENOUGH;
  policy.pass();
  policy.after(HOUR);
  policy.evidence = NO_EVIDENCE;
  policy.spec = specOf({ partial: { percent: 50 } });
  expect(policy.after(1).state.partialPercent).toBe(50);
});

test('an approval is waited for once all else is there, for ever', () => {
  const policy = new Passes();
  const gate = { ...OPEN, minDecisions: 1, approval: { approvers: 1 } };
  policy.spec = specOf({ gates: { Partial: gate, Enforce: gate } });
  policy.pass();
  expect(policy.after(1)).toMatchObject({ reason: 'WaitingForDecisions', state: { phase: 'GateRunning' } });
  policy.evidence = ENOUGH;
  expect(policy.after(1)).toMatchObject({ reason: 'AwaitingApproval', state: { phase: 'AwaitingApproval' } });
  expect(policy.after(900 * DAY)).toMatchObject({ reason: 'AwaitingApproval', state: { stage: 'Shadow' } });
});

test('checks that somebody asked for hold until they can be judged; those of a profile do not', () => {
  const check = {
    name: 'c',
    metric: 'WouldDeny' as const,
    basisPoints: 100,
    window: HOUR,
    interval: HOUR,
    consecutivePasses: 1,
    failureLimit: 0,
  };
  const policy = new Passes();
  const gate = (explicit: boolean) => ({ ...OPEN, checks: [{ ...check, explicit }] });
  policy.spec = specOf({ gates: { Partial: gate(false), Enforce: gate(true) } });
  policy.evidence = ENOUGH;
  policy.pass();
  expect(policy.after(1).state.stage).toBe('Partial');
  expect(policy.after(900 * DAY)).toMatchObject({ reason: 'ChecksNotJudged', state: { stage: 'Partial' } });
});

test('history keeps the last ten, newest first', () => {
  const policy = new Passes();
  for (let i = 0; i < 30; i++) {
    policy.revision = [A, B, C, D][i % 4] as string;
    policy.after(HOUR);
  }
  expect(policy.state?.history).toHaveLength(10);
  expect(policy.state?.history[0]).toEqual(policy.state?.lastTransition);
  const times = policy.state?.history.map((entry) => Date.parse(entry.at)) ?? [];
  expect(times).toEqual([...times].sort((a, b) => b - a));
});

test('a stage that begins in the future has not lasted at all', () => {
  const policy = new Passes();
  policy.evidence = ENOUGH;
  policy.pass();
  policy.now = T0 - 30 * DAY;
  const { state } = policy.pass();
  expect(policy.pass()).toMatchObject({ reason: 'ClockBehind', wakeAt: T0 + HOUR, state: { stage: 'Shadow' } });
  expect(state.stageEnteredAt).toBe(at(T0));
  policy.now = T0 + HOUR - 1;
  expect(policy.pass().state.stage).toBe('Shadow');
  policy.now = T0 + HOUR;
  expect(policy.pass().state.stage).toBe('Partial');
});

test('a state that cannot be begins anew and promotes nothing', () => {
  const policy = new Passes();
  policy.enforce(A);
  policy.revision = B;
  const good = policy.after(DAY).state;
  const impossible: Record<string, unknown>[] = [
    { stage: 'Everywhere' },
    { stage: 'Enforce' },
    { stage: undefined },
    { stageEnteredAt: 'yesterday' },
    { stageEnteredAt: 17 },
    { revision: undefined },
    { revision: 5, history: 'none' },
  ];
  for (const values of impossible) {
    const state = { ...good, ...values } as unknown as RolloutState;
    const now = policy.now + 90 * DAY;
    const next = nextState({ spec: policy.spec, state, revision: B, evidence: ENOUGH, now });
    expect(next.state).toMatchObject({ stage: 'Shadow', stableRevision: A, revision: B, stageEnteredAt: at(now) });
    expect(['Repaired', 'NewRevision']).toContain(next.reason);
  }
  const phase = nextState({
    spec: policy.spec,
    state: { ...good, phase: 'Done', partialPercent: 7000 } as unknown as RolloutState,
    revision: B,
    evidence: NO_EVIDENCE,
    now: policy.now,
  });
  expect(phase.state).toEqual(good);
});

test('what was rolled back stays so until there is another revision', () => {
  const policy = new Passes();
  policy.enforce(A);
  policy.revision = B;
  policy.evidence = ENOUGH;
  policy.pass();
  const back = { ...(policy.state as RolloutState), phase: 'RolledBack' as const };
  const { gate: _, ...state } = back;
  policy.state = state;
  expect(policy.after(90 * DAY).state).toBe(state);
  policy.spec = IMMEDIATE;
  expect(policy.pass().state).toBe(state);
  policy.revision = C;
  expect(policy.pass().state).toMatchObject({ stage: 'Enforce', stableRevision: C });
});

describe('a tool changes its contract', () => {
  test('what enforces goes on under another name', () => {
    const policy = new Passes();
    const before = policy.enforce(A);
    const state = rebaseStable(before, B);
    expect(state).toEqual({ ...before, revision: B, stableRevision: B });
    policy.state = state;
    policy.revision = B;
    expect(policy.after(1)).toEqual({ reason: 'Complete', state });
    expect(policy.state).toBe(state);
  });

  test('the candidate is another revision then, and begins anew', () => {
    const policy = new Passes();
    policy.enforce(A);
    policy.revision = B;
    const candidate = policy.after(HOUR).state;
    const state = rebaseStable(candidate, C);
    expect(state).toEqual({ ...candidate, stableRevision: C });
    policy.state = state;
    policy.revision = D;
    expect(policy.after(1).state).toMatchObject({ stage: 'Shadow', revision: D, stableRevision: C });
  });

  test('nothing happens where nothing enforces, or nothing changed', () => {
    const policy = new Passes();
    const { state } = policy.pass();
    expect(rebaseStable(state, B)).toBe(state);
    const enforced = policy.enforce(A);
    expect(rebaseStable(enforced, A)).toBe(enforced);
  });
});
