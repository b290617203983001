import { runVectors } from '../../../cli/testing/run-vectors.ts';
import type { TestReport } from '../../../cli/testing/test-report.ts';
import { collectVectors } from '../../../cli/testing/vectors.ts';
import type { Tracer } from '../../../cli/workspace/tracer.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { Coverage } from '../../../policy/explain/coverage.ts';
import { NOW, newSystem, sampleSources } from '../../support/sample.ts';
import { aegis, type Files, sampleFiles, withEdit } from '../support/memory-context.ts';

const fintech = sampleFiles('fintech');
const POLICY = 'fintech/finance-payments';

/** The fintech sample with these tests in its policy, and without its suite. */
function withTests(tests: string, edit: (files: Files) => Files = (files) => files): Files {
  const policy = (fintech['fintech/policies.yaml'] as string).replace(/ {2}tests:\n[\s\S]*$/, `  tests:\n${tests}`);
  const { 'fintech/tests.suite.yaml': _, ...others } = fintech;
  return edit({ ...others, 'fintech/policies.yaml': policy });
}

const input = (params: string, more = ''): string =>
  `input: {agent: finance-agent, tool: stripe-payments, action: create_payment, params: {${params}}${more}}`;
const WITHIN = `  - {name: within, ${input('amount: 1, currency: USD')}, expect: allow}\n`;

async function report(
  files: Files,
  ...options: string[]
): Promise<{ code: number; report: TestReport; stderr: string }> {
  const { code, stdout, stderr } = await aegis(['test', 'fintech', '--output', 'json', ...options], files);
  return { code, stderr, report: JSON.parse(stdout) as TestReport };
}

test.each(['fintech', 'ehr', 'cicd', 'egress'])('all vectors of the sample %s pass and cover 90 %%', async (name) => {
  const { code, stdout } = await aegis(['test', name, '--min-coverage', '90'], sampleFiles(name));
  expect(stdout).toMatch(/\n[1-9][0-9] passed, 0 failed; [0-9]+ of [0-9]+ branches covered \([0-9]+ %\)\n$/);
  expect(code).toBe(0);
});

test('a failing vector is shown with the line of the vector, the verdicts, the reason and its line', async () => {
  const files = withTests(`  - {name: too much, ${input('amount: 6000, currency: USD')}, expect: allow}\n`);
  const { code, stdout } = await aegis(['test', 'fintech'], files);
  expect(stdout).toBe(`FAIL  too much
  fintech/policies.yaml:18:12  AgentPolicy fintech/finance-payments
  expected allow, got approval_needed
  because ABOVE_MAXIMUM: amount must be at most 5000.
    rule fintech/finance-payments/cap-payments, spec.rules[0].conditions.maxAmount at fintech/policies.yaml:9:29
       9 |     conditions: {maxAmount: 5000, currency: USD}          # any parameter: params: {memo: {pattern: …
         |                             ^

coverage                   rules   branches
fintech/finance-payments     1/2        2/6    33 %
  fintech/policies.yaml:9:29  rule cap-payments, conditions.maxAmount never holds
  fintech/policies.yaml:9:45  rule cap-payments, conditions.currency never fails
  fintech/policies.yaml:7:11  rule cap-payments never decides with all its conditions met
  fintech/policies.yaml:13:11  rule read-payments never decides with all its conditions met

0 passed, 1 failed; 2 of 6 branches covered (33 %)
`);
  expect(code).toBe(1);
});

describe('reasons', () => {
  const vector = (reason: string): Files =>
    withTests(`  - {name: x, ${input('amount: 6000, currency: USD')}, expect: approval_needed, reason: ${reason}}\n`);

  test('the one that is given must be among those of the decision', async () => {
    expect((await report(vector('ABOVE_MAXIMUM'))).report).toMatchObject({ passed: 1, failed: 0 });
    const { code, report: failed } = await report(vector('NOT_IN_LIST'));
    expect(failed.vectors[0]).toMatchObject({
      status: 'failed',
      note: 'expected the reason NOT_IN_LIST, got ABOVE_MAXIMUM',
    });
    expect(code).toBe(1);
  });
});

