/**
 * The end-to-end suites: `npm run e2e [-- suite… --keep]`. Installs the tools, builds the images, starts a cluster in
 * namespaces of its own, runs the suites in it, and leaves nothing, which a suite outside of it shows first. With KUBECONFIG
 * set they run against that cluster. The closing line counts the tests: `N passed, N failed`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importToExternal, NOT_ELSEWHERE } from './cluster/external.ts';
import { phase } from './cluster/phases.ts';
import { RunningCluster } from './cluster/running-cluster.ts';
import { buildImages } from './images/images.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values: options, positionals: suites } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, grep: { type: 'string', short: 't' } },
});

/** Starts clusters of its own, and looks at them from outside. */
const CLEANUP = 'cleanup';
/** There is a cluster. */
const given = process.env.KUBECONFIG !== undefined;
/** Its node is not ours. */
const external = given && process.env.AEGIS_E2E_CLUSTER === undefined;

let cluster: RunningCluster | undefined;
let child: ChildProcess | undefined;
const interrupted = new AbortController();

function interrupt(): void {
  interrupted.abort(new Error('interrupted'));
  child?.kill('SIGTERM');
  void cluster?.stop();
}
process.on('SIGINT', interrupt).on('SIGTERM', interrupt);

interface Counts {
  passed: number;
  failed: number;
}

/**
 * @param paths patterns and flags that say which suites
 * @param enter runs a command where the cluster is; absent where that is here
 */
async function runSuites(paths: readonly string[], enter?: string): Promise<Counts> {
  interrupted.signal.throwIfAborted();
  const report = cluster?.layout.file('jest.json') ?? join(tmpdir(), `aegis-e2e-report-${process.pid}.json`);
  const jest = join(dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin/jest.js');
  const flags = ['--config', join(ROOT, 'e2e/jest.config.mjs'), '-w', '1', '--forceExit', '--verbose'];
  const outcome = ['--json', `--outputFile=${report}`, ...(external ? ['--passWithNoTests'] : [])];
  const grep = options.grep === undefined ? [] : ['-t', options.grep];
  const words = [process.execPath, jest, ...paths, ...flags, ...outcome, ...grep];
  const [command = '', ...args] = enter === undefined ? words : [enter, ...words];
  const started = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  child = started;
  const ok = await new Promise((resolve) => started.once('exit', (code) => resolve(code === 0)));
  const { passed, failed } = counts(report);
  rmSync(report, { force: true });
  return { passed, failed: ok ? failed : Math.max(failed, 1) };
}

function counts(report: string): Counts {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function isChosen(suite: string): boolean {
  return suites.length === 0 || suites.some((name) => suite.startsWith(name));
}

/** The suites that run where the cluster is. */
function pathsWithin(): string[] {
  const left = [CLEANUP];
  // it installs the plain manifests, where the others have the chart
  if (suites.length === 0) left.push('operator');
  for (const [name, why] of external ? Object.entries(NOT_ELSEWHERE) : []) {
    left.push(name);
    if (isChosen(name)) console.error(`── left out with KUBECONFIG: ${name} (${why})`);
  }
  if (external) console.error('── skipped below is what needs the node or an outside, too');
  return [
    ...suites.map((name) => `/suites/${name}`),
    // takes everything up to the next flag
    '--testPathIgnorePatterns',
    ...left.map((name) => `/suites/${name}\\.e2e`),
  ];
}

async function startCluster(): Promise<void> {
  if (given && process.env.AEGIS_E2E_IMPORT === undefined) {
    console.error('── the images are expected on the nodes of the cluster of KUBECONFIG');
    return;
  }
  const images = await phase('images', buildImages);
  interrupted.signal.throwIfAborted();
  if (given) await phase('images to the cluster', () => images.forEach(importToExternal));
  else cluster = await phase('cluster', () => RunningCluster.start(images, interrupted.signal));
}

try {
  await phase('tools', () => {
    execFileSync(process.execPath, [join(ROOT, 'scripts/install-tools.ts'), '--e2e'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
  const all: Counts[] = [];
  if (!given && isChosen(CLEANUP))
    all.push(await phase('what a cluster leaves', () => runSuites([`/suites/${CLEANUP}`])));
  if (given || suites.length === 0 || suites.some((name) => name !== CLEANUP)) {
    await startCluster();
    all.push(await phase('suites', () => runSuites(pathsWithin(), cluster?.layout.enter)));
  }
  if (options.keep && cluster !== undefined && !interrupted.signal.aborted) {
    console.log(`\nthe cluster stays until Ctrl-C; get in: ${cluster.layout.enter} kubectl get pods -A`);
    await cluster.whenEnded();
  }
  await phase('clean up', () => cluster?.stop());
  const total = (of: keyof Counts) => all.reduce((sum, each) => sum + each[of], 0);
  process.exitCode = total('failed') === 0 && !interrupted.signal.aborted ? 0 : 1;
  console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
} finally {
  await cluster?.stop();
}
