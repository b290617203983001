import { join } from 'node:path';
import { ERRORS, type ErrorCode } from '../../../policy/errors.ts';
import { aegis, type Files, filesBelow, sampleFiles, withEdit } from '../support/memory-context.ts';

const fintech = sampleFiles('fintech');
const MISSPELT = withEdit(fintech, 'maxAmount: 5000', 'maxAmuont: 5000');

test.each(['fintech', 'ehr', 'cicd', 'egress'])('nothing is wrong with the sample %s', async (name) => {
  const { code, stdout } = await aegis(['lint', name], sampleFiles(name));
  expect(stdout).toMatch(/^0 errors, 0 warnings in [45] files, [0-9]+ resources\n$/);
  expect(code).toBe(0);
});

const invalid = filesBelow(join(__dirname, '../../testdata/invalid'), 'invalid');

test('there are many invalid files', () => expect(Object.keys(invalid).length).toBeGreaterThan(100));

test.each(Object.keys(invalid))('%s fails where it says', async (file) => {
  const [, expected, line] = /^# expect: (\S+) at (\d+)\r?\n/.exec(invalid[file] as string) ?? [];
  expect(ERRORS).toHaveProperty(expected as string);
  // warnings fail too unless some are permitted
  const { code, stdout } = await aegis(['lint', file, '--format', 'json'], { [file]: invalid[file] as string });
  const { findings } = JSON.parse(stdout) as {
    findings: { code: ErrorCode; location?: { file: string; line: number } }[];
  };
  expect(findings.map((each) => `${each.code} at ${each.location?.line}`)).toContain(`${expected} at ${line}`);
  expect(findings.every(({ location }) => location?.file === file)).toBe(true);
  expect(code).toBe(1);
});

test('a finding shows the line, the field and what to do', async () => {
  const { code, stdout } = await aegis(['lint', 'fintech'], MISSPELT);
  expect(stdout).toBe(`fintech/policies.yaml:9:18: error AEGIS_UNKNOWN_FIELD: there is no field maxAmuont here
     9 |     conditions: {maxAmuont: 5000, currency: USD}          # any parameter: params: {memo: {pattern: …
       |                  ^
  at    spec.rules[0].conditions.maxAmuont of AgentPolicy fintech/finance-payments
  fix   Did you mean maxAmount?

1 error, 0 warnings in 5 files, 6 resources
`);
  expect(code).toBe(1);
});

test('findings are sorted by file and line', async () => {
  const twice = withEdit(withEdit(MISSPELT, 'upstream:', 'upstraem:'), 'name: burst', 'nmae: burst');
  const { stdout } = await aegis(['lint', 'fintech'], twice);
  const places = [...stdout.matchAll(/^(\S+):(\d+):\d+: /gm)].map(([, file, line]) => `${file} ${line?.padStart(4)}`);
  expect(places.length).toBeGreaterThan(2);
  expect(places).toEqual([...places].sort());
});

test('that a broken tool is not found by others is no second mistake', async () => {
  const { stdout } = await aegis(['lint', 'fintech'], withEdit(fintech, 'upstream:', 'upstraem:'));
  expect(stdout).toContain('AEGIS_UNKNOWN_FIELD');
  expect(stdout).not.toContain('AEGIS_UNKNOWN_TOOL');
});

describe('nothing found is not nothing wrong', () => {
  const cases: [string, Files][] = [
    ['a folder without policies', { 'x/readme.md': 'hello' }],
    ['only resources of others', { 'x/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n' }],
    ['an empty file', { 'x/a.yaml': '' }],
  ];
  test.each(cases)('%s', async (_, files) => {
    const { code, stdout } = await aegis(['lint', 'x'], files);
    expect(stdout).toContain('error AEGIS_NO_RESOURCES');
    expect(code).toBe(1);
  });
});

