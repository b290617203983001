import fc from 'fast-check';
import type {
  AgentTenantSpec,
  Gate,
  Rollout,
  RolloutFloors,
  RolloutProfile,
} from '../../../policy/resources/types.generated.ts';
import { resolveRolloutSpec } from '../../../policy/rollout/resolve-spec.ts';
import { DAY, HOUR } from './support.ts';

const scope = { tenantWide: true };
const resolve = (rollout?: Rollout | null, tenant?: AgentTenantSpec, agents = 8) =>
  resolveRolloutSpec({ scope, rules: [], ...(rollout !== undefined && { rollout: rollout as Rollout }) }, tenant, {
    agents,
  });

test('nothing said: standard, seven days of shadow, one agent of four, up to enforce', () => {
  const spec = resolve();
  expect(spec).toMatchObject({
    profile: 'standard',
    immediate: false,
    targetStage: 'Enforce',
    partial: { percent: 25 },
    suspend: false,
    gates: {
      Partial: { minDuration: 7 * DAY, minDecisions: 400, minAgents: 2 },
      Enforce: { minDuration: DAY, minDecisions: 400, minAgents: 2 },
    },
  });
  expect(spec.gates.Partial.checks).toMatchObject([{ metric: 'FalsePositive', basisPoints: 100, explicit: false }]);
  expect(spec.gates.Partial.approval).toBeUndefined();
  expect(resolve(null)).toEqual(spec);
  expect(resolve({})).toEqual(spec);
});

test('floors scale with the number of agents, and no agent is not nobody to wait for', () => {
  const least = (profile: RolloutProfile, agents: number) => {
    const { minDecisions, minAgents } = resolve({ profile }, undefined, agents).gates.Partial;
    return [minDecisions, minAgents];
  };
  expect([0, 1, 3, 8, 1000].map((agents) => least('standard', agents))).toEqual([
    [100, 1],
    [100, 1],
    [150, 1],
    [400, 2],
    [1000, 5],
  ]);
  expect([0, 1, 3, 1000].map((agents) => least('small', agents))).toEqual([
    [10, 1],
    [10, 1],
    [30, 1],
    [100, 1],
  ]);
  expect(resolve({ profile: 'small' }).gates.Partial.minDuration).toBe(DAY);
});

test("the tenant's default profile, where the policy names none", () => {
  const tenant: AgentTenantSpec = { defaults: { profile: 'small' } };
  expect(resolve({}, tenant).profile).toBe('small');
  expect(resolve({ profile: 'standard' }, tenant).profile).toBe('standard');
  expect(resolve({}, { defaults: { profile: 'immediate' } }).immediate).toBe(true);
});

test('each value can be set by itself', () => {
  const { gates } = resolve({
    gates: [
      { to: 'Partial', minDuration: '90m' },
      { to: 'Enforce', minAgents: 0, checks: [] },
    ],
  });
  expect(gates.Partial).toMatchObject({ minDuration: 90 * 60_000, minDecisions: 400, minAgents: 2 });
  expect(gates.Partial.checks).toHaveLength(1);
  expect(gates.Enforce).toMatchObject({ minDuration: DAY, minDecisions: 400, minAgents: 0, checks: [] });
});

test('checks and approvals as they are written', () => {
  const gate: Gate = {
    to: 'Enforce',
    approval: { approvers: 2 },
    checks: [{ name: 'strict', metric: 'WouldDeny', threshold: '0.5%', window: '2h', failureLimit: 3 }],
  };
  expect(resolve({ gates: [gate] }).gates.Enforce).toMatchObject({
    approval: { approvers: 2 },
    checks: [
      {
        name: 'strict',
        metric: 'WouldDeny',
        basisPoints: 50,
        window: 2 * HOUR,
        interval: 300_000,
        consecutivePasses: 1,
        failureLimit: 3,
        explicit: true,
      },
    ],
  });
  expect(resolve({ gates: [{ to: 'Enforce', approval: { required: false } }] }).gates.Enforce.approval).toBeUndefined();
  expect(resolve({ gates: [{ to: 'Enforce', approval: {} }] }).gates.Enforce.approval).toEqual({ approvers: 1 });
});

test('immediate is straight to the target, unless the tenant has a floor or gates stand beside it', () => {
  expect(resolve({ profile: 'immediate' }).immediate).toBe(true);
  const floored = resolve(
    { profile: 'immediate' },
    { rolloutFloors: { gates: [{ to: 'Enforce', minDuration: '3d' }] } },
  );
  expect(floored).toMatchObject({
    immediate: false,
    gates: { Partial: { minDuration: 0, minDecisions: 0 }, Enforce: { minDuration: 3 * DAY, minDecisions: 0 } },
  });
  const gates: Gate[] = [{ to: 'Partial', minDuration: '1h' }];
  expect(resolve({ gates }, { defaults: { profile: 'immediate' } })).toMatchObject({
    immediate: false,
    gates: { Partial: { minDuration: HOUR } },
  });
});

