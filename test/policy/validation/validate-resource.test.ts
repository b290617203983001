import fc from 'fast-check';
import type { Finding } from '../../../policy/errors.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import { validateResource } from '../../../policy/validation/validate-resource.ts';
import { asLoaded, fixturesIn, loadFixture } from './load-fixture.ts';

const API_VERSION = 'aegis.dev/v1alpha1';
const POLICY = {
  apiVersion: API_VERSION,
  kind: 'AgentPolicy',
  metadata: { name: 'finance-payments', namespace: 'fintech' },
  spec: {
    scope: { agents: ['finance-agent'] },
    rules: [{ name: 'cap-payments', actions: ['create_payment'], conditions: { maxAmount: 5000, currency: 'USD' } }],
  },
};

function policyWith(rule: object, spec: object = {}): LoadedResource {
  return asLoaded({ ...POLICY, spec: { ...POLICY.spec, rules: [{ ...POLICY.spec.rules[0], ...rule }], ...spec } });
}

function brief({ code, field, message, fix }: Finding): string {
  return `${code} ${field}: ${message}${fix === undefined ? '' : ` | ${fix}`}`;
}

function check(resource: LoadedResource): string[] {
  return validateResource(resource).map(brief);
}

test.each(fixturesIn('valid'))('%s is valid', (path) => {
  const { resources, findings } = loadFixture(path);
  expect(findings).toEqual([]);
  expect(resources.length).toBeGreaterThan(0);
  for (const resource of resources) expect(check(resource)).toEqual([]);
});

test('a finding says which resource, field and line it is about', () => {
  const { resources } = loadFixture('invalid/034-risk-tier-upper-case.yaml');
  expect(resources.flatMap((resource) => validateResource(resource))).toEqual([
    {
      code: 'AEGIS_SCHEMA_VALUE',
      severity: 'error',
      message: 'riskTier is the text "HIGH", but must be one of low, medium, high, critical',
      fix: 'Did you mean high?',
      resource: 'AgentPolicy fintech/finance-payments',
      field: 'spec.rules[0].riskTier',
      location: { file: 'invalid/034-risk-tier-upper-case.yaml', line: 10, column: 15 },
    },
  ]);
});

test.each([
  [{ failureAcion: 'deny' }, 'there is no field failureAcion here | Did you mean failureAction?'],
  [{ risk_tier: 'low' }, 'there is no field risk_tier here | Did you mean riskTier?'],
  [{ maxAmount: 5 }, 'there is no field maxAmount here | Move it into conditions or when.'],
  [{ xyzzy: 5 }, /there is no field xyzzy here \| Fields that may stand here: name, description, type, actions/],
  [{ limits: [{ name: 'a', rate: { max: '5', window: '1m' } }] }, 'but is the text "5" | Write 5, without quotes.'],
  [{ riskTier: null }, 'riskTier is empty, but must be text | Write a value, or remove the field'],
  [
    { limits: [{ name: 'a', rate: { max: 5, window: 60 } }] },
    'window must be text, but is 60 | Put it in quotes: "60".',
  ],
  [{ actions: 'pay' }, 'actions must be a list, but is the text "pay" | Write a list: [pay].'],
  [{ overridable: 'yes' }, 'overridable must be true or false, but is the text "yes" | Write true, without quotes.'],
  [{ actions: ['a', 7] }, 'entry 2 of actions must be text, but is 7 | Put it in quotes: "7".'],
])('%j is explained', (rule, expected) => {
  const found = check(policyWith(rule));
  expect(found).toHaveLength(1);
  if (typeof expected === 'string') expect(found[0]).toContain(expected);
  else expect(found[0]).toMatch(expected);
});

test('a field that is missing because it is misspelt is one finding', () => {
  const { scope: _, ...rest } = POLICY.spec;
  const found = check(asLoaded({ ...POLICY, spec: { ...rest, scop: { agents: ['finance-agent'] } } }));
  expect(found).toEqual(['AEGIS_UNKNOWN_FIELD spec.scop: there is no field scop here | Did you mean scope?']);
});