describe('warnings', () => {
  const files = withEdit(fintech, 'acceptsFrom: [planner-agent]', 'acceptsFrom: [planner-agent, intake-agent]');

  test('fail by default', async () => {
    const { code, stdout } = await aegis(['lint', 'fintech'], files);
    expect(stdout).toContain('warning AEGIS_UNREGISTERED_CALLER');
    expect(stdout).toContain('0 errors, 1 warning in');
    expect(code).toBe(1);
  });

  test('pass up to --max-warnings', async () => {
    expect((await aegis(['lint', 'fintech', '--max-warnings', '1'], files)).code).toBe(0);
    expect((await aegis(['lint', 'fintech', '--max-warnings', '0'], files)).code).toBe(1);
  });
});

describe('wrong use', () => {
  test.each([
    [['lint']],
    [['lint', 'nowhere']],
    [['lint', 'fintech', '--format', 'xml']],
    [['lint', 'fintech', '--max-warnings', '-1']],
  ])('%j exits with 2', async (argv) => {
    expect((await aegis(argv, fintech)).code).toBe(2);
  });
});

test('JSON carries every finding with its fix', async () => {
  const { stdout } = await aegis(['lint', 'fintech', '--output', 'json'], MISSPELT);
  expect(JSON.parse(stdout)).toEqual({
    summary: { errors: 1, warnings: 0, files: 5, resources: 6, skipped: 0 },
    findings: [
      {
        code: 'AEGIS_UNKNOWN_FIELD',
        severity: 'error',
        message: 'there is no field maxAmuont here',
        fix: 'Did you mean maxAmount?',
        resource: 'AgentPolicy fintech/finance-payments',
        field: 'spec.rules[0].conditions.maxAmuont',
        location: { file: 'fintech/policies.yaml', line: 9, column: 18 },
      },
    ],
  });
});

test('GitHub gets workflow commands, escaped', async () => {
  const name = 'a,b:c%/p.yaml';
  const text = Object.values(MISSPELT).find((each) => each.includes('maxAmuont')) as string;
  const { stdout, code } = await aegis(['lint', 'a,b:c%', '--format', 'github'], { [name]: text });
  const [first] = stdout.split('\n');
  expect(first).toBe(
    '::error file=a%2Cb%3Ac%25/p.yaml,line=9,col=18,title=AEGIS_UNKNOWN_FIELD::there is no field maxAmuont here' +
      '%0Aspec.rules[0].conditions.maxAmuont of AgentPolicy fintech/finance-payments%0ADid you mean maxAmount?',
  );
  expect(code).toBe(1);
});

describe('SARIF 2.1.0', () => {
  interface Sarif {
    $schema: string;
    version: string;
    runs: {
      tool: { driver: { name: string; version: string; rules: Record<string, unknown>[] } };
      results: {
        ruleId: string;
        ruleIndex: number;
        level: string;
        message: { text: string };
        locations: { physicalLocation: { artifactLocation: { uri: string }; region: Record<string, number> } }[];
      }[];
    }[];
  }
  const sarif = async (files: Files): Promise<Sarif> =>
    JSON.parse((await aegis(['lint', Object.keys(files)[0]?.split('/')[0] ?? '', '--format', 'sarif'], files)).stdout);

  test('has what the format requires', async () => {
    const { version, $schema, runs } = await sarif(MISSPELT);
    expect(version).toBe('2.1.0');
    expect($schema).toContain('sarif-schema-2.1.0.json');
    const [run] = runs;
    expect(runs).toHaveLength(1);
    expect(run?.tool.driver).toMatchObject({ name: 'aegis', version: '0.1.0' });
    expect(run?.tool.driver.rules).toEqual([
      expect.objectContaining({
        id: 'AEGIS_UNKNOWN_FIELD',
        name: 'UnknownField',
        shortDescription: { text: ERRORS.AEGIS_UNKNOWN_FIELD.summary },
        help: expect.objectContaining({ text: ERRORS.AEGIS_UNKNOWN_FIELD.fix }),
        defaultConfiguration: { level: 'error' },
      }),
    ]);
    expect(run?.results).toEqual([
      expect.objectContaining({
        ruleId: 'AEGIS_UNKNOWN_FIELD',
        ruleIndex: 0,
        level: 'error',
        message: { text: 'there is no field maxAmuont here Did you mean maxAmount?' },
      }),
    ]);
    expect(run?.results[0]?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: 'fintech/policies.yaml' },
      region: { startLine: 9, startColumn: 18 },
    });
  });

  test('rule indexes and URIs are right for every kind of finding', async () => {
    const { runs } = await sarif(invalid);
    const [run] = runs;
    expect(run?.results.length).toBeGreaterThan(100);
    for (const { ruleId, ruleIndex, level, locations } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(['error', 'warning', 'note']).toContain(level);
      const { artifactLocation, region } = locations[0]?.physicalLocation ?? {};
      expect(artifactLocation?.uri).toMatch(/^invalid\/[A-Za-z0-9._/-]+$/);
      expect(region?.startLine).toBeGreaterThan(0);
      expect(region?.startColumn).toBeGreaterThan(0);
    }
  });

  test('a name that is no URI is encoded', async () => {
    const { runs } = await sarif({ 'x y/ä#1.yaml': 'kind: [' });
    expect(runs[0]?.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe('x%20y/%C3%A4%231.yaml');
  });
});

