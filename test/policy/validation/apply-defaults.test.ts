import type { Resource } from '../../../policy/resources/resource.ts';
import type { AgentPolicy } from '../../../policy/resources/types.generated.ts';
import { applyDefaults } from '../../../policy/validation/apply-defaults.ts';
import { fixturesIn, loadFixture } from './load-fixture.ts';

const policy = (): AgentPolicy => ({
  apiVersion: 'aegis.dev/v1alpha1',
  kind: 'AgentPolicy',
  metadata: { name: 'p', namespace: 'n' },
  spec: {
    scope: { tenantWide: true },
    rules: [
      {
        name: 'r',
        actions: ['a'],
        conditions: { timeWindows: [{ from: '08:00', to: '09:00' }] },
        limits: [{ name: 'l', rate: { max: 1, window: '1m' } }],
      },
    ],
    rollout: { gates: [{ to: 'Enforce', approval: {} }] },
  },
});

test('fills every default where its parent is present', () => {
  const { spec, status } = applyDefaults(policy());
  expect(spec.rules[0]).toMatchObject({
    type: 'Permit',
    conditions: { timeWindows: [{ timeZone: 'UTC' }] },
    limits: [{ per: 'Agent' }],
  });
  expect(spec.rollout).toEqual({
    targetStage: 'Enforce',
    gates: [{ to: 'Enforce', approval: { required: true, approvers: 1 } }],
  });
  expect(status).toEqual({ observedGeneration: -1 });
});

test('invents no parents, keeps what is written, and changes nothing in place', () => {
  const before = policy();
  const copy = structuredClone(before);
  const after = applyDefaults({
    ...before,
    spec: { ...before.spec, rules: [{ name: 'r', actions: ['a'], type: 'Restrict' }] },
  });
  expect(after.spec.rules[0]).toEqual({ name: 'r', actions: ['a'], type: 'Restrict' });
  expect(before).toEqual(copy);
});

test.each(fixturesIn('valid'))('%s: twice is once', (path) => {
  for (const { object } of loadFixture(path).resources) {
    const once = applyDefaults(object);
    expect(applyDefaults(once)).toBe(once);
  }
});

test('leaves empty fields and foreign kinds alone', () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } } as Resource;
  expect(applyDefaults(object)).toBe(object);
  const empty = { ...policy(), spec: { ...policy().spec, rollout: null } } as unknown as Resource;
  expect((applyDefaults(empty).spec as { rollout: unknown }).rollout).toBeNull();
});

test('defaults are not shared between resources', () => {
  const [a, b] = [applyDefaults(policy()), applyDefaults(policy())];
  expect(a.status).not.toBe(b.status);
});
