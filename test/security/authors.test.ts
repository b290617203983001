/** What an author writes, by mistake or on purpose, widens nothing, reaches no other tenant and stops nobody else. */
import type { LocalSystem } from '../../cli/workspace/local-system.ts';
import { newSystem } from '../support/sample.ts';
import { HEAD, PERMIT, policy, REGISTRATION, sources, TOOL } from './local-world.ts';

const RESTRICT = policy('  - {name: stop, type: Restrict, actions: [pay], outcome: deny}', 'r');

function ask(system: LocalSystem, tenant = 'acme'): string | undefined {
  return system.activations.get(tenant)?.evaluate({ agent: 'ag', tool: 'bank', action: 'pay', params: {} }).enforced
    .verdict;
}

describe('a typo in a Restrict that is in force', () => {
  test.each([
    ['kind', RESTRICT.replace('AgentPolicy', 'AgentPolice')],
    ['version', RESTRICT.replace('v1alpha1', 'v1alpha2')],
    ['group', RESTRICT.replace('aegis.dev', 'aegis.dv')],
    ['no group', RESTRICT.replace('aegis.dev/v1alpha1', 'v1')],
    ['another group', RESTRICT.replace('aegis.dev', 'policies.example')],
    ['field', RESTRICT.replace('  rules:', '  rulez: 1\n  rules:')],
    ['syntax', `${RESTRICT}  : : [`],
    ['name', RESTRICT.replace('name: r, ', '')],
  ])('%s: the last good version stays in force', (_, broken) => {
    const system = newSystem();
    system.update(sources(REGISTRATION, TOOL, PERMIT, RESTRICT));
    expect(ask(system)).toBe('deny');
    const update = system.update(sources(REGISTRATION, TOOL, PERMIT, broken));
    expect(ask(system)).toBe('deny');
    expect(update.findings.some(({ severity }) => severity !== 'info')).toBe(true);
    system.update(sources(REGISTRATION, TOOL, PERMIT));
    expect(ask(system)).toBe('allow');
  });
});

describe('tenants', () => {
  const tenant = (name: string, namespaces?: string): string =>
    `---\n${HEAD}kind: AgentTenant\nmetadata: {name: ${name}}\nspec: {${namespaces ? `namespaces: [${namespaces}]` : ''}}\n`;

  test('a namespace that bears the name of a tenant is not part of it', () => {
    const system = newSystem();
    const foreign = policy('  - {name: all, actions: [pay]}', 'p', 'corp');
    const { findings } = system.update(sources(tenant('corp', 'acme'), REGISTRATION, TOOL, foreign));
    expect(ask(system, 'corp')).toBe('deny');
    expect(findings).toMatchObject([{ code: 'AEGIS_DUPLICATE_ID', severity: 'error' }]);
  });

  test('a tenant keeps its own namespace, whoever else lists it', () => {
    const system = newSystem();
    const { findings } = system.update(
      sources(tenant('acme') + tenant('zeta', 'acme, zeta'), REGISTRATION, TOOL, PERMIT),
    );
    expect(ask(system)).toBe('allow');
    expect(ask(system, 'zeta')).toBe('deny');
    expect(findings).toMatchObject([{ code: 'AEGIS_DUPLICATE_ID' }]);
  });

  test('a policy, a tool or a registration of another namespace changes nothing', () => {
    const system = newSystem();
    const others = [PERMIT, TOOL, REGISTRATION].map((text) => text.replace('namespace: acme', 'namespace: other'));
    system.update(sources(REGISTRATION, TOOL, RESTRICT, ...others));
    expect(ask(system)).toBe('deny');
    expect(ask(system, 'other')).toBe('allow');
    expect(system.activations.get()).toBeUndefined();
  });
});

describe('values that the schema cannot bound', () => {
  const DIGITS = '"123456789012345.123456789"';

  test.each([
    ['maxAmount', `conditions: {maxAmount: ${DIGITS}}`],
    ['max', `conditions: {params: {amount: {max: ${DIGITS}}}}`],
    ['range', `conditions: {params: {amount: {range: {min: 0, max: ${DIGITS}}}}}`],
    ['a budget', `limits: [{name: l, budget: {parameter: amount, max: ${DIGITS}, window: 24h}}]`],
    ['numbers', `conditions: {params: {amount: {enum: [toString, ${DIGITS}]}}}`],
    ['booleans', 'conditions: {params: {flag: {enum: [constructor]}}}'],
  ])('%s: a finding, and every other tenant is compiled', (_, text) => {
    const system = newSystem();
    const bad = policy(`  - {name: bad, actions: [pay], ${text}}`, 'bad', 'other');
    const theirs = [REGISTRATION, TOOL].map((each) => each.replace('namespace: acme', 'namespace: other'));
    const { findings } = system.update(sources(REGISTRATION, TOOL, PERMIT, ...theirs, bad));
    expect(
      findings.some(({ severity, resource }) => severity === 'error' && resource === 'AgentPolicy other/bad'),
    ).toBe(true);
    expect(ask(system)).toBe('allow');
    expect(ask(system, 'other')).toBe('deny');
  });

  test('18 digits are kept, and a long number of a string parameter is none', () => {
    const rules = `  - {name: a, actions: [pay], conditions: {maxAmount: "123456789012345.123"}}
  - {name: b, actions: [read], conditions: {params: {user_id: {enum: ["12345678901234567890123456"]}}}}`;
    expect(newSystem().update(sources(REGISTRATION, TOOL, policy(rules))).findings).toEqual([]);
  });
});

describe('large hostile files', () => {
  const many = (count: number, text: (index: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join('');

  test.each([
    ['unknown fields', policy('  - {name: a, actions: [x]}') + many(40_000, (i) => `  u${i}: 1\n`)],
    [
      'values of a wrong type',
      policy(`  - {name: a, actions: [x], conditions: {params: {${many(30_000, (i) => `a${i}: {max: x},`)}}}}`),
    ],
    ['items that are no resources', `apiVersion: v1\nkind: List\nitems:\n${'- {}\n'.repeat(140_000)}`],
    ['depth', '['.repeat(500_000)],
  ])('%s: bounded time, no exception, and the others decide', (_, text) => {
    const system = newSystem();
    const start = performance.now();
    const { findings } = system.update(sources(REGISTRATION, TOOL, PERMIT, text));
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(findings.some(({ severity }) => severity === 'error')).toBe(true);
    expect(ask(system)).toBe('allow');
  });
});

test.each([
  ['^(?:foo|bar)$', 0],
  ['^[a|b]$', 0],
  ['^a\\|b$', 0],
  ['^foo|bar$', 1],
  ['^foo\\$', 1],
  ['foo$', 1],
])('the pattern %s that does not bind the whole text is worth %i warnings', (pattern, warnings) => {
  const rules = `  - {name: a, actions: [read], conditions: {params: {user_id: {pattern: '${pattern}'}}}}`;
  const { findings } = newSystem().update(sources(REGISTRATION, TOOL, policy(rules)));
  expect(findings.map(({ code }) => code)).toEqual(Array(warnings).fill('AEGIS_REGEX_UNANCHORED'));
});
