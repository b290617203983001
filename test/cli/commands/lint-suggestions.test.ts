/** A misspelt name is reported together with the one that was probably meant. */
import { aegis, sampleFiles, withEdit } from '../support/memory-context.ts';

const fintech = sampleFiles('fintech');

test.each([
  ['scope: {agents: [finance-agent]', 'scope: {agents: [finance-agnet]', 'AEGIS_UNKNOWN_AGENT', 'finance-agent'],
  ['tools: [stripe-payments]}', 'tools: [stripe-paymets]}', 'AEGIS_UNKNOWN_TOOL', 'stripe-payments'],
  ['actions: [get_payment]', 'actions: [get_payments]', 'AEGIS_UNKNOWN_ACTION', 'get_payment'],
  ['{parameter: amount,', '{parameter: amuont,', 'AEGIS_UNKNOWN_PARAMETER', 'amount'],
  [
    '{maxAmount: 5000, currency: USD}',
    '{maxAmount: 5000, params: {curency: {required: true}}}',
    'AEGIS_UNKNOWN_PARAMETER',
    'currency',
  ],
  ['tools: [{toolId: stripe-payments}]', 'tools: [{toolId: stripepayment}]', 'AEGIS_UNKNOWN_TOOL', 'stripe-payments'],
  [
    'tools: [{toolId: stripe-payments}]',
    'tools: [{toolId: stripe-payments, actions: [getPayment]}]',
    'AEGIS_UNKNOWN_ACTION',
    'get_payment',
  ],
  ['acceptsFrom: [planner-agent]', 'acceptsFrom: [planer-agent]', 'AEGIS_UNREGISTERED_CALLER', 'planner-agent'],
  ['acceptsFrom: [planner-agent]', 'acceptsFrom: [zebra]', 'AEGIS_UNREGISTERED_CALLER', undefined],
])('%s → %s', async (from, to, code, meant) => {
  const { stdout } = await aegis(['lint', 'fintech', '--format', 'json'], withEdit(fintech, from, to));
  const { findings } = JSON.parse(stdout) as { findings: { code: string; fix?: string }[] };
  const finding = findings.find((each) => each.code === code);
  expect(finding).toBeDefined();
  if (meant === undefined) expect(finding?.fix).not.toMatch(/Did you mean/);
  else expect(finding?.fix).toBe(`Did you mean ${meant}?`);
});
