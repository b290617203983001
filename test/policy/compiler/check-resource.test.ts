import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkResource } from '../../../policy/compiler/check-resource.ts';
import type { CheckOptions } from '../../../policy/compiler/check-severity.ts';
import { compile } from '../../../policy/compiler/compile.ts';
import { CompileCache } from '../../../policy/compiler/compile-cache.ts';
import type { Finding } from '../../../policy/errors.ts';
import { describeResource, type LoadedResource } from '../../../policy/resources/resource.ts';
import { loadYaml } from '../../../policy/source/load-yaml.ts';
import { applyDefaults } from '../../../policy/validation/apply-defaults.ts';
import { fixturesIn, loadFixture } from '../validation/load-fixture.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function withDefaults(resources: readonly LoadedResource[]): LoadedResource[] {
  return resources.map((resource) => ({ ...resource, object: applyDefaults(resource.object) }));
}

function load(yaml: string): LoadedResource[] {
  const { resources, findings } = loadYaml(yaml, 'memory.yaml');
  expect(findings).toEqual([]);
  return withDefaults(resources);
}

function check(named: string, around: readonly LoadedResource[], options: Partial<CheckOptions> = {}): Finding[] {
  const resource = around.find((each) => describeResource(each) === named);
  if (resource === undefined) throw new Error(`there is no ${named}`);
  return checkResource(resource, around, { digest, ...options });
}

const brief = (findings: readonly Finding[]) =>
  findings.map(({ code, severity, field }) => `${severity} ${code} ${field}`);

/** What only a comparison of policies with each other finds. */
const BETWEEN_POLICIES = new Set(['AEGIS_CONFLICT', 'AEGIS_ALWAYS_DENIES']);

