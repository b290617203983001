import { loadJson, loadSource } from '../../../policy/source/load-json.ts';
import { loadSources } from '../../../policy/source/load-sources.ts';

const policy = (name: string, more = '') =>
  `apiVersion: aegis.dev/v1alpha1\nkind: AgentPolicy\nmetadata: {name: ${name}${more}}\n`;

test('keeps the resources of aegis.dev in order', () => {
  const { resources, findings } = loadSources([
    { file: 'a.yaml', text: `${policy('a')}---\n${policy('b')}` },
    { file: 'b.json', text: '{"apiVersion":"aegis.dev/v1alpha1","kind":"AgentTool","metadata":{"name":"t"}}' },
  ]);
  expect(findings).toEqual([]);
  expect(resources.map(({ object }) => `${object.kind} ${object.metadata.name}`)).toEqual([
    'AgentPolicy a',
    'AgentPolicy b',
    'AgentTool t',
  ]);
});

test.each([
  ['apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}', 'AEGIS_RESOURCE_FOREIGN', 'info', 1],
  ['apiVersion: v1\nkind: Secret\nmetadata: {name: a}', 'AEGIS_RESOURCE_FOREIGN', 'info', 1],
  ['apiVersion: aegis.de/v1alpha1\nkind: AgentPolicy\nmetadata: {name: a}', 'AEGIS_RESOURCE_FOREIGN', 'error', 1],
  ['apiVersion: v1\nkind: AgentPolicy\nmetadata: {name: a}', 'AEGIS_RESOURCE_FOREIGN', 'error', 1],
  ['apiVersion: kagent.example/v1\nkind: AgentTool\nmetadata: {name: a}', 'AEGIS_RESOURCE_FOREIGN', 'warning', 1],
  ['apiVersion: aegis.dev/v1\nkind: AgentPolicy\nmetadata: {name: a}', 'AEGIS_RESOURCE_VERSION_UNKNOWN', 'error', 1],
  ['apiVersion: aegis.dev\nkind: AgentPolicy\nmetadata: {name: a}', 'AEGIS_RESOURCE_VERSION_UNKNOWN', 'error', 1],
  [
    'apiVersion: Aegis.dev/v1alpha1\nkind: AgentPolicy\nmetadata: {name: a}',
    'AEGIS_RESOURCE_VERSION_UNKNOWN',
    'error',
    1,
  ],
  ['apiVersion: aegis.dev/v1alpha1\nkind: AgentPolice\nmetadata: {name: a}', 'AEGIS_RESOURCE_KIND_UNKNOWN', 'error', 2],
])('%j', (text, code, severity, line) => {
  const { resources, findings } = loadSources([{ file: 'a.yaml', text }]);
  expect(resources).toEqual([]);
  expect(findings).toMatchObject([{ code, severity, location: { file: 'a.yaml', line } }]);
});

test('a resource defined twice counts once and is an error; namespaces keep names apart', () => {
  const { resources, findings } = loadSources([
    { file: 'a.yaml', text: policy('a') },
    { file: 'b.yaml', text: `${policy('a')}---\n${policy('a', ', namespace: team')}` },
  ]);
  expect(resources).toHaveLength(2);
  expect(findings).toMatchObject([
    { code: 'AEGIS_RESOURCE_DUPLICATE', location: { file: 'b.yaml', line: 3, column: 18 } },
  ]);
  expect(findings[0]?.message).toContain('a.yaml:3:18');
});

describe('JSON', () => {
  test.each([
    ['{"a": 1,}', 1, 9],
    ['{"a": 1} x', 1, 10],
    ['{\n  // c\n}', 2, 3],
    ["{'a': 1}", 1, 2],
    ['{"a": 01}', 1, 8],
    ['{"a": NaN}', 1, 7],
    ['', 1, 1],
    ['[1 2]', 1, 4],
    ['{"a"}', 1, 5],
    ['"\u0001"', 1, 1],
    [`${'['.repeat(100)}`, 1, 66],
  ])('%j is refused', (text, line, column) => {
    expect(loadJson(text, 'a.json').findings).toMatchObject([
      { code: 'AEGIS_RESOURCE_JSON', location: { line, column } },
    ]);
  });

  test('duplicate keys and inexact numbers', () => {
    const text = (spec: string) =>
      `{"apiVersion":"aegis.dev/v1alpha1","kind":"AgentTool","metadata":{"name":"t"},"spec":${spec}}`;
    expect(loadJson(text('{"a":1,"\\u0061":2}'), 'a.json').findings[0]?.code).toBe('AEGIS_YAML_DUPLICATE_KEY');
    expect(loadJson(text('{"a":9007199254740993}'), 'a.json').findings[0]?.code).toBe('AEGIS_YAML_VALUE');
    expect(loadJson(text('{"a":1e2,"\\ud83d\\ude00":"\\/"}'), 'a.json').resources[0]?.object.spec).toEqual({
      a: 100,
      '😀': '/',
    });
  });

  test('the file name decides', () => {
    expect(loadSource('a: 1', 'x.json').findings[0]?.code).toBe('AEGIS_RESOURCE_JSON');
    expect(loadSource('a: 1', 'x.yaml').findings[0]?.code).toBe('AEGIS_RESOURCE_SHAPE');
  });
});
