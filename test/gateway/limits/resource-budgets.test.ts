import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { NOW, newSystem, sampleSources } from '../../support/sample.ts';

/** Budgets of registrations and tenants, from the resource through compiler, bundle and policy to the refusal. */

function deciding(edit: (text: string) => string) {
  const system = newSystem();
  const sources = sampleSources('fintech').map((source) => ({ ...source, text: edit(source.text) }));
  system.update(sources);
  const activation = system.activations.get('fintech');
  if (activation === undefined) throw new Error('nothing is active');
  let now = NOW;
  const deps = {
    now: () => now,
    newId: () => 'id',
    limits: createMemoryLimitStore(() => now),
    hash: (text: string) => text,
  };
  const call = (action: string, params: Record<string, unknown>): string => {
    const input = { agent: 'finance-agent', tool: 'stripe-payments', action, params };
    const decision = decideCall(activation, input, deps, { responseSanitize: true }) as Decision;
    decision.reservation?.settle();
    return decision.taken === 'allow' ? 'allow' : `${decision.taken} ${decision.reasons[0]?.message}`;
  };
  return {
    pay: (amount: number) => call('create_payment', { amount, currency: 'USD' }),
    read: () => call('get_payment', { id: 'pi_1' }),
    pass: (by: number) => {
      now += by;
    },
  };
}

const BUDGET = '{name: spend, budget: {parameter: amount, max: 9000, window: day}}';
const ofAgent = (limit: string) => (text: string) =>
  text.replace(
    /(kind: AgentRegistration\nmetadata: \{name: finance-agent[^\n]*\nspec:\n)/,
    `$1  budget: {limits: [${limit}]}\n`,
  );
const ofTenant = (limit: string) => (text: string) =>
  text.replace(/( +limits:\n)( +- \{name: tenant-calls)/, `$1    - ${limit}\n$2`);

test.each([
  ['an agent', ofAgent(BUDGET), 'agent/finance-agent/spend'],
  ['the tenant', ofTenant(BUDGET.replace('spend,', 'spend, per: Tenant,')), 'tenant/spend'],
])('the budget of %s: payments are charged to it, reads have nothing to charge', (_, edit, id) => {
  const { pay, read, pass } = deciding(edit);
  expect([pay(4_000), pay(4_000), pay(1_000.01)]).toEqual([
    'allow',
    'allow',
    `rate_limited The limit ${id} is reached.`,
  ]);
  expect([read(), pay(1_000)]).toEqual(['allow', 'allow']);
  pass(86_400_000);
  expect(pay(4_000)).toBe('allow');
});

test('a misspelt parameter refuses everything that the budget covers', () => {
  const { pay, read } = deciding(ofAgent(BUDGET.replace('amount', 'amonut')));
  for (const answer of [pay(1), read()]) expect(answer).toMatch(/^deny What the call costs the limit agent/);
});