test('an http vector goes through the real mapping', async () => {
  const http = (body: string): string =>
    `http: {agent: finance-agent, tool: stripe-payments, method: POST, path: /v1/payment_intents, ${body}}`;
  const form = 'headers: {content-type: application/x-www-form-urlencoded}';
  const { report: result } = await report(
    withTests(
      [
        `  - {name: text, ${http(`${form}, body: "amount=499900&currency=usd"`)}, expect: allow}`,
        `  - {name: mapping, ${http(`${form}, body: {amount: 500001, currency: usd}`)}, expect: approval_needed}`,
        `  - {name: json, ${http('body: {amount: 1, currency: usd}')}, expect: deny, reason: AEGIS_MAPPING_CONTENT_TYPE}`,
        `  - {name: twice, ${http(`${form}, body: "amount=1&amount=2&currency=usd"`)}, expect: deny, reason: AEGIS_MAPPING_DUPLICATE}`,
        '',
      ].join('\n'),
    ),
  );
  expect(result.vectors.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'text passed',
    'mapping passed',
    'json passed',
    'twice passed',
  ]);
});

test('an input that cannot be read is a failure, not a deny that was wished for', async () => {
  const files = withTests(`  - {name: x, ${input('amount: 1', ', context: {purpse: care}')}, expect: deny}\n`);
  const { report: result, code } = await report(files);
  expect(result.vectors[0]?.note).toMatch(/^the vector itself is malformed: input\.context\.purpse is unknown/);
  expect(code).toBe(1);
});

test('limits are not counted', async () => {
  const many = Array.from({ length: 15 }, (_, i) => WITHIN.replace('within', `within ${i}`)).join('');
  expect((await report(withTests(many))).report).toMatchObject({ passed: 15, failed: 0 });
});

test('a vector that cannot be run is skipped and counted', async () => {
  const mcp = 'mcp: {agent: finance-agent, tool: stripe-payments, params: {name: create_payment}}';
  const { report: skipped } = await report(withTests(`${WITHIN}  - {name: m, ${mcp}, expect: deny}\n`));
  expect(skipped).toMatchObject({ passed: 1, skipped: 1 });
  const suspend = (files: Files): Files =>
    withEdit(files, 'spec:\n  scope: {agents', 'spec:\n  suspend: true\n  scope: {agents');
  expect((await report(withTests(WITHIN, suspend))).report).toMatchObject({ passed: 0, skipped: 1 });
});

describe('--run', () => {
  test('runs what matches', async () => {
    const { report: result } = await report(fintech, '--run', '^HTTP');
    expect(result.vectors.length).toBeGreaterThan(3);
    expect(result.vectors.every(({ name }) => name.startsWith('HTTP'))).toBe(true);
  });

  test('nothing that matches is an error', async () => {
    const { code, stderr } = await aegis(['test', 'fintech', '--run', 'nosuch'], fintech);
    expect(stderr).toContain('AEGIS_NO_TESTS');
    expect(code).toBe(1);
  });

  test('a pattern that is none is wrong use', async () => {
    expect((await aegis(['test', 'fintech', '--run', '('], fintech)).code).toBe(2);
  });
});

