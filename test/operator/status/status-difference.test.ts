import fc from 'fast-check';
import { policyStatus } from '../../../operator/status/policy-status.ts';
import { differenceOf, removals, sameStatus } from '../../../operator/status/status-difference.ts';
import { tenantStatus } from '../../../operator/status/tenant-status.ts';
import { policyView as anyPolicyView, START } from './arbitraries.ts';
import { policyView, rollout, SHADOW, tenantView } from './sample-views.ts';

const status = (change: Parameters<typeof policyView>[0] = {}) => policyStatus(policyView(change), undefined, START);

test.each([
  ['generation', { generation: 2 }],
  ['a condition', { pods: { matched: 3, acknowledged: 1 } }],
  ['a reason', { pods: { matched: 0, acknowledged: 0 } }],
  ['stage', { rollout: rollout({ stage: 'Partial' }) }],
  ['phase', { rollout: rollout({ phase: 'Paused' }) }],
  ['stable revision', { rollout: rollout({ stableRevision: SHADOW.revision }) }],
  ['sequence', { published: { ...status().bundle, sequence: 13 } as never }],
])('another %s is a transition', (_, change) => {
  expect(differenceOf('AgentPolicy', status(change as never), status())).toBe('transition');
  expect(differenceOf('AgentPolicy', status(), undefined)).toBe('transition');
  expect(differenceOf('AgentPolicy', status(), { observedGeneration: -1 })).toBe('transition');
});

test('counts are a detail, and the newest head is left to age on a policy', () => {
  expect(differenceOf('AgentPolicy', status({ pods: { matched: 4, acknowledged: 4 } }), status())).toBe('detail');
  const counted = status({ rollout: { ...SHADOW, gate: { to: 'Partial', decisions: 813, agents: 3 } } });
  expect(differenceOf('AgentPolicy', counted, status({ rollout: SHADOW }))).toBe('detail');
  const renewed = { published: { ...status().bundle, digest: 'other', expiresAt: '2026-03-03T08:00:00Z' } as never };
  expect(differenceOf('AgentPolicy', status(renewed), status())).toBe('ageing');
  const both = { ...renewed, pods: { matched: 4, acknowledged: 4 } };
  expect(differenceOf('AgentPolicy', status(both), status())).toBe('detail');
  const tenant = tenantStatus(tenantView(), undefined, START);
  const bundle = { ...tenant.bundle, issuedAt: '2026-03-02T08:00:00Z' };
  expect(differenceOf('AgentTenant', { ...tenant, bundle }, tenant)).toBe('detail');
});

/** Done as the API server does a JSON patch. */
function patched(document: unknown, operations: readonly { op: string; path: string }[]): unknown {
  const copy = structuredClone(document) as Record<string, unknown>;
  for (const { op, path } of operations) {
    expect(op).toBe('remove');
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() as string;
    let place = copy as Record<string, unknown>;
    for (const step of steps) place = place[step] as Record<string, unknown>;
    expect(Object.hasOwn(place, last)).toBe(true);
    if (Array.isArray(place)) place.splice(Number(last), 1);
    else delete place[last];
  }
  return copy;
}

test('what is left after the removals is what is wanted, whatever others have added', () => {
  const foreign = fc.record({
    conditions: fc.array(fc.constantFrom('A', 'a/b~c', 'Stalled', 'Reconciling'), { maxLength: 3 }),
    fields: fc.subarray(['lastHandledRequestAt', 'a/b', 'c~d']),
    gate: fc.boolean(),
    reverse: fc.boolean(),
  });
  fc.assert(
    fc.property(anyPolicyView, foreign, (view, { conditions, fields, gate, reverse }) => {
      const wanted = policyStatus(view, undefined, START);
      const known = new Set(wanted.conditions?.map(({ type }) => type));
      const added = [...new Set(conditions)]
        .filter((type) => !known.has(type))
        .map((type) => ({ type, status: 'True' }));
      const all = [...(wanted.conditions ?? []), ...added];
      const live = {
        ...wanted,
        conditions: reverse ? all.reverse() : all,
        ...Object.fromEntries(fields.map((field) => [field, { deep: true }])),
        ...(gate &&
          wanted.rollout && { rollout: { ...wanted.rollout, gate: { ...wanted.rollout.gate, approval: 'x' } } }),
      };
      const { status: left } = patched({ status: live }, removals(wanted, live)) as { status: unknown };
      expect(sameStatus(left, wanted)).toBe(true);
    }),
  );
});
