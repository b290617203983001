/** Calls that were once decided too loosely (or not at all), each with the rule of the design that it met. */
import type { CompiledTenant } from '../../../policy/compiler/compile.ts';
import { compile } from '../../../policy/compiler/compile.ts';
import type { PolicyState } from '../../../policy/compiler/compile-options.ts';
import type { Outcome } from '../../../policy/decision/types.ts';
import { compileYaml, digest } from '../compiler/golden-case.ts';
import { policyModule, tenantData, wasmEngine } from './differential/engines.ts';
import { compileInput, randomTenant } from './differential/generate.ts';
import { Random } from './differential/random.ts';

const TOOL = `
apiVersion: aegis.dev/v1alpha1
kind: AgentTool
metadata: {name: pay, namespace: acme}
spec:
  protocol: HTTP
  upstream: {url: "https://pay.example.com"}
  actions:
  - name: create
    effect: write
    match: {method: POST, path: /}
    parameters:
      amount: {in: json, type: integer, role: amount}
      target: {in: json, type: string, role: destination}
      address: {in: json, type: string, format: ip}
      channels: {in: json, type: array, items: string, role: channel}
  - {name: remove, effect: irreversible, match: {method: DELETE, path: /}}
`;

const registration = (name: string, more = '', tools = '[{toolId: pay}]'): string => `
---
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: ${name}, namespace: acme}
spec:
  owner: team@example.com
  workload: {selector: {matchLabels: {app: ${name}}}, serviceAccountName: ${name}}
  tools: ${tools}
  ${more}
`;

const policy = (name: string, rules: string[], scope = 'tenantWide: true', more = 'namespace: acme'): string => `
---
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: ${name}, ${more}}
spec:
  scope: {${scope}}
  rules: [${rules.join(', ')}]
`;

const staged = (stage: string): string => `namespace: acme, annotations: {test.aegis.dev/stage: ${stage}}`;
const GRANT = '{name: grant, actions: [create]}';
const STOP = '{name: stop, type: Restrict, actions: [create], outcome: deny}';

let engineModule: WebAssembly.Module;
beforeAll(() => {
  engineModule = policyModule();
});

type Ask = (call?: Record<string, unknown>) => Outcome;

function world(...documents: string[]): Ask {
  const { compilation } = compileYaml(TOOL + documents.join(''));
  const engine = wasmEngine(
    engineModule,
    tenantData(compilation.tenants.find(({ name }) => name === 'acme') as CompiledTenant),
  );
  return (call) =>
    engine({ tenant: 'acme', agent: 'worker', tool: 'pay', action: 'create', params: {}, ...call }).enforced;
}

const verdict = (ask: Ask, call?: Record<string, unknown>): string => ask(call).verdict;

test('a call without params is not one with empty params', () => {
  const { compilation } = compileYaml(TOOL + registration('worker') + policy('p', [GRANT]));
  const engine = wasmEngine(engineModule, tenantData(compilation.tenants[0] as CompiledTenant));
  const { enforced } = engine({ tenant: 'acme', agent: 'worker', tool: 'pay', action: 'create' });
  expect(enforced).toMatchObject({ verdict: 'deny', reasons: [{ code: 'INVALID_PARAMETERS' }] });
});

test.each(['enforce', 'partial'])('a candidate in %s whose scope leaves the agent takes its permit away', (stage) => {
  const documents = [
    registration('worker'),
    registration('other'),
    policy('p', [GRANT], 'agents: [worker, other]'),
    policy('p', [GRANT], 'agents: [other]', staged(stage)),
  ];
  const cohort = { 'acme/p': true };
  expect(verdict(world(...documents.slice(0, 3)))).toBe('allow');
  expect(verdict(world(...documents), { cohort })).toBe('deny');
  expect(verdict(world(...documents), { cohort, agent: 'other' })).toBe('allow');
});

test('unmatched: Observe lets no unknown action pass, nor one that the registration does not grant', () => {
  const ask = world(registration('worker', 'unmatched: Observe', '[{toolId: pay, actions: [create]}]'));
  expect(verdict(ask)).toBe('allow');
  for (const action of ['remove', 'nothing']) {
    expect(ask({ action })).toMatchObject({ verdict: 'deny', reasons: [{ code: 'UNKNOWN_ACTION' }] });
  }
});

test('unmatched: Observe does not come back when the enforcing candidate permits nothing any more', () => {
  const observed = registration('worker', 'unmatched: Observe');
  expect(
    verdict(
      world(
        observed,
        policy('p', [GRANT]),
        policy('p', [STOP.replace('create', 'remove')], 'tenantWide: true', staged('enforce')),
      ),
    ),
  ).toBe('deny');
});

