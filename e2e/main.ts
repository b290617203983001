/**
 * The end-to-end suites: `npm run e2e [-- suite… --keep]`. Installs the tools, builds the images, starts a cluster in
 * namespaces of its own, runs the suites in it, and leaves nothing. With KUBECONFIG set they run against that cluster.
 * The closing line counts the tests: `N passed, N failed`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importToExternal } from './cluster/external.ts';
import { phase } from './cluster/phases.ts';
import { RunningCluster } from './cluster/running-cluster.ts';
import { buildImages } from './images/images.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values: options, positionals: suites } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, grep: { type: 'string', short: 't' } },
});

let cluster: RunningCluster | undefined;
let child: ChildProcess | undefined;
const interrupted = new AbortController();

function interrupt(): void {
  interrupted.abort(new Error('interrupted'));
  child?.kill('SIGTERM');
  void cluster?.stop();
}
process.on('SIGINT', interrupt).on('SIGTERM', interrupt);

/** @param enter runs a command where the cluster is; absent where that is here */
function runSuites(enter: string | undefined, report: string): Promise<boolean> {
  const jest = join(dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin/jest.js');
  const flags = ['--config', join(ROOT, 'e2e/jest.config.mjs'), '-w', '1', '--forceExit', '--verbose'];
  const outcome = ['--json', `--outputFile=${report}`];
  const chosen = [
    ...(options.grep === undefined ? [] : ['-t', options.grep]),
    ...suites.map((name) => `/suites/${name}`),
  ];
  // it installs the plain manifests, where the others have the chart
  const left = suites.length === 0 ? ['--testPathIgnorePatterns=/suites/operator'] : [];
  const words = [process.execPath, jest, ...flags, ...outcome, ...left, ...chosen];
  const [command = '', ...args] = enter === undefined ? words : [enter, ...words];
  const started = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  child = started;
  return new Promise((resolve) => started.once('exit', (code) => resolve(code === 0)));
}

function counts(report: string): { passed: number; failed: number } {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

try {
  await phase('tools', () => {
    execFileSync(process.execPath, [join(ROOT, 'scripts/install-tools.ts'), '--e2e'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
  const external = process.env.KUBECONFIG !== undefined;
  if (external && process.env.AEGIS_E2E_IMPORT === undefined) {
    console.error('── the images are expected on the nodes of the cluster of KUBECONFIG');
  } else {
    const images = await phase('images', buildImages);
    interrupted.signal.throwIfAborted();
    if (external) await phase('images to the cluster', () => images.forEach(importToExternal));
    else cluster = await phase('cluster', () => RunningCluster.start(images, interrupted.signal));
  }
  interrupted.signal.throwIfAborted();
  const report = cluster?.layout.file('jest.json') ?? join(tmpdir(), `aegis-e2e-report-${process.pid}.json`);
  const ok = await phase('suites', () => runSuites(cluster?.layout.enter, report));
  const { passed, failed } = counts(report);
  if (external) rmSync(report, { force: true });
  if (options.keep && cluster !== undefined && !interrupted.signal.aborted) {
    console.log(`\nthe cluster stays until Ctrl-C; get in: ${cluster.layout.enter} kubectl get pods -A`);
    await cluster.whenEnded();
  }
  process.exitCode = ok && failed === 0 && !interrupted.signal.aborted ? 0 : 1;
  await phase('clean up', () => cluster?.stop());
  console.log(`\n${passed} passed, ${failed} failed`);
} finally {
  await cluster?.stop();
}
