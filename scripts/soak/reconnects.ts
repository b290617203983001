import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, residentMegabytes } from '../../bench/support/processes.ts';
import type { ApiServer } from '../../test/apiserver/api-server.ts';
import { HttpFaultProxy } from '../../test/apiserver/http-fault-proxy.ts';
import { startOperator } from '../../test/support/operator-process.ts';
import { COMMAND } from './operators.ts';

export interface Flatness {
  rss_mb_first: number;
  rss_mb_last: number;
  sockets_first: number;
  sockets_last: number;
  cpu_percent: number;
  reconnects: number;
}

const EVERY = 500;

/** An operator at rest whose watches are cut twice a second: memory and sockets after a minute's warming up, and at the end. */
export async function reconnects(server: ApiServer, minutes: number): Promise<Flatness> {
  const proxy = await HttpFaultProxy.start(server);
  const operator = await startOperator(server, { kubeconfig: proxy.kubeconfig, command: COMMAND });
  const sockets = (): number => readdirSync(`/proc/${operator.pid}/fd`).length;
  try {
    let count = 0;
    const cutFor = async (ms: number): Promise<void> => {
      for (const until = performance.now() + ms; performance.now() < until; await sleep(EVERY)) {
        proxy.endWatches(undefined, count++ % 2 === 0 ? 'cut' : 'end');
      }
    };
    console.error(`cutting watches for ${minutes} minutes …`);
    await cutFor(30_000);
    const first = { rss: residentMegabytes(operator.pid), sockets: sockets(), cpu: cpuSeconds(operator.pid) };
    const ms = minutes * 60_000;
    await cutFor(ms);
    return {
      rss_mb_first: Math.round(first.rss),
      rss_mb_last: Math.round(residentMegabytes(operator.pid)),
      sockets_first: first.sockets,
      sockets_last: sockets(),
      cpu_percent: Math.round(((cpuSeconds(operator.pid) - first.cpu) / (ms / 1000)) * 1000) / 10,
      reconnects: count,
    };
  } finally {
    await operator.kill();
    await proxy.stop();
  }
}
