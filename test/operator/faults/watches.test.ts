/** Watches that break, are told that what they ask for is gone, or stay open and say nothing. */
import { FaultProxy } from '../../apiserver/fault-proxy.ts';
import { eventually, waitFor } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { allows, ended, leads, PATIENT, QUICK, World } from './world-a.ts';

let world: World;
let gateway: AgentPod;
let operator: OperatorProcess;

async function relists(kind: string): Promise<number> {
  const line = new RegExp(`^aegis_operator_watch_relists_total\\{kind="${kind}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await operator.metrics())?.[1]);
}

beforeAll(async () => {
  world = await World.open();
});

afterAll(() => world?.close());

test('etcd compacted while the watches were interrupted: what happened in between is seen', async () => {
  const proxy = await world.proxy();
  operator = await world.operator(PATIENT, { kubeconfig: proxy.kubeconfig });
  gateway = await world.gateway(operator);
  await world.settled();
  const { sequence } = world.last;
  const listed = await relists('AgentPolicy');
  const undo = proxy.answer({ verb: 'watch' }, { status: 503 });
  proxy.endWatches(undefined, 'cut');
  await waitFor(() => proxy.watches() === 0);
  // one that is gone, one that is new, one that is another
  await world.server.runKubectl(['delete', 'agreg', 'planner-agent', '-n', 'fintech', '--wait=false']);
  await world.server.runKubectl(['create', 'namespace', 'later']);
  const { spec } = await world.object();
  const second = {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentPolicy',
    metadata: { name: 'second', namespace: 'fintech' },
    spec,
  };
  const { tests: _, ...rest } = spec;
  const rules = [{ name: 'reads', actions: ['get_payment'] }];
  await world.server.applyYaml(JSON.stringify({ ...second, spec: { ...rest, rules } }));
  await world.edit(1000);
  await world.server.compact({ restart: true });
  undo();
  await eventually(async () => expect(await allows(gateway, 4000)).toBe(false), 40_000);
  expect(await relists('AgentPolicy')).toBeGreaterThan(listed);
  expect(operator.log()).toContainEqual(expect.objectContaining({ event: 'watch.failed', status: 410 }));
  await eventually(async () => {
    const path = '/apis/aegis.dev/v1alpha1/namespaces/fintech/agentpolicies/second';
    const { body } = await world.server.raw('GET', path);
    expect((body as { status?: { observedGeneration?: number } }).status?.observedGeneration).toBe(1);
  }, 40_000);
  // every kind has a backoff of its own
  await eventually(async () => {
    const metrics = await operator.metrics();
    expect(metrics).toMatch(/^aegis_operator_watch_objects\{kind="AgentRegistration"\} 1$/m);
    expect(metrics).toMatch(/^aegis_operator_watch_objects\{kind="AgentPolicy"\} 2$/m);
  }, 40_000);
  expect(world.last.sequence).toBeGreaterThan(sequence);
  await world.settled();
  world.expectOneHistory();
  await operator.stop();
}, 150_000);

test('a leader behind a connection over which nothing passes ends, and another one publishes', async () => {
  const proxy = await FaultProxy.start(world.server);
  try {
    operator = await world.operator(QUICK, { kubeconfig: proxy.kubeconfig });
    await leads(operator);
    const other = await world.operator(QUICK);
    const { sequence } = world.last;
    proxy.stall();
    await world.edit(2000);
    const began = performance.now();
    expect(await ended(operator)).toBe(1);
    // well before anybody else may lead
    expect(performance.now() - began).toBeLessThan(3_000);
    await leads(other);
    await eventually(() => expect(world.last.sequence).toBe(sequence + 1));
    await world.settled();
    const { manifest } = world.last;
    // what the old one had sent comes through now
    proxy.resume();
    await world.edit(2500);
    await eventually(() => expect(world.last.sequence).toBe(sequence + 2));
    expect(world.commits.at(-2)?.manifest).toBe(manifest);
    await world.settled();
    world.expectOneHistory();
  } finally {
    await proxy.stop();
  }
});
