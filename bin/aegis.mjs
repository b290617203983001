#!/usr/bin/env node
/** Starts the bundled CLI; on a Node that is too old, with the pinned one that `npm ci` installed. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const OLDEST = 22;
const program = new URL('../dist/aegis.mjs', import.meta.url);
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

/** Runs the program in the pinned Node; whoever ends this process ends that one too. */
function runPinned() {
  const child = spawn(pinned, [fileURLToPath(program), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

if (!existsSync(program)) {
  console.error('aegis: not built yet; run `npm ci` (or `npm run build`) in the project folder');
  process.exitCode = 2;
} else if (Number(process.versions.node.split('.')[0]) >= OLDEST) {
  await import(program.href);
} else if (existsSync(pinned)) {
  runPinned();
} else {
  console.error(`aegis: needs Node ${OLDEST} or newer, this is ${process.version}`);
  process.exitCode = 2;
}
