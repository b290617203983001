/**
 * What breaks, and what then happens (design section 13): operator, API server and gateway. One guarded agent lives
 * through all of it. Faults of the node and of keys: `outages-node.e2e.ts`.
 */
import { eventually, waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster, type Ran } from '../cluster/cluster.ts';
import { operatorReady } from '../support/operator.ts';
import { initNames, podOf, workload } from '../support/pods.ts';
import { installAegis } from '../world/aegis.ts';
import { AgentPod, deployment } from '../world/agent.ts';
import type { DrivenAgent } from '../world/driven-agent.ts';
import { GuardedPayer } from '../world/guarded-payer.ts';
import { killOperator, startOperator, stopOperator } from '../world/operator-faults.ts';
import { agentLabel, PAYER } from '../world/payment-resources.ts';
import { ageOf, exhaustMemory, killNine, processOf } from '../world/pod-processes.ts';
import { restarts } from '../world/restarts.ts';

const GATEWAY_USER = 16_001;
const AGENT_USER = 10_001;
const cluster = Cluster.attach();
let payer: GuardedPayer;
let first: DrivenAgent;
let second: DrivenAgent;
let other: string;

describe('a guarded agent', () => {
  beforeAll(async () => {
    await installAegis(cluster);
    payer = await GuardedPayer.prepare(cluster);
    await cluster.apply(payer.workload(PAYER, { replicas: 2 }));
    other = await cluster.namespace('unrelated');
    const unrelated = deployment({ namespace: other, name: 'unrelated', serviceAccountName: 'default' });
    await cluster.apply(unrelated);
    [first, second] = (await payer.pods(PAYER)) as [DrivenAgent, DrivenAgent];
  }, 180_000);

  afterAll(async () => {
    await startOperator(cluster);
    await payer?.end();
    await cluster.removeNamespace(other);
  }, 120_000);

  test('is guarded from its start', async () => {
    await payer.reachesAll(await AgentPod.of(cluster, other, 'unrelated'));
    for (const agent of [first, second]) {
      await payer.startedGuarded(agent);
      await payer.holds(agent);
    }
  });

  describe('both operators killed', () => {
    test('it goes on; a new agent pod is refused, or guarded', async () => {
      await killOperator(cluster);
      const { code, stderr } = await newAgentPod('while-killed');
      if (code !== 0) expect(stderr).toMatch(/failed calling webhook|AEGIS_INJECT_NOT_READY/);
      else await guarded('while-killed');
      await payer.holds(first);
      await operatorReady(cluster);
      await payer.holds(second);
    });
  });

  describe('no operator', () => {
    beforeAll(() => stopOperator(cluster), 90_000);

    test('it goes on', async () => {
      for (const agent of [first, second]) await payer.holds(agent);
    });

    test('a new agent pod is refused', async () => {
      const { code, stderr } = await newAgentPod('while-down');
      expect(code).not.toBe(0);
      expect(stderr).toContain('failed calling webhook "inject.aegis.dev"');
    });

    test('a Deployment in another namespace restarts', async () => {
      await cluster.kubectl(['rollout', 'restart', '-n', other, 'deployment/unrelated']);
      const status = ['rollout', 'status', '-n', other, 'deployment/unrelated', '--timeout=60s'];
      await cluster.kubectl(status, undefined, 90_000);
    });

    test('its gateway killed with -9 comes back from disk; nothing gets out meanwhile', () =>
      gatewayComesBack('kill -9', first, () => killNine(first.uid, GATEWAY_USER)));

    test('its gateway out of memory comes back from disk; nothing gets out meanwhile', async () => {
      await gatewayComesBack('out of memory', second, async () =>
        exhaustMemory(await processOf(second.uid, GATEWAY_USER)),
      );
      // the gateway decides again before the kubelet has told the API server of it
      await eventually(async () => {
        const { initContainerStatuses } = (await second.pod()).status;
        const gateway = initContainerStatuses?.find(({ name }) => name === 'aegis-gateway');
        expect(gateway).toMatchObject({ lastState: { terminated: { reason: 'OOMKilled' } } });
      }, 30_000);
    });

    test('its own container started anew in place is guarded as before', async () => {
      await killNine(first.uid, AGENT_USER);
      await restarts(first, 'agent', 1);
      await waitFor(() => answers(first), 30_000, 'the agent does not answer');
      await payer.startedGuarded(first);
      await payer.holds(first);
    });

    test('without the API server as well it goes on, and its gateway says that it hears nothing', async () => {
      await withoutApiServer(async () => {
        for (const agent of [first, second]) await payer.holds(agent);
        await saysThatItHearsNothing(first);
      });
    });

    test('a Deployment of agents waits, and comes up with the operator', async () => {
      await payer.change(3_000);
      await cluster.apply(payer.workload('late'));
      const events = ['get', 'events', '-n', payer.namespace, '--field-selector=reason=FailedCreate'];
      const refused = async () => (await cluster.kubectl(events)).includes('failed calling webhook "inject.aegis.dev"');
      await waitFor(refused, 60_000, 'no FailedCreate');
      expect(await cluster.pods(payer.namespace, 'app=late')).toEqual([]);
      await startOperator(cluster);
      const [late] = await payer.pods('late');
      await payer.startedGuarded(late as DrivenAgent);
      // its mounted copy may be of before the change
      await payer.follows(late as DrivenAgent);
      await payer.holds(late as DrivenAgent);
    });

    test('what was changed meanwhile reaches it', async () => {
      for (const agent of [first, second]) await payer.follows(agent);
      await payer.holds(first);
    });
  });

  test('no API server: it goes on, and what is changed afterwards reaches it', async () => {
    await withoutApiServer(async () => {
      for (const agent of [first, second]) await payer.holds(agent);
      expect(await first.health()).toMatchObject({ ready: true, bundle: { state: 'active' } });
    });
    await payer.change(5_000);
    for (const agent of [first, second]) await payer.follows(agent);
    await operatorReady(cluster);
  });
});

