/** What an AgentTool with an OpenAPI document becomes, as committed. `AEGIS_UPDATE_GOLDEN=1` writes it anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_PLATFORM_NAMESPACE } from '../../../../policy/compiler/compile.ts';
import { sortResources } from '../../../../policy/compiler/tenant-resources.ts';
import { AegisError } from '../../../../policy/errors.ts';
import { compileToolContract } from '../../../../policy/mapping/contract.ts';
import { parseOpenApi } from '../../../../policy/mapping/openapi/document.ts';
import { resolveActions } from '../../../../policy/mapping/openapi/resolve-actions.ts';
import type { AgentToolSpec } from '../../../../policy/resources/types.generated.ts';
import { loadSources } from '../../../../policy/source/load-sources.ts';
import { applyDefaults } from '../../../../policy/validation/apply-defaults.ts';
import { validateResource } from '../../../../policy/validation/validate-resource.ts';
import { newSystem } from '../../../support/sample.ts';

const GOLDEN = join(process.cwd(), 'test/policy/mapping/openapi/golden');

function outputs(folder: string): Record<string, string> {
  const text = readFileSync(join(folder, 'in.yaml'), 'utf8');
  const { resources, findings } = loadSources([{ file: 'in.yaml', text }]);
  const valid = resources.map((resource) => {
    if (resource.object.kind === 'ConfigMap') return resource;
    findings.push(...validateResource(resource));
    return { ...resource, object: applyDefaults(resource.object) };
  });
  const { tenants, unusable, findings: found } = sortResources(valid, DEFAULT_PLATFORM_NAMESPACE);
  findings.push(...found);
  const contracts = [...tenants.values()].flatMap(({ tools }) =>
    [...tools].flatMap(([toolId, tool]) => {
      if (unusable.has(tool)) return [];
      try {
        return [compileToolContract(toolId, tool.object.spec)];
      } catch (error) {
        if (!(error instanceof AegisError)) throw error;
        findings.push({ code: error.code, severity: 'error', message: error.message });
        return [];
      }
    }),
  );
  const lines = findings.map(
    ({ severity, code, field, location, message }) =>
      `${location?.line} | ${severity} | ${code} | ${field} | ${message}\n`,
  );
  return { 'contracts.json': `${JSON.stringify(contracts, null, 2)}\n`, 'findings.txt': lines.join('') };
}

test.each(readdirSync(GOLDEN))('%s', (name) => {
  const folder = join(GOLDEN, name);
  for (const [file, text] of Object.entries(outputs(folder))) {
    const path = join(folder, file);
    if (process.env.AEGIS_UPDATE_GOLDEN === '1') writeFileSync(path, text);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(text);
  }
});

const MINIMAL = { openapi: '3.0.3', paths: { '/a': { get: { operationId: 'a' } } } };

function spec(operationId = 'a', url = 'https://t.example'): AgentToolSpec {
  return { protocol: 'HTTP', upstream: { url }, actions: [{ name: 'x', effect: 'read', match: { operationId } }] };
}

function problem(document: unknown, tool = spec()): string {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return resolveActions(tool, text)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ message }) => message)
    .join(' ');
}

test.each<[string, unknown, RegExp]>([
  ['no JSON, no YAML', '{"openapi": "3.0.3", "paths": {', /cannot be read/],
  ['an alias that contains itself', 'openapi: 3.0.3\npaths: &p\n  /a: *p\n', /contains itself/],
  ['a key twice', 'openapi: 3.0.3\npaths: {/a: {}, /a: {}}\n', /twice/],
  ['a list', [], /not an object/],
  ['Swagger 2', { swagger: '2.0', paths: {} }, /version is not/],
  ['no paths', { openapi: '3.1.0' }, /has no paths/],
  ['too long', `{"openapi":"3.0.3","paths":{},"x":"${'a'.repeat(1024 * 1024)}"}`, /longer/],
  ['too deep', `{"openapi":"3.0.3","paths":{},"x":${'['.repeat(100)}${']'.repeat(100)}}`, /nested/],
  [
    'a reference to another file',
    { ...MINIMAL, paths: { '/a': { get: { operationId: 'a', parameters: [{ $ref: 'x.json#/p' }] } } } },
    /points out of the document/,
  ],
  [
    'a reference in a circle',
    {
      ...MINIMAL,
      components: {
        parameters: { p: { $ref: '#/components/parameters/q' }, q: { $ref: '#/components/parameters/p' } },
      },
      paths: { '/a': { get: { operationId: 'a', parameters: [{ $ref: '#/components/parameters/p' }] } } },
    },
    /circle/,
  ],
  [
    'a reference to nothing',
    { ...MINIMAL, paths: { '/a': { get: { operationId: 'a', parameters: [{ $ref: '#/x' }] } } } },
    /points nowhere/,
  ],
  [
    'a path that the gateway cannot match',
    { ...MINIMAL, paths: { '/a.{format}': { get: { operationId: 'a' } } } },
    /segment/,
  ],
  ['two servers with different paths', { ...MINIMAL, servers: [{ url: '/v1' }, { url: '/v2' }] }, /different paths/],
  ['a server variable without a value', { ...MINIMAL, servers: [{ url: '/{v}' }] }, /no default/],
  [
    'a body that is a list',
    {
      ...MINIMAL,
      paths: {
        '/a': {
          post: {
            operationId: 'a',
            requestBody: { content: { 'application/json': { schema: { type: 'array', items: {} } } } },
          },
        },
      },
    },
    /not described as one object/,
  ],
])('%s makes the document or operation unusable', (_, document, message) => {
  expect(problem(document)).toMatch(message);
});

test('the path of the server and the path of the tool', () => {
  const document = { ...MINIMAL, servers: [{ url: 'https://t.example/api/v1/' }, { url: 'https://other.example/' }] };
  const path = (url: string) => resolveActions(spec('a', url), JSON.stringify(document)).actions[0]?.match?.path;
  expect(path('https://t.example')).toBe('/api/v1/a');
  expect(path('https://t.example/api')).toBe('/v1/a');
  expect(path('https://t.example/api/v1')).toBe('/a');
  expect(problem(document, spec('a', 'https://t.example/ap'))).toMatch(/not below/);
  expect(problem(document, spec('a', 'https://third.example'))).toMatch(/different paths/);
});

test('schemas without an end take bounded time and stay open', () => {
  const loop = { allOf: [{ $ref: '#/components/schemas/L' }, { $ref: '#/components/schemas/L' }] };
  const node = {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries('abcdefghij'.split('').map((name) => [name, { $ref: '#/components/schemas/N' }])),
  };
  const body = (schema: unknown) => ({ content: { 'application/json': { schema } } });
  const document = (schema: unknown) => ({
    ...MINIMAL,
    components: { schemas: { L: loop, N: node } },
    paths: { '/a': { post: { operationId: 'a', requestBody: body(schema) } } },
  });
  const started = performance.now();
  expect(problem(document({ $ref: '#/components/schemas/L' }))).toMatch(/one object/);
  expect(problem(document({ $ref: '#/components/schemas/N' }))).toMatch(/more than 256/);
  const open = { type: 'object', properties: { l: { $ref: '#/components/schemas/L' }, n: { type: 'string' } } };
  expect(resolveActions(spec(), JSON.stringify(document(open)))).toMatchObject({
    problems: [{ severity: 'info', message: expect.stringContaining(' to l:') }],
    actions: [{ parameters: { n: { in: 'json', pointer: '/n', type: 'string' } } }],
  });
  expect(performance.now() - started).toBeLessThan(2000);
});

test('operations are found through a reference to their path', () => {
  const item = { get: { operationId: 'a' } };
  const document = {
    openapi: '3.1.0',
    paths: { '/a': { $ref: '#/components/pathItems/p' } },
    components: { pathItems: { p: item } },
  };
  expect(parseOpenApi(JSON.stringify(document)).operations.get('a')).toHaveLength(1);
});

test('a name never reaches the prototype', () => {
  const parameters = [{ name: '__proto__', in: 'query', schema: { type: 'string' } }];
  const document = { ...MINIMAL, paths: { '/a': { get: { operationId: 'a', parameters } } } };
  const [action] = resolveActions(spec(), JSON.stringify(document)).actions;
  expect(Object.keys(action?.parameters ?? {})).toEqual(['__proto__']);
});

test('a ConfigMap beside the resources is the document, until its text changes', () => {
  const text = readFileSync(join(GOLDEN, 'config-map/in.yaml'), 'utf8');
  const agent = `---
apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: one, namespace: acme}
spec:
  owner: team@example.com
  workload: {selector: {matchLabels: {app: one}}, serviceAccountName: one}
  tools: [{toolId: a}, {toolId: b}]
`;
  const system = newSystem();
  const match = (source: string) => {
    system.update([{ file: 'in.yaml', text: source + agent }]);
    const activation = system.activations.get('acme');
    return ['a', 'b'].map((tool) => activation?.contract('one', tool)?.actions[0]?.match);
  };
  expect(match(text)).toEqual([{ method: 'GET', path: '/ping' }, undefined]);
  expect(match(text.replace('"/ping"', '"/pong"'))).toEqual([{ method: 'GET', path: '/pong' }, undefined]);
});
