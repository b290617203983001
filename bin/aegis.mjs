#!/usr/bin/env node
/** Starts the bundled programs; on a Node that is too old, with the pinned one that `npm ci` installed. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const OLDEST = 22;
/** That knows the flags of the gateway, and can become another program in place. */
const WITH_FLAGS = 24;
const version = Number(process.versions.node.split('.')[0]);
/** Programs of their own; everything else is a command of `aegis`. */
const own = ['gateway', 'operator'].find((name) => name === process.argv[2]);
const isGateway = own === 'gateway';
const program = new URL(`../dist/${own ?? 'aegis'}.mjs`, import.meta.url);
const args = [fileURLToPath(program), ...process.argv.slice(own === undefined ? 2 : 3)];
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

/** How Node runs the program. For the gateway, memory counts more than speed of warming up. */
function nodeOptions() {
  if (!isGateway) return { flags: [], env: process.env };
  const { flags, environment } = JSON.parse(readFileSync(new URL('gateway-node.json', import.meta.url), 'utf8'));
  return { flags, env: { ...environment, ...process.env } };
}

/** Runs the program in the pinned Node; whoever ends this process ends that one too. */
function runPinned() {
  const { flags, env } = nodeOptions();
  const child = spawn(pinned, [...flags, ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

if (!existsSync(program)) {
  console.error('aegis: not built yet; run `npm ci` (or `npm run build`) in the project folder');
  process.exitCode = 2;
} else if (isGateway && version >= WITH_FLAGS && process.execve !== undefined) {
  // The flags count only from the start of a process; this one becomes that one, and keeps its id.
  const { flags, env } = nodeOptions();
  process.execve(process.execPath, [process.execPath, ...flags, ...args], env);
} else if (version >= OLDEST) {
  process.argv.splice(1, process.argv.length, ...args);
  await import(program.href);
} else if (existsSync(pinned)) {
  runPinned();
} else {
  console.error(`aegis: needs Node ${OLDEST} or newer, this is ${process.version}`);
  process.exitCode = 2;
}
