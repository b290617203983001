/** Composition root of `aegis`: the real file system, clock, randomness and terminal. */
import { randomBytes } from 'node:crypto';
import { nodeCrypto } from '../runtime/crypto/node-crypto.ts';
import { loadEngine } from '../runtime/load-engine.ts';
import { catalogueFiles } from './catalogue/catalogue-files.ts';
import { askLine } from './files/ask-line.ts';
import { nodeFileSystem } from './files/file-system.ts';
import { nodeOutputFiles } from './files/output-files.ts';
import { runProgram } from './program.ts';

const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
});

// a reader that went away (`aegis … | head`) is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runProgram(process.argv.slice(2), {
  files: nodeFileSystem,
  output: nodeOutputFiles,
  stdin: process.stdin,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  isTerminal: process.stdout.isTTY === true,
  clock: Date.now,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  crypto: nodeCrypto,
  engine: () => loadEngine(import.meta.url),
  catalogue: () => catalogueFiles(new URL('../config/tools/', import.meta.url)),
  ...(process.stdin.isTTY === true && process.stderr.isTTY === true && { ask: askLine }),
  interrupted,
});
