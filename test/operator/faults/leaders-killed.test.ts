/**
 * The leader is killed around the one write that commits: before it, after it, and with its answer lost. Whoever leads
 * next goes on from what stands there, and gateways never see anything else.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpFaultProxy } from '../../apiserver/http-fault-proxy.ts';
import { eventually, waitFor } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { OPERATOR_NAMESPACE } from '../../support/operator-process.ts';
import { allows, ended, fetchBundle, leads, QUICK, World } from './world-a.ts';

let world: World;
let proxy: HttpFaultProxy;
let leader: OperatorProcess;
let follower: OperatorProcess;
let gateway: AgentPod;

async function newLeader(): Promise<OperatorProcess> {
  const operator = await world.operator(QUICK, { kubeconfig: proxy.kubeconfig });
  await leads(operator);
  return operator;
}

async function shards(): Promise<number> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/configmaps?labelSelector=aegis.dev/component=bundle-shard`;
  const { body } = await world.server.raw('GET', path);
  return (body as { items: unknown[] }).items.length;
}

beforeAll(async () => {
  world = await World.open();
  proxy = await world.proxy();
  leader = await newLeader();
  follower = await world.follower();
  gateway = await world.gateway(follower);
});

afterAll(async () => {
  await world?.close();
});

test('killed between shards and head: the old commit is whole, and the next leader publishes the change', async () => {
  const before = world.last;
  const stored = await shards();
  const { etag } = await fetchBundle(gateway, follower);
  proxy.clear();
  proxy.delay({ verb: 'update', resource: 'configmaps', name: world.head }, 20_000);
  await world.edit(1000);
  await waitFor(() => proxy.count('update', 'configmaps') > 0, 10_000, 'no head is written');
  await leader.kill();
  expect(await shards()).toBeGreaterThan(stored);
  expect(world.last).toEqual(before);
  expect(await fetchBundle(gateway, follower, etag)).toEqual({ status: 304, etag });
  expect(await gateway.sequence()).toBe(before.sequence);
  expect(await allows(gateway, 4000)).toBe(true);
  proxy.clear();

  leader = await newLeader();
  await eventually(() => expect(world.last.sequence).toBe(before.sequence + 1));
  await eventually(async () => expect(await gateway.sequence()).toBe(before.sequence + 1));
  expect(await allows(gateway, 4000)).toBe(false);
  await world.settled();
  world.expectOneHistory();
});

test('the answer to the head is lost: it is committed once, by the same leader', async () => {
  const { sequence } = world.last;
  proxy.clear();
  proxy.loseAnswer({ verb: 'update', resource: 'configmaps', name: world.head, times: 1 });
  await world.edit(2000);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1));
  await world.settled();
  await world.edit(2500);
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 2));
  expect(await allows(gateway, 2400)).toBe(true);
  expect(leader.child.exitCode).toBeNull();
  world.expectOneHistory();
});

test('killed when the head was written and nobody knew: the next leader commits nothing and says how things are', async () => {
  const { sequence } = world.last;
  proxy.clear();
  proxy.loseAnswer({ verb: 'update', resource: 'configmaps', name: world.head });
  proxy.delay({ verb: 'get', resource: 'configmaps', name: world.head }, 20_000);
  await world.edit(3000);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1));
  await leader.kill();
  proxy.clear();
  const { manifest } = world.last;
  leader = await newLeader();
  const policy = await world.settled();
  expect(policy.status?.bundle?.sequence).toBe(sequence + 1);
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 1));
  await sleep(2_000);
  expect(world.last.manifest).toBe(manifest);
  world.expectOneHistory();
});

test('killed while it deletes what is refused from then on: the next leader carries it out', async () => {
  const { sequence } = world.last;
  proxy.clear();
  proxy.delay({ verb: 'create', resource: 'configmaps' }, 20_000);
  await world.server.runKubectl(['delete', 'agpol', 'finance-payments', '-n', 'fintech', '--wait=false']);
  await waitFor(() => proxy.count('create', 'configmaps') > 0, 10_000, 'nothing is written');
  await leader.kill();
  proxy.clear();
  expect(world.last.sequence).toBe(sequence);
  leader = await newLeader();
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 1));
  expect(await gateway.decide({ amount: 1, currency: 'USD' })).toMatchObject({ verdict: 'deny' });
  world.expectOneHistory();
  expect(await ended(leader, 0).catch(() => 'it runs')).toBe('it runs');
});