const semantic = fixturesIn('invalid/semantic');
const samples = ['config/samples', 'config/tools'].flatMap((folder) =>
  readdirSync(join(__dirname, '../../..', folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(__dirname, '../../..', folder, name)),
);

function loadFolder(folder: string): LoadedResource[] {
  const files = readdirSync(folder).filter((file) => /^(?!tests).*\.yaml$/.test(file));
  return withDefaults(files.flatMap((file) => loadFixture(join('../..', folder.slice(ROOT.length), file)).resources));
}
const ROOT = join(__dirname, '../../..');

describe('finds in one resource what compiling all of them finds about it', () => {
  test.each([...semantic, ...fixturesIn('valid')])('%s', (path) => agree(withDefaults(loadFixture(path).resources)));
  test.each(samples)('%s', (folder) => agree(loadFolder(folder)));
});

function agree(resources: readonly LoadedResource[]): void {
  const compiled = compile(resources, { digest }).findings.filter(({ code }) => !BETWEEN_POLICIES.has(code));
  for (const resource of resources) {
    const name = describeResource(resource);
    const place = ({ code, field }: Finding) => `${code} ${field}`;
    const expected = compiled.filter((finding) => finding.resource === name);
    const found = checkResource(resource, resources, { digest });
    expect(found.map(place).sort()).toEqual(expected.map(place).sort());
    // As a new one it is the youngest.
    const created = checkResource(
      resource,
      resources.filter((each) => each !== resource),
      { digest },
    );
    const unique = (findings: Finding[]) => findings.filter(({ code }) => code !== 'AEGIS_DUPLICATE_ID').map(place);
    expect(unique(created).sort()).toEqual(unique(expected).sort());
  }
}

const TOOL = `
apiVersion: aegis.dev/v1alpha1
kind: AgentTool
metadata: {name: pay, namespace: shop}
spec:
  protocol: HTTP
  upstream: {url: "https://api.example.com"}
  actions:
  - name: send
    effect: write
    match: {method: POST, path: /v1/send}
    parameters:
      amount: {in: form, type: integer, role: amount}
      memo: {in: form, type: string}
`;
const AGENT = `
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: bot, namespace: shop}
spec:
  owner: a@example.com
  workload: {selector: {matchLabels: {app: bot}}, serviceAccountName: bot}
  tools: [{toolId: pay}]
`;
const policy = (spec: string, metadata = 'name: p, namespace: shop') => `
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {${metadata}}
spec: {${spec}}
`;
const all = (...yaml: string[]): LoadedResource[] => load(yaml.join('---'));
const RULE = 'rules: [{name: r, actions: [send]}]';

describe('what may still follow is a warning', () => {
  test.each([
    [
      'an unknown agent',
      [TOOL, policy(`scope: {agents: [bot]}, ${RULE}`)],
      ['warning AEGIS_UNKNOWN_AGENT spec.scope.agents[0]'],
    ],
    ['an unknown tool', [policy(`scope: {tools: [pay]}, ${RULE}`)], ['warning AEGIS_UNKNOWN_TOOL spec.scope.tools[0]']],
    [
      'an action that may be of the unknown tool',
      [TOOL, policy('scope: {tools: [pay, other]}, rules: [{name: r, actions: [fetch]}]')],
      ['warning AEGIS_UNKNOWN_TOOL spec.scope.tools[1]', 'warning AEGIS_UNKNOWN_ACTION spec.rules[0].actions[0]'],
    ],
    [
      'an override of a policy that is not there',
      [
        TOOL,
        AGENT,
        policy('scope: {tools: [pay], agents: [bot]}, rules: [{name: r, actions: [send], overrides: [shop/wide/no]}]'),
      ],
      ['warning AEGIS_OVERRIDE spec.rules[0].overrides[0]'],
    ],
  ])('%s', (_name, yaml, expected) => {
    expect(brief(check('AgentPolicy shop/p', all(...yaml)))).toEqual(expected);
  });

  test('tools of a registration, and parameters of its budget that they may declare', () => {
    const agent = `${AGENT}  budget: {limits: [{name: b, budget: {parameter: cost, max: 5, window: 1h}}]}\n`;
    const elsewhere = agent.replace('[{toolId: pay}]', '[{toolId: pay}, {toolId: other}]');
    expect(brief(check('AgentRegistration shop/bot', all(TOOL, elsewhere)))).toEqual([
      'warning AEGIS_UNKNOWN_TOOL spec.tools[1].toolId',
      'warning AEGIS_UNKNOWN_PARAMETER spec.budget.limits[0].budget.parameter',
    ]);
    expect(brief(check('AgentRegistration shop/bot', all(TOOL, agent)))).toEqual([
      'error AEGIS_UNKNOWN_PARAMETER spec.budget.limits[0].budget.parameter',
    ]);
  });

  test('an OpenAPI document', () => {
    const tool = TOOL.replace('    match: {method: POST, path: /v1/send}', '    match: {operationId: send}').replace(
      '  actions:',
      '  openapi: {configMapRef: {name: api}}\n  actions:',
    );
    expect(brief(check('AgentTool shop/pay', all(tool)))).toEqual([
      'warning AEGIS_OPENAPI_MISSING spec.openapi.configMapRef',
    ]);
    // Nobody knows yet what the action has.
    const rule = policy(
      'scope: {tools: [pay]}, rules: [{name: r, actions: [send], conditions: {params: {to: {maxLength: 3}}}}]',
    );
    expect(brief(check('AgentPolicy shop/p', all(tool, rule)))).toEqual([
      'warning AEGIS_UNKNOWN_PARAMETER spec.rules[0].conditions.params.to',
    ]);
  });
});

describe('what no other resource can cure is an error, whatever `curable` says', () => {
  test.each([
    [
      'a pattern',
      'scope: {tools: [pay]}, rules: [{name: r, actions: [send], conditions: {params: {memo: {pattern: "^(a$"}}}}]',
      'AEGIS_REGEX',
    ],
    [
      'an override of itself',
      'scope: {tools: [pay]}, rules: [{name: r, actions: [send], overrides: [shop/p/r]}]',
      'AEGIS_OVERRIDE',
    ],
    [
      'a detector',
      'scope: {tools: [pay]}, rules: [{name: r, actions: [send], outcome: sanitize, sanitize: {response: [{detector: emial, op: redact}]}}]',
      'AEGIS_',
    ],
  ])('%s', (_name, spec, code) => {
    const [found, ...more] = check('AgentPolicy shop/p', all(TOOL, AGENT, policy(spec)));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ severity: 'error' });
    expect(found?.code).toContain(code);
  });

  test('a Permit of the platform', () => {
    const permit = policy(
      'scope: {tenantWide: true}, rules: [{name: r, actions: ["*"]}]',
      'name: p, namespace: aegis-system',
    );
    expect(brief(check('AgentPolicy aegis-system/p', all(permit), { curable: 'warning' }))).toEqual([
      'error AEGIS_PLATFORM_PERMIT spec.rules[0].type',
    ]);
    const elsewhere = check('AgentPolicy aegis-system/p', all(permit), { platformNamespace: 'other' });
    expect(brief(elsewhere)).toEqual(['warning AEGIS_UNKNOWN_ACTION'].slice(1));
  });
});

