/** Servers under test as child processes: started, measured from outside, ended by pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadResult } from './load-generator.ts';

export interface ServerProcess {
  name: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** Ticks per second of /proc/<pid>/stat on Linux. */
const TICKS = 100;

/** CPU seconds that a process has used so far, all its threads. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export function residentMegabytes(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1]) / 1024;
}

/** Starts a server and waits until it answers on its port. */
export async function startServer(
  name: string,
  command: string,
  args: readonly string[],
  port: number,
): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`${name} ended at its start: ${complaints}`);
    const answered = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answered?.ok) return { name, port, pid: child.pid ?? 0, stop: () => stop(child) };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop(child);
  throw new Error(`${name} does not answer: ${complaints}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Runs the load generator in its own process. */
export async function load(plan: LoadPlan): Promise<LoadResult> {
  const script = fileURLToPath(new URL('load-generator.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  return JSON.parse(output) as LoadResult;
}
