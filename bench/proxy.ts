/**
 * A proxied call with its decision, beside Envoy with ext_authz to the same policy, and beside nginx without any
 * decision: the same tool, calls and load, in turns. Then the gateway with all telemetry on at a fixed rate, while its
 * bundle is replaced every second.
 */
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector } from './support/collector.ts';
import { startEnvoy } from './support/envoy.ts';
import { freePort } from './support/free-port.ts';
import { makeSlices, startBenchGateway } from './support/gateway.ts';
import type { LoadPlan } from './support/load-generator.ts';
import { startNginxProxy, startTool } from './support/nginx.ts';
import { cpuSeconds, load } from './support/processes.ts';
import type { Figures } from './support/report.ts';
import { median, table } from './support/statistics.ts';
import { ALLOWED_CALL } from './support/tenant.ts';

const ROUNDS = 3;
const SECONDS = 3;
const CONNECTIONS = 16;
const TOOL_PATH = '/v1/things/0';
const BODY = JSON.stringify(ALLOWED_CALL.params);
const RATE = 500;
const RELOADS = 20;

interface Contender {
  name: string;
  port: number;
  path: string;
  /** Processes whose CPU the call takes. */
  pids: readonly number[];
}

interface Round {
  /** Microseconds at one connection. */
  p50: number;
  perSecond: number;
  cpuMicros: number;
}

function plan({ port, path }: Contender, connections: number): LoadPlan {
  return { port, path, body: BODY, connections, seconds: SECONDS, expect: '"pi_1"' };
}

async function measure(contender: Contender): Promise<Round> {
  const single = await load(plan(contender, 1));
  const cpu = (): number => contender.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = cpu();
  const many = await load(plan(contender, CONNECTIONS));
  const used = cpu() - before;
  if (single.errors + many.errors > 0) throw new Error(`${contender.name}: wrong answers`);
  return { p50: single.p50, perSecond: many.requests / many.seconds, cpuMicros: (used * 1e6) / many.requests };
}

async function compare(contenders: readonly Contender[]): Promise<Map<string, Round[]>> {
  const rounds = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders) await measure(contender);
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of contenders) rounds.get(contender.name)?.push(await measure(contender));
  }
  return rounds;
}

/** Rounds are compared pair by pair, so that a drift of the machine cancels out. */
function ratio(rounds: ReadonlyMap<string, Round[]>, of: (round: (name: string) => Round) => number): number {
  return median(
    Array.from({ length: ROUNDS }, (_, index) => of((name) => (rounds.get(name) as Round[])[index] as Round)),
  );
}

/** p99 in milliseconds over the direct call's, at the same rate. */
async function underReloads(
  scratch: string,
  toolPort: number,
): Promise<{ added: number; p99: number; direct: number }> {
  const caps = Array.from({ length: RELOADS + 1 }, (_, index) => 5000 + (index % 2));
  const archives = makeSlices(1000, 10, join(scratch, 'reload'), caps);
  const active = join(scratch, 'active.tar.gz');
  copyFileSync(archives[0] as string, active);
  const collector = await startCollector();
  const gateway = await startBenchGateway(active, {
    'upstream.overrides': `${ALLOWED_CALL.tool}=http://127.0.0.1:${toolPort}`,
    'telemetry.otlp.endpoint': collector.url,
    'telemetry.log': join(scratch, 'decisions.log'),
  });
  const fixed = (port: number, path: string): LoadPlan => ({
    ...plan({ name: '', port, path, pids: [] }, 32),
    rate: RATE,
    seconds: RELOADS,
  });
  try {
    // as the other rounds, after the first seconds in which the code is compiled
    await load({ ...fixed(gateway.proxy, `/${ALLOWED_CALL.tool}${TOOL_PATH}`), seconds: 8 });
    const direct = await load(fixed(toolPort, TOOL_PATH));
    let next = 1;
    const timer = setInterval(() => {
      const archive = archives[next++];
      if (archive === undefined) return;
      copyFileSync(archive, `${active}.new`);
      renameSync(`${active}.new`, active);
    }, 1000);
    const ours = await load(fixed(gateway.proxy, `/${ALLOWED_CALL.tool}${TOOL_PATH}`));
    clearInterval(timer);
    if (ours.errors > 0) throw new Error(`${ours.errors} wrong answers under reloads`);
    return { added: (ours.p99 - direct.p99) / 1000, p99: ours.p99 / 1000, direct: direct.p99 / 1000 };
  } finally {
    await gateway.stop();
    collector.close();
  }
}

export async function proxyBench(): Promise<Figures> {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  const stops: (() => Promise<void>)[] = [];
  try {
    const [archive = ''] = makeSlices(1000, 10, join(scratch, 'slice.tar.gz'));
    const tool = await startTool();
    stops.push(tool.stop);
    const nginx = await startNginxProxy(tool.port);
    stops.push(nginx.stop);
    const overrides = { 'upstream.overrides': `${ALLOWED_CALL.tool}=http://127.0.0.1:${tool.port}` };
    const gateway = await startBenchGateway(archive, overrides);
    stops.push(gateway.stop);
    const authzPort = await freePort();
    const authz = await startBenchGateway(archive, { ...overrides, 'listen.extAuthz': `127.0.0.1:${authzPort}` });
    stops.push(authz.stop);
    const envoy = await startEnvoy({
      authzPort,
      upstreamPort: tool.port,
      hosts: { '*': { tool: ALLOWED_CALL.tool } },
    });
    stops.push(envoy.close);
    const rounds = await compare([
      { name: 'direct', port: tool.port, path: TOOL_PATH, pids: [tool.pid] },
      { name: 'nginx proxy_pass', port: nginx.port, path: TOOL_PATH, pids: [nginx.pid] },
      { name: 'aegis', port: gateway.proxy, path: `/${ALLOWED_CALL.tool}${TOOL_PATH}`, pids: [gateway.pid] },
      { name: 'Envoy + ext_authz', port: envoy.port, path: TOOL_PATH, pids: [envoy.pid, authz.pid] },
    ]);
    const reloads = await underReloads(scratch, tool.port);
    report(rounds, reloads);
    return {
      envoy_p50_ratio: ratio(
        rounds,
        (at) => (at('aegis').p50 - at('direct').p50) / (at('Envoy + ext_authz').p50 - at('direct').p50),
      ),
      envoy_cpu_ratio: ratio(rounds, (at) => at('Envoy + ext_authz').cpuMicros / at('aegis').cpuMicros),
      nginx_cpu_ratio: ratio(rounds, (at) => at('aegis').cpuMicros / at('nginx proxy_pass').cpuMicros),
      added_p99_ms: reloads.added,
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function report(rounds: ReadonlyMap<string, Round[]>, reloads: { p99: number; direct: number }): void {
  const direct = rounds.get('direct') ?? [];
  table(
    ['proxy', 'p50 added at 1 connection, µs', 'calls/s at 16', 'CPU µs per call'],
    [...rounds].map(([name, each]) => [
      name,
      median(each.map(({ p50 }, index) => p50 - (direct[index]?.p50 ?? Number.NaN))),
      median(each.map(({ perSecond }) => perSecond)),
      median(each.map(({ cpuMicros }) => cpuMicros)),
    ]),
  );
  console.log();
  table(
    [`p99 at ${RATE} calls/s, ms`, 'direct', 'aegis, all telemetry, a reload every second'],
    [['', reloads.direct, reloads.p99]],
  );
}
