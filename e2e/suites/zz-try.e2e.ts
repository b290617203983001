import { Cluster } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import { DrivenAgent } from '../world/driven-agent.ts';
import { Outside } from '../world/outside.ts';
import { AGENT, AGENT_LABEL, agentPublished, paymentResources } from '../world/payment-tenant.ts';
import { killNine, processesOf } from '../world/pod-processes.ts';
const cluster = Cluster.attach();
test('try', async () => {
  const outside = await Outside.open(cluster, ['api.stripe.com', 'files.example.com']);
  console.time('install'); await installAegis(cluster); console.timeEnd('install');
  const namespace = await cluster.namespace('outages', { 'aegis.dev/inject': 'enabled' });
  console.log(namespace);
  for (const object of paymentResources(namespace, outside, 5000)) await cluster.apply(object);
  console.time('published'); await agentPublished(cluster, namespace); console.timeEnd('published');
  await cluster.apply(DrivenAgent.deployment({ namespace, name: AGENT, replicas: 2, labels: AGENT_LABEL }, ['http://files.example.com/', `http://${outside.address}:8080/`]));
  console.time('ready');
  await cluster.kubectl(['rollout', 'status', '-n', namespace, `deployment/${AGENT}`, '--timeout=60s']);
  console.timeEnd('ready');
  const [a, b] = await Promise.all((await cluster.pods(namespace, `app=${AGENT}`)).map((p) => DrivenAgent.now(cluster, namespace, p.metadata.name)));
  console.log(JSON.stringify(await a!.firstAttempts()), JSON.stringify(await a!.payment(4000, 'x1')), JSON.stringify(await a!.payment(6000, 'x2')), JSON.stringify(await a!.get('https://files.example.com/')));
  console.log(JSON.stringify(outside.arrived));
  console.log(JSON.stringify(await a!.health(), null, 1));
  console.log(JSON.stringify(processesOf(a!.uid)));
  for (const x of [a, b]) {
    const gap = x!.gap(4000, 'g'); 
    await x!.payment(4000, 'w');
    const t = await killNine(x!.uid, 16001);
    const g = await gap;
    console.log(g.lost.at - t, g.back.at - t, JSON.stringify(g));
    console.log(JSON.stringify((await x!.health()).bundle));
  }
  await outside.close();
});