describe('test suites', () => {
  const suite = (cases: string): Files => ({
    ...fintech,
    'fintech/tests.suite.yaml': `apiVersion: aegis.dev/v1alpha1\nkind: TestSuite\nmetadata: {name: s, namespace: fintech}\n${cases}`,
  });
  const call = 'input: {agent: a, tool: t, action: x, params: {}}';
  test.each([
    ['an unknown field of a case', `spec:\n  cases:\n  - {name: a, ${call}, expct: allow}\n`, 'AEGIS_UNKNOWN_FIELD', 6],
    [
      'an unknown field of the suite',
      `spec:\n  cses: []\n  cases:\n  - {name: a, ${call}, expect: allow}\n`,
      'AEGIS_UNKNOWN_FIELD',
      5,
    ],
    ['an unknown verdict', `spec:\n  cases:\n  - {name: a, ${call}, expect: alow}\n`, 'AEGIS_SCHEMA_VALUE', 6],
    ['neither input nor http', 'spec:\n  cases:\n  - {name: a, expect: allow}\n', 'AEGIS_CEL_RULE', 6],
    ['no cases', 'spec: {}\n', 'AEGIS_SCHEMA_REQUIRED', 4],
    ['an empty list', 'spec:\n  cases: []\n', 'AEGIS_SCHEMA_BOUNDS', 5],
    [
      'a name twice',
      `spec:\n  cases:\n  - {name: a, ${call}, expect: deny}\n  - {name: a, ${call}, expect: deny}\n`,
      'AEGIS_SCHEMA_DUPLICATE',
      7,
    ],
  ])('%s', async (_, spec, expected, line) => {
    const { code, stdout } = await aegis(['lint', 'fintech', '--output', 'json'], suite(spec));
    const { findings } = JSON.parse(stdout) as {
      findings: { code: string; resource: string; location: { line: number } }[];
    };
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ code: expected, resource: 'TestSuite fintech/s', location: { line } });
    expect(code).toBe(1);
  });

  test('positions are right behind the 64th case', async () => {
    const cases = Array.from(
      { length: 130 },
      (_, i) => `  - {name: c${i}, ${call}, ${i === 100 ? 'expct' : 'expect'}: deny}\n`,
    );
    const { stdout } = await aegis(
      ['lint', 'fintech', '--output', 'json'],
      suite(`spec:\n  cases:\n${cases.join('')}`),
    );
    const { findings } = JSON.parse(stdout) as { findings: object[] };
    expect(findings).toEqual([
      expect.objectContaining({ field: 'spec.cases[100].expct', location: expect.objectContaining({ line: 106 }) }),
    ]);
  });
});

test('--help has an example', async () => {
  for (const command of ['lint', 'test', 'explain']) {
    const { code, stdout } = await aegis([command, '--help'], {});
    expect(stdout).toMatch(new RegExp(`Examples:\\n  aegis ${command} `));
    expect(code).toBe(0);
  }
});