async function withoutApiServer(work: () => Promise<void>): Promise<void> {
  await cluster.stopApiServer();
  try {
    await work();
  } finally {
    await cluster.startApiServer();
  }
}

function newAgentPod(name: string): Promise<Ran> {
  const spec = { serviceAccountName: PAYER, containers: [workload('agent')] };
  const pod = JSON.stringify(podOf(name, spec, agentLabel(PAYER)));
  return cluster.run(['create', '-n', payer.namespace, '-f', '-'], pod);
}

async function guarded(name: string): Promise<void> {
  expect(initNames(await cluster.pod(payer.namespace, name))).toEqual(['aegis-gateway', 'aegis-capture']);
  await cluster.kubectl(['delete', '-n', payer.namespace, `pod/${name}`, '--wait=false']);
}

async function saysThatItHearsNothing(agent: DrivenAgent): Promise<void> {
  const says = async () => {
    const { bundle } = await agent.health();
    return bundle.sources.some(({ kind, error }) => kind === 'http' && error !== undefined);
  };
  await waitFor(says, 60_000, 'health says nothing');
  expect(await agent.health()).toMatchObject({ ready: true, bundle: { state: 'active' } });
}

async function gatewayComesBack(how: string, agent: DrivenAgent, end: () => Promise<number>): Promise<void> {
  const { status: before } = await agent.pod();
  const gap = payer.gap(agent);
  await payer.holds(agent);
  const ended = await end();
  const { lost, back, ended: outcomes } = await gap;
  const gateway = await processOf(agent.uid, GATEWAY_USER);
  const started = Date.now() - ageOf(gateway.pid);
  console.log(
    `${how}: first lost call after ${lost.at - ended} ms, gateway started after ${Math.round(started - ended)} ms, ` +
      `decides again after ${back.at - ended} ms (${Math.round(back.at - started)} ms from its start)`,
  );
  expect(back.at - started).toBeLessThan(15_000);
  // a lost call has no answer at all, or says that nobody decides
  expect(Object.keys(outcomes).filter((each) => /^[23]/.test(each))).toEqual([]);
  payer.nothingGotPast();
  await payer.holds(agent);
  await restarts(agent, 'aegis-gateway', 1);
  expect((await agent.pod()).status.containerStatuses).toEqual(before.containerStatuses);
  expect((await agent.health()).bundle.source).toBe('disk');
}

async function answers(agent: DrivenAgent): Promise<boolean> {
  return agent.firstAttempts().then(
    () => true,
    () => false,
  );
}