test("of the policy's and the tenant's word the stricter one holds, value by value", () => {
  const tenant: AgentTenantSpec = {
    rolloutFloors: {
      profile: 'small',
      gates: [
        {
          to: 'Enforce',
          minAgents: 4,
          approval: { approvers: 2 },
          checks: [{ name: 'errors', metric: 'EvaluationError', threshold: 1 }],
        },
      ],
    },
  };
  const { gates } = resolve(
    {
      gates: [
        { to: 'Partial', minDuration: '0s', minDecisions: 1_000_000, minAgents: 0 },
        { to: 'Enforce', minAgents: 9, checks: [{ name: 'errors', metric: 'WouldDeny', threshold: 100 }] },
      ],
    },
    tenant,
  );
  expect(gates.Partial).toMatchObject({ minDuration: DAY, minDecisions: 1_000_000, minAgents: 1 });
  expect(gates.Enforce).toMatchObject({ minDuration: DAY, minAgents: 9, approval: { approvers: 2 } });
  expect(gates.Enforce.checks.map(({ name, metric, explicit }) => [name, metric, explicit])).toEqual([
    ['errors', 'WouldDeny', true],
    ['false-positives', 'FalsePositive', false],
    ['errors-floor', 'EvaluationError', true],
  ]);
});

const checks: Gate['checks'][] = [
  [{ name: 'a', metric: 'WouldDeny', threshold: 1 }],
  [{ name: 'a', metric: 'EvaluationError', threshold: '3%' }],
];
const gate = (to: Gate['to']): fc.Arbitrary<Gate> =>
  fc.record(
    {
      to: fc.constant(to),
      minDuration: fc.constantFrom('0s', '5s', '90m', '3h', '14d'),
      minDecisions: fc.nat(5000),
      minAgents: fc.nat(20),
      approval: fc.record({ required: fc.boolean(), approvers: fc.integer({ min: 1, max: 5 }) }),
      checks: fc.constantFrom(...checks),
    },
    { requiredKeys: ['to'] },
  ) as fc.Arbitrary<Gate>;
const gates: fc.Arbitrary<Gate[]> = fc.tuple(gate('Partial'), gate('Enforce'));
const rollouts: fc.Arbitrary<Rollout> = fc.record(
  { profile: fc.constantFrom<RolloutProfile>('standard', 'small', 'immediate'), gates },
  { requiredKeys: [] },
);
const floors: fc.Arbitrary<RolloutFloors> = fc.record(
  { profile: fc.constantFrom<'standard' | 'small'>('standard', 'small'), gates },
  { requiredKeys: [] },
);

test('property: floors never loosen, and what the tenant demands always holds', () => {
  fc.assert(
    fc.property(rollouts, floors, fc.nat(50), (rollout, rolloutFloors, agents) => {
      const own = resolve(rollout, {}, agents);
      const both = resolve(rollout, { rolloutFloors }, agents);
      const least = resolve({ profile: 'immediate', ...rolloutFloors }, {}, agents);
      expect(both.immediate).toBe(false);
      for (const to of ['Partial', 'Enforce'] as const) {
        const floorGate = rolloutFloors.gates?.find((each) => each.to === to);
        for (const value of ['minDuration', 'minDecisions', 'minAgents'] as const) {
          expect(both.gates[to][value]).toBeGreaterThanOrEqual(own.gates[to][value]);
          if (floorGate?.[value] !== undefined) {
            expect(both.gates[to][value]).toBeGreaterThanOrEqual(least.gates[to][value]);
          }
        }
        const approvers = floorGate?.approval?.required === true ? (floorGate.approval.approvers ?? 1) : 0;
        expect(both.gates[to].approval?.approvers ?? 0).toBeGreaterThanOrEqual(
          Math.max(approvers, own.gates[to].approval?.approvers ?? 0),
        );
        const names = both.gates[to].checks.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const check of own.gates[to].checks) expect(both.gates[to].checks).toContainEqual(check);
      }
    }),
  );
});

describe('the cohort', () => {
  const percentOf = (partial: Rollout['partial'], agents = 3, tenant?: string) =>
    resolveRolloutSpec({ scope, rules: [], rollout: { partial: partial as NonNullable<typeof partial> } }, undefined, {
      agents,
      ...(tenant !== undefined && { tenant }),
    }).partial;

  test('a share, as a number or with its sign', () => {
    expect(percentOf({ percent: 30 })).toEqual({ percent: 30 });
    expect(percentOf({ percent: '5%' })).toEqual({ percent: 5 });
    expect(percentOf({ percent: 'half' })).toEqual({ percent: 0 });
  });

  test('listed agents, and the share that they make up', () => {
    expect(percentOf({ agents: ['a'] })).toEqual({ agents: ['a'], percent: 34 });
    expect(percentOf({ agents: ['a', 'b', 'c', 'd'] })).toEqual({ agents: ['a', 'b', 'c', 'd'], percent: 100 });
    expect(percentOf({ agents: ['a'] }, 0)).toEqual({ agents: ['a'], percent: 0 });
  });

  test('listed tenants: all of their agents, and nobody elsewhere', () => {
    expect(percentOf({ tenants: ['one'] }, 3, 'one')).toEqual({ percent: 100 });
    expect(percentOf({ tenants: ['one'], percent: 10 }, 3, 'one')).toEqual({ percent: 10 });
    expect(percentOf({ tenants: ['one'] }, 3, 'two')).toEqual({ percent: 0 });
    expect(percentOf({ tenants: ['one'], agents: ['a'] }, 3, 'two')).toEqual({ percent: 0 });
    expect(percentOf({ tenants: ['one'] })).toEqual({ percent: 0 });
  });
});

test('suspension is carried along', () => {
  expect(resolveRolloutSpec({ scope, rules: [], suspend: true }, undefined, { agents: 1 }).suspend).toBe(true);
});
