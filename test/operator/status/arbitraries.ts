/** Views as they may come, and worse: whatever the rest of the operator says, a status must be acceptable. */
import fc from 'fast-check';
import type { ObservedEgress } from '../../../operator/status/observed-egress.ts';
import type { PolicyView, Problem, RegistrationView, TenantView, ToolView } from '../../../operator/status/views.ts';
import { ERRORS, type ErrorCode, type Finding } from '../../../policy/errors.ts';
import type { RolloutState, RolloutTransition } from '../../../policy/rollout/rollout-state.ts';
import { GUARD_PROBLEMS, type GuardProblem } from '../../../policy/wire/pod-contract.ts';

export const START = Date.parse('2026-03-01T08:00:00Z');

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 40, unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.string({ minLength: 900, maxLength: 1500, unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 1500, unit: 'binary' }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'half a pair \ud800', 'two\nlines\u0000', '\u202eright to left') },
);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Without the fields that are undefined: the types know no other absence. */
function record<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc
    .record(fields)
    .map((value) => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T);
}

const finding: fc.Arbitrary<Finding> = fc
  .record({
    code: fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[])),
    severity: fc.constantFrom('error' as const, 'warning' as const, 'info' as const),
    message: text,
    field: optional(fc.constantFrom('spec.rules[0].when', 'spec.scope.agents[1]', '')),
    fix: optional(text),
  })
  .map(({ field, fix, ...rest }) => ({
    ...rest,
    ...(field !== undefined && { field }),
    ...(fix !== undefined && { fix }),
  }));

/** Errors first, as views promise. */
const findings = fc.array(finding, { maxLength: 14 }).map((list) => {
  const rank = { error: 0, warning: 1, info: 2 };
  return list.sort((a, b) => rank[a.severity] - rank[b.severity]);
});

const count = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.constantFrom(-1, 2.5, Number.NaN, 2 ** 40));
const generation = fc.integer({ min: 1, max: 4 });
const takesPart = fc.constantFrom('current' as const, 'lastGood' as const, 'none' as const);
const digest = fc.constantFrom(`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`, 'sha256:short');
const time = fc.constantFrom('2026-03-01T08:00:00Z', '2026-03-01T08:00:00.123Z', 'yesterday', '2026-13-01T00:00:00Z');
const missing = optional(fc.record({ since: fc.integer({ min: START - 600_000, max: START + 600_000 }), what: text }));
const problem: fc.Arbitrary<Problem | undefined> = optional(
  fc.record({
    condition: fc.constantFrom('Compiled' as const, 'BundlePublished' as const),
    reason: fc.constantFrom('TooLarge', 'SigningKeyUnavailable', 'no reason at all'),
    message: text,
    terminal: fc.boolean(),
  }),
);
const name = fc.constantFrom('finance', 'a'.repeat(63), 'x'.repeat(300), '');
const stage = fc.constantFrom('Shadow' as const, 'Partial' as const, 'Enforce' as const);

const transition = record<RolloutTransition>({
  from: optional(stage) as fc.Arbitrary<'Shadow'>,
  to: stage,
  at: time,
  revision: digest,
  reason: fc.constantFrom('NewRevision', 'GatePassed', 'not one word'),
  by: text,
  message: optional(text) as fc.Arbitrary<string>,
});

const rollout = record<RolloutState>({
  stage,
  phase: fc.constantFrom('GateRunning', 'AwaitingApproval', 'Paused', 'Complete', 'RolledBack'),
  revision: digest,
  stableRevision: optional(digest) as fc.Arbitrary<string>,
  stageEnteredAt: time,
  partialPercent: fc.constantFrom(0, 5, 12.5, 100, 101, Number.NaN),
  gate: optional(
    fc.record({ to: fc.constantFrom('Partial' as const, 'Enforce' as const), decisions: count, agents: count }),
  ) as fc.Arbitrary<NonNullable<RolloutState['gate']>>,
  lastTransition: optional(transition) as fc.Arbitrary<RolloutTransition>,
  history: fc.array(transition, { maxLength: 14 }),
});

