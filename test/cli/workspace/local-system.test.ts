import { edited, NOW, newSystem, sampleSources } from '../../support/sample.ts';

const call = (amount: number) => ({
  agent: 'finance-agent',
  tool: 'stripe-payments',
  action: 'create_payment',
  params: { amount, currency: 'USD' },
});

const codes = (findings: readonly { code: string; severity: string }[]): string[] =>
  findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);

test('activates the sample and decides', () => {
  const system = newSystem();
  const update = system.update(sampleSources('fintech'));
  expect(codes(update.findings)).toEqual([]);
  expect(update.activated).toEqual([{ tenant: 'fintech', sequence: 1 }]);
  const activation = system.activations.get();
  expect(activation?.evaluate(call(5000)).enforced.verdict).toBe('allow');
  expect(activation?.evaluate(call(5000.01)).enforced.verdict).toBe('approval_needed');
});

test('the same sources again publish nothing', () => {
  const system = newSystem();
  system.update(sampleSources('fintech'));
  const active = system.activations.get();
  expect(system.update(sampleSources('fintech')).activated).toEqual([]);
  expect(system.activations.get()).toBe(active);
});

test('an edit is a new sequence; calls in flight keep the bundle that they took', () => {
  const system = newSystem();
  system.update(sampleSources('fintech'));
  const before = system.activations.get();
  const update = system.update(edited(sampleSources('fintech'), 'maxAmount: 5000', 'maxAmount: 7000'));
  expect(update.activated).toEqual([{ tenant: 'fintech', sequence: 2 }]);
  expect(before?.evaluate(call(6000)).enforced.verdict).toBe('approval_needed');
  expect(system.activations.get()?.evaluate(call(6000)).enforced.verdict).toBe('allow');
});

describe('a broken edit keeps the last good version', () => {
  const broken: [what: string, from: string, to: string, code: string][] = [
    ['a misspelt key', 'maxAmount: 5000', 'maxAmuont: 5000', 'AEGIS_UNKNOWN_FIELD'],
    ['a file that cannot be read', 'kind: AgentPolicy', 'kind: [AgentPolicy', 'AEGIS_YAML_SYNTAX'],
    ['an action that does not exist', 'actions: [create_payment]', 'actions: [create_paymnt]', 'AEGIS_UNKNOWN_ACTION'],
  ];
  test.each(broken)('%s', (_, from, to, code) => {
    const system = newSystem();
    system.update(sampleSources('fintech'));
    const update = system.update(edited(sampleSources('fintech'), from, to));
    expect(codes(update.findings)).toContain(code);
    expect(update.findings[0]?.location?.file).toBe('policies.yaml');
    expect(update.standIns).toContain('AgentPolicy fintech/finance-payments');
    const activation = system.activations.get();
    expect(activation?.evaluate(call(4999)).enforced.verdict).toBe('allow');
    expect(activation?.evaluate(call(5001)).enforced.verdict).toBe('approval_needed');
    // and the repaired text is taken at once
    const repaired = system.update(edited(sampleSources('fintech'), 'maxAmount: 5000', 'maxAmount: 100'));
    expect(codes(repaired.findings)).toEqual([]);
    expect(system.activations.get()?.evaluate(call(101)).enforced.verdict).toBe('approval_needed');
  });
});

test('an edited tool that a policy in force cannot be compiled with changes nothing', () => {
  const system = newSystem();
  system.update(sampleSources('fintech'));
  const before = system.activations.get();
  const update = system.update(edited(sampleSources('fintech'), 'name: create_payment', 'name: pay'));
  expect(codes(update.findings)).toContain('AEGIS_UNKNOWN_ACTION');
  expect(update.held).toEqual(['fintech']);
  expect(update.activated).toEqual([]);
  expect(system.activations.get()).toBe(before);
  // a policy that is broken on top of it does not help either
  const worse = edited(edited(sampleSources('fintech'), 'name: create_payment', 'name: pay'), 'maxAmount', 'maxAmuont');
  expect(system.update(worse).held).toEqual(['fintech']);
  expect(system.activations.get()).toBe(before);
  const repaired = system.update(edited(sampleSources('fintech'), 'maxAmount: 5000', 'maxAmount: 10'));
  expect(repaired.held).toEqual([]);
  expect(repaired.activated).toEqual([{ tenant: 'fintech', sequence: 2 }]);
});

test('a deleted policy is gone, and without a Permit nothing is allowed', () => {
  const system = newSystem();
  system.update(sampleSources('fintech'));
  system.update(sampleSources('fintech').filter(({ file }) => file !== 'policies.yaml'));
  const outcome = system.activations.get()?.evaluate(call(1)).enforced;
  expect(outcome?.verdict).toBe('deny');
  expect(outcome?.reasons[0]?.code).toBe('NO_PERMIT');
});

test('one bad policy does not take down the others of its tenant', () => {
  const other = `
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: broken, namespace: fintech}
spec:
  scope: {agents: [finance-agent]}
  rules: [{name: r, actions: [create_payment], conditions: {params: {nothing: {max: 1}}}}]
`;
  const system = newSystem();
  const update = system.update([...sampleSources('fintech'), { file: 'broken.yaml', text: other }]);
  expect(codes(update.findings)).toEqual(['AEGIS_UNKNOWN_PARAMETER']);
  expect(update.leftOut).toEqual(['AgentPolicy fintech/broken']);
  expect(system.activations.get()?.evaluate(call(4999)).enforced.verdict).toBe('allow');
});

test('nothing loaded: nothing active', () => {
  const system = newSystem();
  expect(system.update([]).activated).toEqual([]);
  expect(system.activations.get()).toBeUndefined();
});

test('a tenant whose resources went away is not served any more', () => {
  const system = newSystem(() => NOW);
  system.update(sampleSources('fintech'));
  system.update([]);
  expect(system.activations.list()).toEqual([]);
});
