/** The shared policy as Rego: format, strict check, its own tests with coverage, Regal with the noted exceptions. */
import { spawnSync } from 'node:child_process';
import { opaPath, POLICY_REGO, toolPath } from '../decision/differential/engines.ts';

const FOLDER = 'policy/rego';

function run(program: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

interface Coverage {
  files: Record<string, { coverage: number; not_covered?: { start: { row: number } }[] }>;
}

test('opa fmt would change nothing', () => {
  expect(run(opaPath(), 'fmt', '--list', FOLDER)).toMatchObject({ status: 0, stdout: '' });
});

test('opa check --strict accepts it', () => {
  expect(run(opaPath(), 'check', '--strict', FOLDER)).toMatchObject({ status: 0, stderr: '' });
});

test('its tests pass', () => {
  const { status, stdout } = run(opaPath(), 'test', FOLDER);
  expect(stdout).toMatch(/^PASS: \d+\/\d+\n$/);
  expect(status).toBe(0);
});

test('its tests reach every line of the policy', () => {
  const { stdout } = run(opaPath(), 'test', '--coverage', FOLDER);
  const { files } = JSON.parse(stdout) as Coverage;
  const [, policy] = Object.entries(files).find(([file]) => POLICY_REGO.endsWith(file)) ?? [];
  expect(policy?.not_covered ?? []).toEqual([]);
  expect(policy?.coverage).toBe(100);
});

test('it uses only what the capabilities allow', () => {
  const check = run(opaPath(), 'check', '--capabilities', `${FOLDER}/capabilities.json`, POLICY_REGO);
  expect(check).toMatchObject({ status: 0, stderr: '' });
});

test('regal finds nothing beyond the exceptions of .regal/config.yaml', () => {
  const { stdout } = run(toolPath('regal'), 'lint', '--format', 'json', FOLDER);
  const { violations } = JSON.parse(stdout) as { violations: { title: string; location: unknown }[] };
  expect(violations.map(({ title, location }) => ({ title, location }))).toEqual([]);
}, 120_000);
