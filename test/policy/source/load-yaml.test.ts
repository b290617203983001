import type { Finding } from '../../../policy/errors.ts';
import { loadYaml } from '../../../policy/source/load-yaml.ts';

const HEAD = 'apiVersion: aegis.dev/v1alpha1\nkind: AgentPolicy\nmetadata: {name: a}\n';

/** `CODE line:column` of each finding. */
function places(findings: Finding[]): string[] {
  return findings.map(({ code, location }) => `${code} ${location?.line}:${location?.column}`);
}

/** Loads one resource with `spec` as given, starting at line 4. */
function loadSpec(spec: string) {
  return loadYaml(`${HEAD}${spec}\n`, 'a.yaml');
}

function specOf(spec: string): unknown {
  const { resources, findings } = loadSpec(spec);
  expect(findings).toEqual([]);
  return resources[0]?.object.spec;
}

describe('documents', () => {
  test('several documents, comments, directives and empty ones', () => {
    const other = HEAD.replace('name: a', 'name: b');
    const text = `%YAML 1.2\n# start\n---\n${HEAD}---\n# nothing\n---\n${other}...\n# end\n`;
    const { resources, findings } = loadYaml(text, 'a.yaml');
    expect(findings).toEqual([]);
    expect(resources.map(({ object }) => object.metadata.name)).toEqual(['a', 'b']);
    expect(resources[1]?.locate(['metadata', 'name'])).toEqual({ file: 'a.yaml', line: 12, column: 18 });
  });

  test('a broken document does not disturb the others', () => {
    const text = `${HEAD}---\nkind: "open\nx: [1, {\n---\n${HEAD.replace('name: a', 'name: b')}`;
    const { resources, findings } = loadYaml(text, 'a.yaml');
    expect(resources.map(({ object }) => object.metadata.name)).toEqual(['a', 'b']);
    expect(findings[0]?.code).toBe('AEGIS_YAML_SYNTAX');
  });

  test('a marker line inside a scalar ends the document', () => {
    const { findings } = loadSpec('spec: "a\n---\nb"');
    expect(findings[0]?.code).toBe('AEGIS_YAML_SYNTAX');
  });

  test('a list is expanded with positions', () => {
    const item = '- {apiVersion: aegis.dev/v1alpha1, kind: AgentTool, metadata: {name: t}, spec: {x: 1}}';
    const { resources, findings } = loadYaml(`apiVersion: v1\nkind: List\nitems:\n${item}\n${item}\n- 5\n`, 'l.yaml');
    expect(resources).toHaveLength(2);
    expect(resources[1]?.locate(['spec', 'x'])).toEqual({ file: 'l.yaml', line: 5, column: item.indexOf('1}') + 1 });
    expect(resources[1]?.locateKey(['spec', 'x'])).toEqual({ file: 'l.yaml', line: 5, column: item.indexOf('x:') + 1 });
    expect(resources[1]?.locate([])).toEqual({ file: 'l.yaml', line: 5, column: 3 });
    expect(places(findings)).toEqual(['AEGIS_RESOURCE_SHAPE 6:3']);
  });

  test.each([
    ['- 1', 'AEGIS_RESOURCE_SHAPE 1:1'],
    ['text', 'AEGIS_RESOURCE_SHAPE 1:1'],
    ['kind: AgentPolicy\nmetadata: {name: a}', 'AEGIS_RESOURCE_SHAPE 1:1'],
    ['apiVersion: aegis.dev/v1alpha1\nkind: [a]\nmetadata: {name: a}', 'AEGIS_RESOURCE_SHAPE 2:7'],
    ['apiVersion: aegis.dev/v1alpha1\nkind: AgentPolicy', 'AEGIS_RESOURCE_SHAPE 1:1'],
    ['apiVersion: aegis.dev/v1alpha1\nkind: AgentPolicy\nmetadata: {name: 5}', 'AEGIS_RESOURCE_SHAPE 3:18'],
    ['apiVersion: apps/v1\nkind: Deployment', 'AEGIS_RESOURCE_FOREIGN 1:1'],
  ])('shape of %j', (text, place) => {
    const { resources, findings } = loadYaml(text, 'a.yaml');
    expect(resources).toEqual([]);
    expect(places(findings)).toEqual([place]);
  });

  test('a kustomization needs neither apiVersion nor kind', () => {
    const { findings } = loadYaml('resources: [a.yaml]', 'overlays/kustomization.yaml');
    expect(findings).toMatchObject([{ code: 'AEGIS_RESOURCE_FOREIGN', severity: 'info' }]);
  });
});

