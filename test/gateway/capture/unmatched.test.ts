/** `unmatched: Observe` with real policies: what passes although no action matches, and what ends that. */
import { openCall } from '../../../gateway/capture/proxy-call.ts';
import { newSystem } from '../../support/sample.ts';
import { fakeDeps } from '../listeners/fake-activation.ts';

const BASE = `
apiVersion: aegis.dev/v1alpha1
kind: AgentTool
metadata: {name: pay, namespace: acme}
spec:
  protocol: HTTP
  upstream: {url: "https://pay.example.com"}
  actions:
  - {name: list, effect: read, match: {method: GET, path: /v1/payments}}
  - name: create
    effect: write
    match: {method: POST, path: /v1/payments}
    parameters: {amount: {in: json, type: integer, role: amount}}
---
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: one, namespace: acme}
spec:
  owner: team@example.com
  workload: {selector: {matchLabels: {app: one}}, serviceAccountName: one}
  tools: [{toolId: pay}]
  delegation: {selfOrigin: true}
  unmatched: Observe
`;

const policy = (rules: string, namespace = 'acme', scope = '{tools: [pay]}'): string => `
---
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: p, namespace: ${namespace}}
spec:
  scope: ${scope}
  rules:
${rules}
`;

async function verdict(text: string, chain?: string[]): Promise<string> {
  const system = newSystem();
  const { findings } = system.update([{ file: 'in.yaml', text }]);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  const activation = system.activations.get('acme');
  if (activation === undefined) throw new Error('nothing is active');
  const head = { method: 'DELETE', target: '/v1/other', rawHeaders: [], hasBody: false };
  const opened = openCall(activation, { agent: 'one', ...(chain && { chain }) }, 'pay', head, fakeDeps());
  const answer = opened.kind === 'refused' ? opened.verdict : await opened.decide(undefined);
  return `${answer.decision.verdict} ${answer.decision.reasons.map(({ code }) => code).join()}`;
}

const OBSERVED = 'allow UNMATCHED_OBSERVE';
const REFUSED = 'deny AEGIS_MAPPING_UNMAPPED';

test('passes while nothing governs the pair', async () => {
  expect(await verdict(BASE)).toBe(OBSERVED);
});

test('is refused where the registration does not say Observe', async () => {
  expect(await verdict(BASE.replace('unmatched: Observe', 'unmatched: Deny'))).toBe(REFUSED);
});

test.each<[string, string]>([
  ['a Permit on some action of the tool', policy('  - {name: r, actions: [list]}')],
  ['a Restrict on some action', policy('  - {name: r, type: Restrict, actions: [create], outcome: deny}')],
  ['a Restrict on all actions', policy('  - {name: r, type: Restrict, actions: ["*"], outcome: deny}')],
  [
    'a Restrict of the platform',
    policy('  - {name: r, type: Restrict, actions: ["*"], outcome: deny}', 'aegis-system', '{tenantWide: true}'),
  ],
])('is refused once %s is enforced', async (_, text) => {
  expect(await verdict(BASE + text)).toBe(REFUSED);
});

test.each<[string, string]>([
  [
    'another agent',
    policy('  - {name: r, actions: [list]}', 'acme', '{agents: [two]}') +
      BASE.split('---')[1]?.replace(/^/, '---').replaceAll('one', 'two'),
  ],
])('does not look at a policy for %s', async (_, text) => {
  expect(await verdict(BASE + text)).toBe(OBSERVED);
});

test('is refused where the agent may use some actions only', async () => {
  expect(await verdict(BASE.replace('{toolId: pay}', '{toolId: pay, actions: [list]}'))).toBe(REFUSED);
});

test('a suspended agent and a refused chain stay refused', async () => {
  expect(await verdict(`${BASE}  suspended: true\n`)).toBe('deny AGENT_SUSPENDED');
  expect(await verdict(BASE, ['stranger', 'one'])).toBe('deny CHAIN_REFUSED');
});

test('the budget of the agent counts what is observed', async () => {
  const budget = '  budget: {limits: [{name: calls, rate: {max: 1, window: 1h}}]}\n';
  expect(await verdict(BASE + budget)).toBe(OBSERVED);
  const amount = '  budget: {limits: [{name: spend, budget: {parameter: amount, max: 5, window: 1h}}]}\n';
  expect(await verdict(BASE + amount)).toBe('allow LIMIT_UNPRICED');
});
