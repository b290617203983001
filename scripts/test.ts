/**
 * All checks of the repository, cheapest first; stops at the first that fails. `npm test`.
 * The closing line counts the checks and the tests inside jest: `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const scratch = mkdtempSync(join(tmpdir(), 'aegis-test-'));
const report = join(scratch, 'jest.json');

const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['types', 'tsc', '--noEmit', '-p', '.'],
  [
    'dependency rules',
    'depcruise',
    '--config',
    '.dependency-cruiser.cjs',
    'policy',
    'runtime',
    'gateway',
    'operator',
    'cli',
    'bench',
    'scripts',
  ],
  ['dead code', 'knip'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['pinned tools', 'node', 'scripts/install-tools.ts'],
  ['policy engine', 'node', 'scripts/build-engine.ts', '--check'],
  ['bundle the programs', 'node', 'scripts/build.mjs'],
  // most of them wait for processes more than they compute
  ['tests', 'jest', '--maxWorkers=2', '--json', `--outputFile=${report}`, ...process.argv.slice(2)],
];

let passed = 0;
let failed = 0;
for (const [name, command, ...args] of CHECKS) {
  const start = performance.now();
  console.log(`\n── ${name}`);
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (status === 0) passed++;
  else failed++;
  if (status !== 0) break;
}

try {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
  passed += numPassedTests ?? 0;
  failed += numFailedTests ?? 0;
} catch {
  // an earlier check failed, so that jest did not run
}
rmSync(scratch, { recursive: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
