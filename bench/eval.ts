/** One evaluation, allow with a regular expression, in a tenant of 10 and of 50,000 policies. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModuleCache } from '../gateway/activation/activate.ts';
import type { Activation } from '../gateway/enforcement/activation.ts';
import { activateArchive } from './support/pipeline.ts';
import type { Figures } from './support/report.ts';
import { mean, median, table } from './support/statistics.ts';
import { ALLOWED_CALL } from './support/tenant.ts';

const ROUNDS = 15;
const CALLS = 20_000;

function microseconds(activation: Activation): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < CALLS; i++) activation.evaluate(ALLOWED_CALL);
  return Number(process.hrtime.bigint() - start) / CALLS / 1000;
}

interface Size {
  policies: number;
  /** Of them, those of the agent whose slice is measured. */
  own: number;
}

function script(name: string): string {
  return fileURLToPath(new URL(`support/${name}`, import.meta.url));
}

function prepare({ policies, own }: Size, archive: string): { activation: Activation; activateMs: number[] } {
  execFileSync(process.execPath, [script('make-slice.ts'), String(policies), String(own), archive]);
  const timed = execFileSync(process.execPath, [script('activation-timer.ts'), archive], { encoding: 'utf8' });
  const activation = activateArchive(new Uint8Array(readFileSync(archive)), new ModuleCache());
  const verdict = activation.evaluate(ALLOWED_CALL).enforced.verdict;
  if (verdict !== 'allow') throw new Error(`the call must be allowed, and is ${verdict}`);
  return { activation, activateMs: JSON.parse(timed) as number[] };
}

export function evalBench(): Figures {
  const sizes: Size[] = [
    { policies: 10, own: 10 },
    { policies: 1000, own: 10 },
    { policies: 50_000, own: 10 },
    { policies: 50_000, own: 500 },
  ];
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-eval-'));
  const prepared = sizes.map((size, index) => ({
    size,
    ...prepare(size, join(scratch, `${index}.tar.gz`)),
    rounds: [] as number[],
  }));
  rmSync(scratch, { recursive: true });
  for (const { activation } of prepared) microseconds(activation);
  // rounds alternate, so that a drift of the machine hits all sizes alike
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of prepared) each.rounds.push(microseconds(each.activation));
  }
  table(
    [
      'policies in the tenant',
      'of them the agent’s',
      'mean µs',
      'median µs',
      'verify and activate the slice, median ms',
      'slowest ms',
    ],
    prepared.map((each) => [
      each.size.policies,
      each.size.own,
      mean(each.rounds),
      median(each.rounds),
      median(each.activateMs),
      Math.max(...each.activateMs),
    ]),
  );
  const [small, , large, heavy] = prepared;
  return {
    mean_us: mean(large?.rounds ?? []),
    flat_ratio: median(large?.rounds ?? []) / median(small?.rounds ?? []),
    activate_ms: median(large?.activateMs ?? []),
    activate_500_ms: median(heavy?.activateMs ?? []),
  };
}
