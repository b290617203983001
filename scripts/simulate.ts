/**
 * The whole operator in memory, as `test/operator/whole` runs it, for as long as one likes and with any seed; goes on after
 * a failure. `npm run simulate -- --runs 400` (`--seed 13`, else a random one; `--path 25:0:1` for one of them alone).
 * Last line: the figures as JSON; exit code 1 where anything was as it must never be.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { zlibNow } from '../test/operator/whole/zlib-now.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '400' },
    seed: { type: 'string', default: 'random' },
    path: { type: 'string' },
  },
});

const zlib = createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');
Object.assign(zlib, zlibNow(zlib));
// before anybody imports from it
syncBuiltinESMExports();
const { history } = await import('../test/operator/whole/events.ts');
const { simulate } = await import('../test/operator/whole/simulate.ts');

const seed = values.seed === 'random' ? Math.trunc(Math.random() * 0x7fffffff) : Number(values.seed);
const { path } = values;
const runs = path === undefined ? Number(values.runs) : 1;
const failed: string[] = [];
let run = 0;
for (const [worldSeed, events] of fc.sample(history, { seed, numRuns: runs, ...(path !== undefined && { path }) })) {
  const at = path ?? String(run);
  run++;
  const { violations, log } = await simulate(worldSeed, events);
  if (violations.length === 0) {
    if (run % 50 === 0) console.error(`${run} of ${runs}, failed ${failed.length}`);
    continue;
  }
  failed.push(at);
  console.error(`VIOLATION --seed ${seed} --path ${at}\n${violations.join('\n')}`);
  if (path !== undefined) console.error(log.join('\n'));
}
console.log(JSON.stringify({ seed, runs: run, failed: failed.length, paths: failed }));
process.exit(failed.length === 0 ? 0 : 1);
