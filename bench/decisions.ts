/** Decisions over HTTP beside `opa run --server`: the same policy, data, inputs and load, in turns. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolPath } from '../scripts/tool-path.ts';
import { freePort } from './support/free-port.ts';
import { cpuSeconds, load, residentMegabytes, type ServerProcess, startServer } from './support/processes.ts';
import type { Figures } from './support/report.ts';
import { median, table } from './support/statistics.ts';
import { ALLOWED_CALL, tenantResources } from './support/tenant.ts';

const SIZE = { policies: 1000, agents: 100, tools: 10, actionsPerTool: 5 };
const ROUNDS = 5;
const SECONDS = 4;
const CONNECTIONS = 16;
const PATH = '/v1/data/aegis/decision';

interface Round {
  perCpuSecond: number;
  perSecond: number;
  p50: number;
  p99: number;
}

const aegis = fileURLToPath(new URL('../bin/aegis.mjs', import.meta.url));

/** The policies as a file for us, and the bundle that we compile from it for OPA. */
function prepare(scratch: string): { sources: string; bundle: string } {
  const sources = join(scratch, 'tenant.json');
  const items = tenantResources(SIZE).map(({ object }) => object);
  writeFileSync(sources, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const bundle = join(scratch, 'bundle');
  execFileSync(process.execPath, [aegis, 'compile', sources, '-o', bundle], { stdio: ['ignore', 'ignore', 'inherit'] });
  return { sources, bundle };
}

async function measure(server: ServerProcess): Promise<Round> {
  const body = JSON.stringify({ input: ALLOWED_CALL });
  const before = cpuSeconds(server.pid);
  const result = await load({
    port: server.port,
    path: PATH,
    body,
    connections: CONNECTIONS,
    seconds: SECONDS,
    expect: '"verdict":"allow"',
  });
  const cpu = cpuSeconds(server.pid) - before;
  if (result.errors > 0) throw new Error(`${server.name}: ${result.errors} wrong answers`);
  return {
    perCpuSecond: result.requests / cpu,
    perSecond: result.requests / result.seconds,
    p50: result.p50,
    p99: result.p99,
  };
}

export async function decisionsBench(): Promise<Figures> {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  const servers: ServerProcess[] = [];
  try {
    const { sources, bundle } = prepare(scratch);
    const [ourPort, theirPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
    const ports = ['--decisions-port', String(ourPort), '--proxy-port', String(proxyPort)];
    servers.push(await startServer('aegis', process.execPath, [aegis, 'run', sources, '--quiet', ...ports], ourPort));
    const opa = ['run', '--server', '--log-level', 'error', '--addr', `127.0.0.1:${theirPort}`, '-b', bundle];
    servers.push(await startServer('opa', toolPath('opa'), opa, theirPort));
    const rounds = servers.map((): Round[] => []);
    for (const server of servers) await measure(server);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, server] of servers.entries()) rounds[index]?.push(await measure(server));
    }
    return report(servers, rounds);
  } finally {
    for (const server of servers) await server.stop();
    rmSync(scratch, { recursive: true });
  }
}

function report(servers: readonly ServerProcess[], rounds: readonly Round[][]): Figures {
  const figure = (index: number, key: keyof Round): number => median((rounds[index] ?? []).map((round) => round[key]));
  /** Rounds are compared pair by pair, so that a drift of the machine cancels out. */
  const ratio = (key: keyof Round): number =>
    median((rounds[0] ?? []).map((round, i) => round[key] / (rounds[1]?.[i]?.[key] ?? Number.NaN)));
  table(
    ['server', 'requests/s', 'requests per CPU second', 'CPU µs per request', 'p50 µs', 'p99 µs', 'RSS MB'],
    servers.map((server, i) => [
      server.name,
      figure(i, 'perSecond'),
      figure(i, 'perCpuSecond'),
      1e6 / figure(i, 'perCpuSecond'),
      figure(i, 'p50'),
      figure(i, 'p99'),
      residentMegabytes(server.pid),
    ]),
  );
  return { cpu_ratio: ratio('perCpuSecond'), p50_ratio: ratio('p50'), p99_ratio: ratio('p99') };
}
