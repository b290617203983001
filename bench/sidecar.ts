/**
 * The footprint of the gateway as a sidecar: time from the start of its process to the first decision, and memory after
 * 10,000 proxied calls with metrics, decision log and tracing on; with a small tenant and with a large one behind it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector } from './support/collector.ts';
import { makeSlices, startBenchGateway } from './support/gateway.ts';
import { startTool } from './support/nginx.ts';
import { load, residentMegabytes } from './support/processes.ts';
import type { Figures } from './support/report.ts';
import { median, table } from './support/statistics.ts';
import { ALLOWED_CALL } from './support/tenant.ts';

const SIZES = [10, 50_000] as const;
const ROUNDS = 5;
const CALLS = 10_000;

interface Sample {
  startMs: number;
  idleMb: number;
  loadedMb: number;
}

async function sample(archive: string, folder: string, toolPort: number, collector: string): Promise<Sample> {
  const gateway = await startBenchGateway(archive, {
    'upstream.overrides': `${ALLOWED_CALL.tool}=http://127.0.0.1:${toolPort}`,
    'telemetry.otlp.endpoint': collector,
    'telemetry.log': join(folder, 'decisions.log'),
  });
  try {
    const idleMb = residentMegabytes(gateway.pid);
    let calls = 0;
    while (calls < CALLS) {
      const result = await load({
        port: gateway.proxy,
        path: `/${ALLOWED_CALL.tool}/v1/things/0`,
        body: JSON.stringify(ALLOWED_CALL.params),
        connections: 16,
        rate: 2500,
        seconds: 2,
        expect: '"pi_1"',
      });
      if (result.errors > 0) throw new Error(`${result.errors} wrong answers`);
      calls += result.requests;
    }
    return { startMs: gateway.startMs, idleMb, loadedMb: residentMegabytes(gateway.pid) };
  } finally {
    await gateway.stop();
  }
}

export async function sidecarBench(): Promise<Figures> {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  const tool = await startTool();
  const collector = await startCollector();
  try {
    const archives = SIZES.map((policies) => makeSlices(policies, 10, join(scratch, `${policies}.tar.gz`))[0] ?? '');
    const samples: Sample[][] = SIZES.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, archive] of archives.entries()) {
        samples[index]?.push(await sample(archive, scratch, tool.port, collector.url));
      }
    }
    const figure = (index: number, key: keyof Sample): number =>
      median((samples[index] ?? []).map((each) => each[key]));
    table(
      ['policies in the tenant', 'start to first decision, ms', 'RSS idle, MB', `RSS after ${CALLS} calls, MB`],
      SIZES.map((policies, index) => [
        String(policies),
        figure(index, 'startMs'),
        figure(index, 'idleMb'),
        figure(index, 'loadedMb'),
      ]),
    );
    return {
      rss_mb: figure(0, 'loadedMb'),
      start_ms: figure(0, 'startMs'),
      rss_growth_ratio: figure(1, 'loadedMb') / figure(0, 'loadedMb'),
    };
  } finally {
    collector.close();
    await tool.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}
