/**
 * Runs what the README tells a new user to run, in its order, and checks what it promises: `npm run try-readme`.
 * Starts `npm start` on its real ports; writes only to a folder of its own.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolFolder } from './tool-path.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'aegis-readme-'));

/** What a block of the README must print, by a word that only this block has. */
const PROMISES: readonly [word: string, output: RegExp, exit: number][] = [
  ['aegis gateway', /"ready":true[\s\S]*approval-required[\s\S]*bundle_sequence\{tenant="fintech"\} 2/, 0],
  ['amount=499900', /200 OK[\s\S]*"status": "succeeded"/, 0],
  ['amount=5000000', /403 Forbidden[\s\S]*approval-required[\s\S]*"rule":"cap-payments"/, 0],
  ['planner-agent', /"verdict":"approval_needed"/, 0],
  ['amount=600000', /403 Forbidden/, 0], // the edit before it is tried by the tests of `aegis run`
  ['aegis explain', /approval_needed[\s\S]*policies\.yaml:9/, 1],
  ['aegis lint', /0 errors, 0 warnings[\s\S]*passed, 0 failed/, 0],
  ['control-plane', /finance-payments +Enforce +True[\s\S]*a typo never widens access/, 0],
  ['aegis tools add', /0 errors, 0 warnings[\s\S]*122 passed, 0 failed/, 0],
  ['aegis sign', /ok: bundle of tenant fintech, sequence 1/, 0],
];

/** `npx aegis` as in the repository, from a folder elsewhere. */
function prepareFolder(): NodeJS.ProcessEnv {
  cpSync(join(root, 'config'), join(scratch, 'config'), { recursive: true });
  const shim = join(scratch, 'bin', 'npx');
  mkdirSync(dirname(shim));
  writeFileSync(shim, `#!/bin/sh\nshift\nexec node "${join(root, 'bin/aegis.mjs')}" "$@"\n`);
  chmodSync(shim, 0o755);
  const npm = join(scratch, 'bin', 'npm');
  writeFileSync(
    npm,
    `#!/bin/sh\n[ "$1 $2" = "run control-plane" ] && exec node "${join(root, 'scripts/control-plane.ts')}"\nexit 2\n`,
  );
  chmodSync(npm, 0o755);
  return { ...process.env, PATH: [dirname(shim), toolFolder('kubectl'), process.env.PATH].join(delimiter) };
}

async function start(): Promise<ChildProcess> {
  const child = spawn('npm', ['start'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  for (let attempt = 0; attempt < 600; attempt++) {
    const health = await fetch('http://127.0.0.1:8181/health').catch(() => undefined);
    if (health?.ok) return child;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('`npm start` does not answer');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  // npm does not pass signals on, so the group that was started here is ended
  process.kill(-child.pid, 'SIGTERM');
  await once(child, 'exit');
}

function tryBlock(block: string, env: NodeJS.ProcessEnv): string | undefined {
  const promise = PROMISES.find(([word]) => block.includes(word));
  if (promise === undefined) return `no promise is known for this block:\n${block}`;
  const [, output, exit] = promise;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', block], { cwd: scratch, env, encoding: 'utf8' });
  console.log(`$ ${block.trim()}\n${stdout}${stderr}`);
  if (status === exit && output.test(stdout)) return undefined;
  return `exit ${status}, wanted ${exit} and ${output}:\n${block}`;
}

const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)]
  .map(([, block]) => block ?? '')
  .filter((block) => !block.includes('npm ci'));

const version = spawnSync('npx', ['aegis', '--version'], { cwd: root, encoding: 'utf8' });
const failures: string[] = version.status === 0 ? [] : ['`npx aegis --version` does not work'];
const server = await start();
try {
  const env = prepareFolder();
  for (const block of blocks) failures.push(...[tryBlock(block, env)].filter((failure) => failure !== undefined));
} finally {
  await stop(server);
  rmSync(scratch, { recursive: true });
}
for (const failure of failures) console.error(`README: ${failure}`);
console.log(`${blocks.length + 1 - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
