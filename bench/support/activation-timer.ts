/**
 * Verifies and activates one agent's slice again and again in a process that holds nothing else, as a gateway does:
 * `node activation-timer.ts ARCHIVE` prints the milliseconds of each round as one JSON array.
 */
import { readFileSync } from 'node:fs';
import { ModuleCache } from '../../gateway/activation/activate.ts';
import { activateArchive } from './pipeline.ts';

const ROUNDS = 15;
const archive = new Uint8Array(readFileSync(process.argv[2] ?? ''));
const modules = new ModuleCache();
const millis: number[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  const start = performance.now();
  activateArchive(archive, modules);
  millis.push(performance.now() - start);
}
// the first round compiles the engine and warms the code up
console.log(JSON.stringify(millis.slice(1)));