describe('coverage', () => {
  test('below --min-coverage exits with 1', async () => {
    const files = withTests(WITHIN);
    expect((await aegis(['test', 'fintech'], files)).code).toBe(0);
    const { code, stderr } = await aegis(['test', 'fintech', '--min-coverage', '80'], files);
    expect(stderr).toBe('coverage is 50 %, below 80 %\n');
    expect(code).toBe(1);
  });

  test('the branches are those of the YAML', async () => {
    const { report: result } = await report(withTests(WITHIN));
    expect(result.coverage).toMatchObject({ covered: 3, total: 6, percent: 50 });
    const [policy] = result.coverage.policies;
    expect(policy?.policy).toBe(POLICY);
    const branches = policy?.rules.flatMap(({ rule, branches: all }) =>
      all.map(({ kind, field, hits, location }) => `${rule} ${kind} ${field} ${hits} ${location.line}`),
    );
    expect(branches).toEqual([
      'cap-payments holds spec.rules[0].conditions.maxAmount 1 9',
      'cap-payments fails spec.rules[0].conditions.maxAmount 0 9',
      'cap-payments holds spec.rules[0].conditions.currency 1 9',
      'cap-payments fails spec.rules[0].conditions.currency 0 9',
      'cap-payments outcome spec.rules[0] 1 7',
      'read-payments outcome spec.rules[1] 0 13',
    ]);
  });

  test('--coverage shows every branch with its count', async () => {
    const { stdout } = await aegis(['test', 'fintech', '--coverage'], withTests(WITHIN));
    expect(stdout).toContain('  fintech/policies.yaml:7:11  rule cap-payments: applied once\n');
    expect(stdout).toContain('        1   conditions.maxAmount holds\n        0 ! conditions.maxAmount fails\n');
    expect(stdout).toContain('  fintech/policies.yaml:13:11  rule read-payments: applied never\n');
  });

  test('a `when` counts as fitting and as not fitting', async () => {
    const { stdout } = await aegis(['test', 'cicd', '--coverage', '--run', 'staging at noon'], sampleFiles('cicd'));
    expect(stdout).toContain('        1   when fits\n        0 ! when does not fit\n');
  });

  test.each(['101', 'x', '-1'])('--min-coverage %s is wrong use', async (percent) => {
    expect((await aegis(['test', 'fintech', `--min-coverage=${percent}`], fintech)).code).toBe(2);
  });
});

test('errors are shown and nothing is run', async () => {
  const { code, stdout, stderr } = await aegis(['test', 'fintech'], withEdit(fintech, 'maxAmount', 'maxAmuont'));
  expect(stdout).toBe('');
  expect(stderr).toContain('fintech/policies.yaml:9:18: error AEGIS_UNKNOWN_FIELD');
  expect(stderr).toMatch(/nothing was tested\n$/);
  expect(code).toBe(1);
});

test('a suite with a misspelt key is not run', async () => {
  const { code, stderr } = await aegis(['test', 'fintech'], withEdit(fintech, 'expect: allow\n', 'expct: allow\n'));
  expect(stderr).toContain('tests.suite.yaml');
  expect(code).toBe(1);
});

test('JUnit XML', async () => {
  const files = withTests(
    `${WITHIN}  - {name: "a <b> & \\"c\\"", ${input('amount: 6000, currency: USD')}, expect: allow}\n`,
  );
  const { code, stdout } = await aegis(['test', 'fintech', '--format', 'junit'], files);
  expect(stdout.replace(/time="[0-9.]+"/g, 'time="T"')).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1" errors="0" skipped="0" time="T">
  <testsuite name="AgentPolicy fintech/finance-payments" tests="2" failures="1" errors="0" skipped="0" time="T">
    <testcase name="within" classname="AgentPolicy fintech/finance-payments" time="T" file="fintech/policies.yaml" line="18"/>
    <testcase name="a &lt;b&gt; &amp; &quot;c&quot;" classname="AgentPolicy fintech/finance-payments" time="T" file="fintech/policies.yaml" line="19">
      <failure message="expected allow, got approval_needed" type="verdict">at fintech/policies.yaml:19:12
because ABOVE_MAXIMUM: amount must be at most 5000. (rule fintech/finance-payments/cap-payments, spec.rules[0].conditions.maxAmount at fintech/policies.yaml:9:29)</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
  expect(code).toBe(1);
});

test('a trace that differs from the policy is a failure that says so', async () => {
  const system = newSystem();
  const update = system.update(sampleSources('fintech'));
  const real = { reasons: [], policies: [], structural: false, verdict: 'allow' };
  const tracer = {
    trace: () => ({ trace: real, mismatch: 'traced as deny, decided as allow' }),
    sources: () => undefined,
  };
  const [vector] = collectVectors(update.resources, update.suites);
  const results = await runVectors([vector as NonNullable<typeof vector>], {
    system,
    tracer: tracer as unknown as Tracer,
    coverage: new Coverage([]),
    decide: { now: () => NOW, newId: () => 'id', limits: createMemoryLimitStore(() => NOW), hash: (text) => text },
  });
  expect(results).toEqual([
    expect.objectContaining({ status: 'failed', note: 'internal error: traced as deny, decided as allow' }),
  ]);
});
