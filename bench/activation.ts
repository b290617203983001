/**
 * A bundle is replaced again and again under load. Every answer must come from one bundle: the call breaks the cap of a
 * policy, which every bundle sets to another value, and the answer says which sequence decided.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { type BenchGateway, makeSlices, startBenchGateway } from './support/gateway.ts';
import type { Figures } from './support/report.ts';
import { median, quantile, table } from './support/statistics.ts';
import { ALLOWED_CALL } from './support/tenant.ts';

const BUNDLES = 40;
const EVERY_MS = 250;
const RATE = 1000;

interface Phase {
  calls: number;
  errors: number;
  mixed: number;
  sequences: Set<string>;
  /** Milliseconds from when the call was due. */
  times: number[];
}

const capOf = (index: number): number => 1000 + index;

/** The cap that the policy tells and the sequence that the gateway tells belong to one bundle. */
function check(text: string, phase: Phase): void {
  const { policy_version: sequence, reasons } = JSON.parse(text) as {
    policy_version?: string;
    reasons?: { message: string }[];
  };
  const caps = (reasons ?? []).map(({ message }) => /at most ([0-9]+)/.exec(message)?.[1]);
  phase.sequences.add(sequence ?? '');
  if (caps.length === 0 || caps.some((cap) => cap !== String(capOf(Number(sequence) - 1)))) phase.mixed++;
}

async function call(pool: Pool, phase: Phase, due: number): Promise<void> {
  phase.calls++;
  try {
    const { statusCode, body } = await pool.request({
      path: `/${ALLOWED_CALL.tool}/v1/things/0`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ALLOWED_CALL.params, amount: 4999 }),
    });
    const text = await body.text();
    phase.times.push(performance.now() - due);
    if (statusCode === 403) check(text, phase);
    else phase.errors++;
  } catch {
    phase.errors++;
  }
}

/** An open loop: calls go out when they are due, however long the others take. */
async function run(pool: Pool, seconds: number): Promise<Phase> {
  const phase: Phase = { calls: 0, errors: 0, mixed: 0, sequences: new Set(), times: [] };
  const start = performance.now();
  const calls: Promise<void>[] = [];
  while (performance.now() < start + seconds * 1000) {
    const due = Math.floor(((performance.now() - start) * RATE) / 1000);
    while (calls.length < due) calls.push(call(pool, phase, start + (calls.length * 1000) / RATE));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
  return phase;
}

async function phases(gateway: BenchGateway, archives: readonly string[], active: string): Promise<[Phase, Phase]> {
  const pool = new Pool(`http://127.0.0.1:${gateway.proxy}`, { connections: 32 });
  const seconds = (BUNDLES * EVERY_MS) / 1000;
  await run(pool, 2);
  const before = await run(pool, seconds);
  let next = 1;
  const timer = setInterval(() => {
    const archive = archives[next++];
    if (archive === undefined) return;
    copyFileSync(archive, `${active}.new`);
    renameSync(`${active}.new`, active);
  }, EVERY_MS);
  const during = await run(pool, seconds);
  clearInterval(timer);
  await pool.close();
  return [before, during];
}

/** Verify, load and prime, in a process that does nothing else. */
function activateMillis(archive: string): number {
  const script = fileURLToPath(new URL('support/activation-timer.ts', import.meta.url));
  return median(JSON.parse(execFileSync(process.execPath, [script, archive], { encoding: 'utf8' })) as number[]);
}

export async function activationBench(): Promise<Figures> {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  try {
    const caps = Array.from({ length: BUNDLES }, (_, index) => capOf(index));
    const archives = makeSlices(1000, 10, join(scratch, 'bundle'), caps);
    const active = join(scratch, 'active.tar.gz');
    copyFileSync(archives[0] as string, active);
    const gateway = await startBenchGateway(active, { 'bundle.pollInterval': '20ms' });
    const [before, during] = await phases(gateway, archives, active).finally(() => gateway.stop());
    const p99 = ({ times }: Phase): number => quantile(times, 0.99);
    table(
      ['', 'calls', 'errors', 'mixed', 'bundles seen', 'p50 ms', 'p99 ms'],
      [
        ['before', before],
        ['during reloads', during],
      ].map(([name, phase]) => {
        const { calls, errors, mixed, sequences, times } = phase as Phase;
        return [name as string, calls, errors, mixed, sequences.size, median(times), quantile(times, 0.99)];
      }),
    );
    return {
      errors: before.errors + during.errors,
      mixed: before.mixed + during.mixed,
      p99_ratio: p99(during) / p99(before),
      activate_ms: activateMillis(archives[0] as string),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