const guard = fc.constantFrom('Off' as const, 'Observe' as const, 'Enforce' as const);
const problems = fc.dictionary(fc.constantFrom(...(Object.keys(GUARD_PROBLEMS) as GuardProblem[])), count, {
  noNullPrototype: true,
});
const observed: fc.Arbitrary<ObservedEgress> = fc.record({
  destination: fc.oneof(
    text,
    fc.integer({ min: 0, max: 40 }).map((n) => `host-${n}.example.com`),
  ),
  port: fc.constantFrom(0, 443, 5432, -1, 70_000, 1.5),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  connections: count,
  refused: fc.boolean(),
});

type All<T> = { [K in keyof T]-?: fc.Arbitrary<T[K]> };

const shared = { generation, findings, takesPart, problem: problem as fc.Arbitrary<Problem> };
const waits = fc.constantFrom(undefined, 'WaitingForDuration', 'AwaitingApproval', 'Immediate', 'constructor');

export const policyView = record<PolicyView>({
  ...shared,
  missing: missing as fc.Arbitrary<NonNullable<PolicyView['missing']>>,
  suspended: fc.boolean(),
  rollout: optional(rollout) as fc.Arbitrary<RolloutState>,
  targetStage: stage,
  wait: waits as fc.Arbitrary<string>,
  published: optional(
    fc.record({ sequence: count, digest, keyId: name, configMapName: name, expiresAt: time }),
  ) as fc.Arbitrary<NonNullable<PolicyView['published']>>,
  pods: fc.record({ matched: count, acknowledged: count, settling: fc.boolean() }),
  deleting: fc.boolean(),
} satisfies All<PolicyView>);

export const registrationView = record<RegistrationView>({
  ...shared,
  missing: missing as fc.Arbitrary<NonNullable<PolicyView['missing']>>,
  agentId: name,
  tenant: optional(name) as fc.Arbitrary<string>,
  conflict: optional(text) as fc.Arbitrary<string>,
  published: optional(fc.record({ sequence: count })) as fc.Arbitrary<{ sequence: number }>,
  configMapName: optional(name) as fc.Arbitrary<string>,
  pods: fc.record({
    ...{ matched: count, injected: count, acknowledged: count, ambiguous: count, silent: count },
    settling: fc.boolean(),
  }),
  suspended: fc.boolean(),
  egressGuard: guard,
  namespace: optional(fc.record({ name, labelled: fc.boolean() })) as fc.Arbitrary<{ name: string; labelled: boolean }>,
  serviceAccountName: optional(text) as fc.Arbitrary<string>,
  strays: optional(count) as fc.Arbitrary<number>,
  optedOut: optional(count) as fc.Arbitrary<number>,
  guard: optional(
    fc.record({
      ...{ unstamped: count, outdated: count, superseded: count, explicit: count, problems },
      guards: fc.record({ Off: count, Observe: count, Enforce: count }),
    }),
  ) as fc.Arbitrary<NonNullable<RegistrationView['guard']>>,
  egressSettling: optional(fc.boolean()) as fc.Arbitrary<boolean>,
  egress: optional(fc.array(observed, { maxLength: 40 })) as fc.Arbitrary<ObservedEgress[]>,
} satisfies All<RegistrationView>);

export const toolView = record<ToolView>({
  ...shared,
  missing: missing as fc.Arbitrary<NonNullable<PolicyView['missing']>>,
  toolId: name,
  tenant: optional(name) as fc.Arbitrary<string>,
  conflict: optional(text) as fc.Arbitrary<string>,
  revision: optional(digest) as fc.Arbitrary<string>,
  actions: count,
  published: fc.boolean(),
  usedBy: optional(count) as fc.Arbitrary<number>,
} satisfies All<ToolView>);

export const tenantView = record<TenantView>({
  ...shared,
  namespaces: fc.oneof(
    fc.array(fc.constantFrom('payments', 'team-a'), { maxLength: 3 }),
    fc.constant(Array.from({ length: 300 }, (_, index) => `namespace-with-a-long-name-${index}`)),
  ),
  agents: count,
  policies: count,
  frozen: fc.boolean(),
  pending: optional(fc.boolean()) as fc.Arbitrary<boolean>,
  bundle: optional(
    fc.record({ digest, sequence: count, keyId: name, issuedAt: time, expiresAt: time }),
  ) as fc.Arbitrary<NonNullable<TenantView['bundle']>>,
  conflict: optional(text) as fc.Arbitrary<string>,
  deleting: fc.boolean(),
} satisfies All<TenantView>);