describe('a disagreement with another resource is an error, or a warning on request', () => {
  const rule = (rest: string) => policy(`scope: {tools: [pay]}, rules: [{name: r, ${rest}}]`);
  test.each([
    [
      'an action',
      [TOOL, rule('actions: [sned]')],
      'AgentPolicy shop/p',
      'AEGIS_UNKNOWN_ACTION spec.rules[0].actions[0]',
    ],
    [
      'a type',
      [TOOL, rule('actions: [send], conditions: {params: {memo: {max: 3}}}')],
      'AgentPolicy shop/p',
      'AEGIS_TYPE_MISMATCH spec.rules[0].conditions.params.memo.max',
    ],
    [
      'a toolId',
      [TOOL, TOOL.replace('name: pay,', 'name: pay2,').replace('spec:', 'spec:\n  toolId: pay')],
      'AgentTool shop/pay2',
      'AEGIS_DUPLICATE_ID spec.toolId',
    ],
    [
      'an id of the catalogue',
      [TOOL.replace('shop', 'aegis-system'), TOOL],
      'AgentTool shop/pay',
      'AEGIS_DUPLICATE_ID spec.toolId',
    ],
    [
      'an agentId',
      [TOOL, AGENT, AGENT.replace('name: bot,', 'name: bot2,').replace('spec:', 'spec:\n  agentId: bot')],
      'AgentRegistration shop/bot2',
      'AEGIS_DUPLICATE_ID spec.agentId',
    ],
  ])('%s', (_name, yaml, name, expected) => {
    expect(brief(check(name, all(...yaml)))).toEqual([`error ${expected}`]);
    expect(brief(check(name, all(...yaml), { curable: 'warning' }))).toEqual([`warning ${expected}`]);
  });

  test('a name that is nearly right is offered', () => {
    const [found] = check('AgentPolicy shop/p', all(TOOL, rule('actions: [sned]')));
    expect(found?.fix).toBe('Did you mean send?');
  });
});

describe('tenants', () => {
  const tenant = (name: string, namespaces: string, created = '') => `
apiVersion: aegis.dev/v1alpha1
kind: AgentTenant
metadata: {name: ${name}${created === '' ? '' : `, creationTimestamp: "${created}"`}}
spec: {namespaces: [${namespaces}]}
`;

  test('a namespace that already belongs to another one', () => {
    const around = all(
      tenant('old', 'shop, a', '2026-01-01T00:00:00Z'),
      tenant('new', 'b, shop', '2026-01-02T00:00:00Z'),
    );
    expect(brief(check('AgentTenant new', around))).toEqual(['error AEGIS_DUPLICATE_ID spec.namespaces[1]']);
    expect(check('AgentTenant old', around)).toEqual([]);
    const [unborn] = all(tenant('third', 'a'));
    expect(brief(checkResource(unborn as LoadedResource, around, { digest }))).toEqual([
      'error AEGIS_DUPLICATE_ID spec.namespaces[0]',
    ]);
  });

  test('a namespace that only bears the name of a tenant', () => {
    const around = all(tenant('shop', 'other'), TOOL);
    expect(brief(check('AgentTool shop/pay', around))).toEqual(['error AEGIS_DUPLICATE_ID metadata.namespace']);
  });

  test('resources of other namespaces of the same tenant, and of no other tenant', () => {
    const rule = policy(`scope: {tools: [pay]}, ${RULE}`, 'name: p, namespace: desk');
    expect(check('AgentPolicy desk/p', all(tenant('t', 'shop, desk'), TOOL, rule))).toEqual([]);
    expect(brief(check('AgentPolicy desk/p', all(tenant('t', 'shop'), TOOL, rule)))).toEqual([
      'warning AEGIS_UNKNOWN_TOOL spec.scope.tools[0]',
    ]);
  });

  test('the shared catalogue is there for a namespace that has nothing yet', () => {
    const rule = policy(`scope: {tools: [pay]}, ${RULE}`, 'name: p, namespace: empty');
    expect(check('AgentPolicy empty/p', all(TOOL.replace('shop', 'aegis-system'), rule))).toEqual([]);
  });
});

test('a suspended policy is not in force, and can be written whatever it says', () => {
  expect(
    check(
      'AgentPolicy shop/p',
      all(TOOL, policy('suspend: true, scope: {tools: [pay]}, rules: [{name: r, actions: [sned]}]')),
    ),
  ).toEqual([]);
});

test('a new version is compared with the others, not with its older self', () => {
  const around = all(TOOL, AGENT, policy(`scope: {tools: [pay]}, ${RULE}`));
  for (const now of all(TOOL, AGENT, policy(`scope: {agents: [bot], tools: [pay]}, ${RULE}`))) {
    expect(checkResource(now, around, { digest, cache: new CompileCache() })).toEqual([]);
  }
});