test('the tenant caps the depth of every chain', () => {
  const agents =
    registration('worker', 'delegation: {acceptsFrom: [near], maxDepth: 5}') +
    registration('near', 'delegation: {acceptsFrom: [far], selfOrigin: true}') +
    registration('far');
  const capped = `
---
apiVersion: aegis.dev/v1alpha1
kind: AgentTenant
metadata: {name: acme}
spec: {namespaces: [acme], defaults: {maxDepth: 1}}
`;
  const chain = ['far', 'near', 'worker'];
  expect(verdict(world(agents, policy('p', [GRANT])), { chain })).toBe('allow');
  expect(verdict(world(agents, capped, policy('p', [GRANT])), { chain })).toBe('deny');
  expect(verdict(world(agents, capped, policy('p', [GRANT])), { chain: chain.slice(1) })).toBe('allow');
});

test('an override counts only for the revision that it was found valid for', () => {
  const overriding = policy(
    'over',
    ['{name: grant, actions: [create], overrides: [acme/wide/stop]}'],
    'agents: [worker]',
  );
  const yielding = STOP.replace('}', ', overridable: true}');
  const shadow = policy('wide', [yielding], 'tenantWide: true', staged('shadow'));
  expect(verdict(world(registration('worker'), overriding, policy('wide', [yielding])))).toBe('allow');
  expect(verdict(world(registration('worker'), overriding, policy('wide', [STOP]), shadow))).toBe('deny');
  const narrow = policy('wide', [yielding], 'agents: [worker]');
  expect(verdict(world(registration('worker'), overriding, narrow, shadow))).toBe('deny');
});

test('an override without effect does not take the policy, and its Restricts, out of force', () => {
  const rules = ['{name: grant, actions: [create], overrides: [acme/gone/stop]}', STOP];
  expect(verdict(world(registration('worker'), policy('p', rules, 'agents: [worker]'), policy('q', [GRANT])))).toBe(
    'deny',
  );
});

test.each([
  'evil.example.com',
  'EVIL.example.com',
  'evil.example.com.',
  'evil.example.com:443',
  'x@evil.example.com',
  '',
])('no spelling of a destination leads past a Restrict: %s', (target) => {
  const stop = STOP.replace('}', ', when: {dest: evil.example.com}}');
  const ask = world(registration('worker'), policy('p', [GRANT, stop]));
  expect(verdict(ask, { params: { target } })).toBe('deny');
  expect(verdict(ask, { params: { target: 'good.example.com' } })).toBe('allow');
});

test.each([
  '10.1.2.3',
  '[::ffff:10.1.2.3]',
  '::ffff:a01:203',
  '0:0:0:0:0:FFFF:0a01:0203',
  '10.1.515',
  '0xa.1.2.3',
  'fd00::1',
  '[FD00::1]:80',
  'fd00::/16',
])('no spelling of an address leads past a Restrict: %s', (address) => {
  const stop = STOP.replace('}', ', when: {params: {address: {cidrs: [10.0.0.0/8, "fd00::/8"]}}}}');
  const ask = world(registration('worker'), policy('p', [GRANT, stop]));
  expect(verdict(ask, { params: { address } })).toBe('deny');
  expect(verdict(ask, { params: { address: '11.1.2.3' } })).toBe('allow');
  expect(verdict(ask, { params: { address: 'fe80::1' } })).toBe('allow');
});

test('a well-known key binds an array by its elements', () => {
  const rule = '{name: grant, actions: [create], conditions: {allowedChannels: [ops, alerts]}}';
  const ask = world(registration('worker'), policy('p', [rule]));
  expect(verdict(ask, { params: { channels: ['ops', 'alerts'] } })).toBe('allow');
  expect(verdict(ask, { params: { channels: ['ops', 'public'] } })).toBe('deny');
  expect(verdict(ask, { params: {} })).toBe('deny');
});

test('no contract of a tenant makes a policy of the platform contradict itself away', () => {
  const guard =
    '{name: guard, type: Restrict, actions: ["*"], conditions: {maxAmount: 5, params: {amount: {min: 10}}}}';
  const ask = world(
    registration('worker'),
    policy('p', [GRANT]),
    policy('guard', [guard], 'tenantWide: true', 'namespace: aegis-system'),
  );
  expect(verdict(ask, { params: { amount: 1 } })).toBe('deny');
});

test('a policy that wants to be suspended stays in force as long as its stable revision does', () => {
  const tenant = randomTenant(new Random(2));
  const { resources } = compileInput(tenant);
  const wanted = resources.map((resource) =>
    resource.object.kind === 'AgentPolicy'
      ? { ...resource, object: { ...resource.object, spec: { ...(resource.object.spec as object), suspend: true } } }
      : resource,
  );
  const before = new Map(resources.map((resource) => [resource.object.metadata.name, resource]));
  const stateOf = ({ object }: { object: { metadata: { name: string } } }) =>
    ({ stable: before.get(object.metadata.name) }) as PolicyState;
  const slices = (given: typeof resources, options = {}) =>
    compile(given, { digest, ...options }).tenants.map(({ agents }) =>
      [...agents].map(([, { bytes }]) => Buffer.from(bytes).toString()),
    );
  expect(slices(wanted, { stateOf })).toEqual(slices(resources));
  expect(slices(wanted)).not.toEqual(slices(resources));
});
