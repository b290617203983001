import { Cluster } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import { GuardedPayer } from '../world/guarded-payer.ts';
import { stopOperator } from '../world/operator-faults.ts';
import { PAYER } from '../world/payment-resources.ts';
import { ageOf, killNine, processOf } from '../world/pod-processes.ts';
import { setTimeout as wait } from 'node:timers/promises';
const cluster = Cluster.attach();
test('try', async () => {
  await installAegis(cluster);
  const payer = await GuardedPayer.prepare(cluster);
  console.log(payer.namespace);
  await cluster.apply(payer.workload(PAYER, 2));
  const [a, b] = await payer.pods(PAYER);
  await stopOperator(cluster);
  for (let i = 0; i < 12; i++) { await wait(5000); console.log(new Date().toISOString(), JSON.stringify((await a!.health()).bundle.sources)); }
  for (const x of [a, b]) {
    const gap = payer.gap(x!); 
    await payer.holds(x!);
    const t = await killNine(x!.uid, 16001);
    const g = await gap;
    const started = Date.now() - ageOf((await processOf(x!.uid, 16001)).pid);
    console.log(g.lost.at - t, started - t, g.back.at - t, JSON.stringify(g));
    console.log(await x!.logs('aegis-gateway'));
  }
  await payer.outside.close();
}, 300000);