test("someone else's resource may be written in ways that we refuse", () => {
  const foreign = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nmode: 0644\non: yes\n';
  expect(loadYaml(foreign, 'a.yaml').findings).toMatchObject([{ code: 'AEGIS_RESOURCE_FOREIGN', severity: 'info' }]);
  const typo = 'apiVersion: aegis.de/v1alpha1\nkind: AgentPolicy\nmetadata: {name: a}\nmode: 0644\n';
  expect(loadYaml(typo, 'a.yaml').findings).toMatchObject([{ code: 'AEGIS_YAML_VALUE', severity: 'error' }]);
});

describe('values', () => {
  test('YAML 1.2 core', () => {
    const spec = 'spec: {a: 4999.99, b: 1e3, c: -0, d: "1_000", e: ~, f: true, g: 2026-01-02, h: 09:30, i: !!str 5}';
    const value = specOf(spec) as Record<string, unknown>;
    expect(value).toEqual({
      a: 4999.99,
      b: 1000,
      c: 0,
      d: '1_000',
      e: null,
      f: true,
      g: '2026-01-02',
      h: '09:30',
      i: '5',
    });
    expect(Object.is(value.c, 0)).toBe(true);
  });

  test.each([
    ['.nan'],
    ['-.inf'],
    ['0o17'],
    ['0x1F'],
    ['007'],
    ['+5'],
    ['.5'],
    ['5.'],
    ['9007199254740993'],
    ['12345678901234567890'],
    ['0.1000000000000000055'],
    ['123456789012345678.5'],
    ['1e400'],
    ['1e-400'],
    ['!!float 5'],
    ['!!js/function x'],
    ['!secret x'],
    ['"\\ud800"'],
    ['*nowhere'],
    ['{<<: {a: 1}}'],
    ['{5: a}'],
    ['{? [a] : b}'],
    ['{__proto__: {admin: true}}'],
    ['&a [*a]'],
  ])('%s is refused at its place', (literal) => {
    const { resources, findings } = loadSpec(`spec:\n  x: ${literal}`);
    expect(resources).toEqual([]);
    expect(findings[0]).toMatchObject({ severity: 'error', location: { line: 5 } });
    expect(['AEGIS_YAML_VALUE', 'AEGIS_YAML_SYNTAX']).toContain(findings[0]?.code);
  });

  test.each(['yes', 'Off', 'n', '1_000', '0b11'])('%s is a string with a warning', (literal) => {
    const { resources, findings } = loadSpec(`spec: {x: ${literal}}`);
    expect(resources[0]?.object.spec).toEqual({ x: literal });
    expect(findings).toMatchObject([
      { code: 'AEGIS_YAML_AMBIGUOUS', severity: 'warning', location: { line: 4, column: 11 } },
    ]);
    expect(loadSpec(`spec: {x: "${literal}"}`).findings).toEqual([]);
  });

  test('keys of Object.prototype are plain data', () => {
    const spec = specOf('spec: {constructor: 1, toString: 2, hasOwnProperty: 3}') as object;
    expect(Object.keys(spec)).toEqual(['constructor', 'toString', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(spec)).toBe(Object.prototype);
  });

  test('duplicate keys, also when quoted differently', () => {
    expect(places(loadSpec('spec:\n  a: 1\n  "a": 2').findings)).toEqual(['AEGIS_YAML_DUPLICATE_KEY 6:3']);
    expect(places(loadSpec('spec: {toString: 1}').findings)).toEqual([]);
  });

  test('an alias is a copy, and positions follow it', () => {
    const { resources, findings } = loadSpec('spec:\n  a: &x {deep: [1]}\n  b: *x');
    const spec = resources[0]?.object.spec as { a: object; b: object };
    expect(findings).toEqual([]);
    expect(spec.b).toEqual(spec.a);
    expect(spec.b).not.toBe(spec.a);
    expect(resources[0]?.locate(['spec', 'b', 'deep', 0])).toMatchObject({ line: 5, column: 17 });
    expect(resources[0]?.locateKey(['spec', 'b'])).toMatchObject({ line: 6, column: 3 });
  });

  test('syntax: tabs and text after a value', () => {
    expect(loadSpec('spec:\n\ta: 1').findings[0]).toMatchObject({ code: 'AEGIS_YAML_SYNTAX', location: { line: 5 } });
    expect(loadSpec('spec: "a" b').findings[0]?.code).toBe('AEGIS_YAML_SYNTAX');
    expect(loadYaml('%TAG ! !x\n---\n{}', 'a.yaml').findings[0]?.code).toBe('AEGIS_YAML_VALUE');
  });

  test.each([
    '\u0000',
    '\u001b',
    '\r',
    '\u202e',
    '\u2028',
    '\ud800',
    '\ufeff',
  ])('the character %j is refused', (character) => {
    const { findings } = loadSpec(`spec: "a${character}b"`);
    expect(places(findings)).toEqual(['AEGIS_YAML_CHARACTER 4:9']);
  });

  test('a byte order mark at the start and CRLF are fine', () => {
    const { resources, findings } = loadYaml(`\ufeff${HEAD}spec: {a: 1}\n`.replaceAll('\n', '\r\n'), 'a.yaml');
    expect(findings).toEqual([]);
    expect(resources[0]?.object.spec).toEqual({ a: 1 });
    expect(resources[0]?.locate(['kind'])).toMatchObject({ line: 2, column: 7 });
  });
});

describe('bounds', () => {
  test.each([
    ['flow depth', `spec: ${'['.repeat(200_000)}`],
    ['block depth', `spec:\n ${'- '.repeat(200_000)}a`],
    ['flow depth in maps', `spec: ${'{a: '.repeat(100_000)}`],
    ['aliases', `spec: [&a 1, ${'*a, '.repeat(101)}]`],
    ['length', `spec: "${'a'.repeat(1024 * 1024)}"`],
    [
      'billion laughs',
      `spec:\n${Array.from({ length: 30 }, (_, i) => ` k${i}: &k${i} [*k${i - 1}, *k${i - 1}, *k${i - 1}]`)
        .join('\n')
        .replace('[*k-1, *k-1, *k-1]', `[${'a, '.repeat(20_000)}]`)}`,
    ],
  ])('%s', (_, spec) => {
    const started = performance.now();
    const { resources, findings } = loadSpec(spec);
    expect(resources).toEqual([]);
    expect(findings.map(({ code }) => code)).toContain('AEGIS_YAML_LIMIT');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('many distinct keys take linear time', () => {
    const keys = Array.from({ length: 50_000 }, (_, i) => `  k${i}: 1`).join('\n');
    const started = performance.now();
    expect(loadSpec(`spec:\n${keys}`).findings).toEqual([]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('the number of documents and the length of the file', () => {
    expect(loadYaml('---\n'.repeat(10_001), 'a.yaml').findings[0]).toMatchObject({ code: 'AEGIS_YAML_LIMIT' });
    expect(loadYaml('#'.repeat(32 * 1024 * 1024 + 1), 'a.yaml').findings[0]).toMatchObject({
      code: 'AEGIS_YAML_LIMIT',
    });
  });

  test('64 levels are fine', () => {
    expect(loadSpec(`spec: ${'['.repeat(63)}${']'.repeat(63)}`).findings).toEqual([]);
  });
});

test('a path that does not exist is at its nearest ancestor', () => {
  const [resource] = loadSpec('spec:\n  rules:\n  - name: a').resources;
  expect(resource?.locate(['spec', 'rules', 0, 'conditions', 'max'])).toMatchObject({ line: 6, column: 5 });
  expect(resource?.locateKey(['spec', 'rules', 7])).toMatchObject({ line: 6, column: 3 });
  expect(resource?.locateKey(['spec', 'rules'])).toMatchObject({ line: 5, column: 3 });
});
