/** The node ends and comes back while there is no operator: what was guarded is guarded before it does anything. */
import { Cluster } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import type { DrivenAgent } from '../world/driven-agent.ts';
import { GuardedPayer } from '../world/guarded-payer.ts';
import { startOperator, stopOperator } from '../world/operator-faults.ts';
import { PAYER } from '../world/payment-resources.ts';
import { emptyVolume } from '../world/pod-volumes.ts';
import { restarts } from '../world/restarts.ts';

const cluster = Cluster.attach();

describe('a guarded agent, no operator', () => {
  let payer: GuardedPayer;
  let first: DrivenAgent;
  let second: DrivenAgent;

  beforeAll(async () => {
    await installAegis(cluster);
    payer = await GuardedPayer.prepare(cluster);
    await cluster.apply(payer.workload(PAYER, { replicas: 2 }));
    [first, second] = (await payer.pods(PAYER)) as [DrivenAgent, DrivenAgent];
    await stopOperator(cluster);
  }, 180_000);

  afterAll(async () => {
    await startOperator(cluster);
    await payer?.end();
  }, 120_000);

  test('kubelet and containerd start anew: it goes on', async () => {
    const before = await first.pod();
    await cluster.restartNode();
    for (const agent of [first, second]) await payer.holds(agent);
    expect((await first.pod()).status.containerStatuses).toEqual(before.status.containerStatuses);
  });

  test('its network ends: in the new one it is guarded before it starts', async () => {
    await cluster.killSandboxes([first.uid]);
    first = await startedAgain(first, 1);
    await payer.startedGuarded(first);
    await payer.holds(first);
    expect((await first.health()).bundle.source).toBe('disk');
  });

  test('the node ends: it is guarded before it starts, with the mounted copy where its disk is lost', async () => {
    emptyVolume(second.uid, 'aegis-state');
    await cluster.rebootNode();
    first = await startedAgain(first, 2);
    second = await startedAgain(second, 1);
    for (const agent of [first, second]) {
      await payer.startedGuarded(agent);
      await payer.holds(agent);
    }
    expect((await first.health()).bundle.source).toBe('disk');
    expect((await second.health()).bundle.source).toBe('configMap');
  });

  /** The same pod, with the address that it has now. */
  async function startedAgain(agent: DrivenAgent, times: number): Promise<DrivenAgent> {
    await restarts(agent, 'agent', times);
    const pods = await payer.pods(PAYER);
    return pods.find(({ uid }) => uid === agent.uid) as DrivenAgent;
  }
});