test('names of parameters and headers are not fields, nor is anything in free-form objects', () => {
  const params = { max_amount: { max: 5 }, agentID: { required: true } };
  const tests = [
    { name: 't', expect: 'deny', input: { agent: 'a', tool: 't', action: 'x', params: { whatever: { a: [null] } } } },
  ];
  expect(check(policyWith({ conditions: { params } }, { tests }))).toEqual([]);
});

test('rules are not evaluated on what is malformed, but elsewhere they are', () => {
  const rules = [
    { name: 'a', actions: ['x'], outcome: 'deny', riskTier: 'HIGH' },
    { name: 'b', actions: ['x'], outcome: 'deny' },
  ];
  const found = check(asLoaded({ ...POLICY, spec: { ...POLICY.spec, rules } }));
  expect(found).toHaveLength(2);
  expect(found.sort()[1]).toContain('spec.rules[0].riskTier');
  expect(found[0]).toContain('AEGIS_CEL_RULE spec.rules[1].outcome: a Permit cannot say outcome deny');
});

test('an unknown kind and another version are refused with a suggestion', () => {
  expect(check(asLoaded({ ...POLICY, kind: 'AgentPolicies' }))[0]).toContain('Did you mean AgentPolicy?');
  expect(check(asLoaded({ ...POLICY, kind: 'toString' }))[0]).toContain('AEGIS_RESOURCE_KIND_UNKNOWN');
  expect(check(asLoaded({ ...POLICY, apiVersion: 'aegis.dev/v1' }))[0]).toContain('AEGIS_RESOURCE_VERSION_UNKNOWN');
});

test('status is the operator’s: it is not looked at', () => {
  expect(check(asLoaded({ ...POLICY, status: { anything: 1 } }))).toEqual([]);
});

test.each([
  [
    'AgentRegistration',
    { owner: 'o', workload: { selector: { matchLabels: { a: 'b' } }, serviceAccountName: 's' } },
    'agentId',
  ],
  ['AgentTool', { protocol: 'MCP', upstream: { hosts: ['x'] } }, 'toolId'],
])('the id of an %s cannot change', (kind, spec, field) => {
  const object = (id?: string) => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name: 'first', namespace: 'n' },
    spec: id === undefined ? spec : { ...spec, [field]: id },
  });
  const update = (from: string | undefined, to: string | undefined) =>
    validateResource(asLoaded(object(to)), { old: object(from) }).map(brief);
  expect(update(undefined, undefined)).toEqual([]);
  expect(update(undefined, 'first')).toEqual([]);
  expect(update('a', 'a')).toEqual([]);
  for (const [from, to] of [
    ['a', 'b'],
    ['a', undefined],
    [undefined, 'b'],
  ] as const) {
    expect(update(from, to)).toEqual([
      expect.stringContaining(`AEGIS_CEL_RULE spec.${field}: ${field} cannot be changed`),
    ]);
  }
});

test('never throws, whatever the object', () => {
  const key = fc.oneof(
    fc.constantFrom('spec', 'scope', 'rules', 'conditions', 'params', '__proto__', 'in'),
    fc.string(),
  );
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.string(),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  })).value;
  const kinds = ['AgentPolicy', 'AgentRegistration', 'AgentTool', 'AgentTenant', 'EmergencyAction'];
  fc.assert(
    fc.property(fc.constantFrom(...kinds), json, fc.dictionary(key, json, { maxKeys: 3 }), (kind, spec, metadata) => {
      const found = validateResource(
        asLoaded({ apiVersion: API_VERSION, kind, metadata: { name: 'x', ...metadata }, spec }),
      );
      expect(found.map(({ code }) => code)).not.toContain('AEGIS_CEL_ERROR');
    }),
    { numRuns: 2000 },
  );
});

test('ten thousand policies are validated in a few seconds', () => {
  const resource = asLoaded(POLICY);
  validateResource(resource);
  const start = performance.now();
  for (let index = 0; index < 10_000; index += 1) expect(validateResource(resource)).toHaveLength(0);
  expect(performance.now() - start).toBeLessThan(10_000);
});
