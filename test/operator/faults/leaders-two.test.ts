/**
 * Two processes lead at once: one was stopped until others took over, or the Lease was deleted. The head lets one of them
 * commit; the other one ends. A Lease that is deleted or taken costs nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpFaultProxy } from '../../apiserver/http-fault-proxy.ts';
import { eventually, waitFor } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { allows, ended, LEASE, leads, QUICK, World } from './world-a.ts';

/** Looks at the Lease so seldom that it goes on leading long after somebody else has it. */
const CARELESS = { 'leader.leaseDuration': '300s', 'leader.renewDeadline': '290s', 'leader.retryPeriod': '100s' };

let world: World;
let proxy: HttpFaultProxy;
let follower: OperatorProcess;
let gateway: AgentPod;
let leader: OperatorProcess;

interface LeaseObject {
  metadata: { uid: string };
  spec: { holderIdentity: string; leaseTransitions: number };
}

async function lease(): Promise<LeaseObject | undefined> {
  const { status, body } = await world.server.raw('GET', LEASE);
  return status === 200 ? (body as LeaseObject) : undefined;
}

async function says(operator: OperatorProcess): Promise<string> {
  return JSON.stringify(await operator.health());
}

const logged = (operator: OperatorProcess, event: string): number =>
  operator.log().filter((line) => line.event === event).length;

beforeAll(async () => {
  world = await World.open();
  proxy = await world.proxy();
  leader = await world.operator(QUICK, { kubeconfig: proxy.kubeconfig });
  await leads(leader);
  follower = await world.follower();
  gateway = await world.gateway(follower);
});

afterAll(() => world?.close());

test('stopped in the middle of a commit until another one leads: its commit is refused, and it ends', async () => {
  const { sequence } = world.last;
  const other = await world.operator(QUICK);
  proxy.clear();
  // what it has sent arrives when somebody else has committed long ago
  proxy.delay({ verb: 'update', resource: 'configmaps', name: world.head, times: 1 }, 9_000);
  proxy.delay({ verb: 'patch', resource: 'agentpolicies/status', times: 2 }, 9_000);
  await world.edit(1000);
  const sent = performance.now();
  await waitFor(() => proxy.count('update', 'configmaps') > 0, 10_000, 'no head is written');
  leader.child.kill('SIGSTOP');
  await leads(other);
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 1));
  const { manifest } = world.last;
  await sleep(Math.max(0, 9_500 - (performance.now() - sent)));
  leader.child.kill('SIGCONT');
  expect(await ended(leader)).toBe(1);
  await sleep(500);
  expect(world.last.manifest).toBe(manifest);
  await world.edit(1500);
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 2));
  expect((await world.settled()).status?.bundle?.sequence).toBe(sequence + 2);
  world.expectOneHistory();
  leader = other;
});

test('two lead at once because the Lease was deleted: the one that was behind is overtaken at its commit', async () => {
  await leader.kill();
  await world.server.raw('DELETE', LEASE);
  const old = await world.operator(CARELESS);
  await leads(old);
  const { sequence } = world.last;
  await world.server.raw('DELETE', LEASE);
  const other = await world.operator(QUICK);
  await leads(other);
  for (const each of [old, other]) expect(await says(each)).toContain('"leads":true');

  old.child.kill('SIGSTOP');
  await world.edit(2000);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1));
  const { manifest } = world.last;
  old.child.kill('SIGCONT');
  expect(await ended(old)).toBe(1);
  expect(logged(old, 'leader.overtaken')).toBe(1);
  expect(world.last.manifest).toBe(manifest);
  const policy = await world.settled();
  expect(policy.status?.bundle?.sequence).toBe(sequence + 1);
  expect(other.child.exitCode).toBeNull();
  leader = other;
});

test('two race for every commit: each sequence is committed once, and nothing is lost', async () => {
  await leader.kill();
  await world.server.raw('DELETE', LEASE);
  const one = await world.operator(CARELESS);
  await leads(one);
  await world.server.raw('DELETE', LEASE);
  const two = await world.operator(QUICK);
  await leads(two);
  const both = [one, two];
  const running = () => both.filter(({ child }) => child.exitCode === null);
  for (const cap of [2100, 2200, 2300]) {
    const { sequence } = world.last;
    await world.edit(cap);
    await eventually(() => expect(world.last.sequence).toBe(sequence + 1));
    expect(running().length).toBeGreaterThan(0);
  }
  await eventually(() => expect(running().length).toBeLessThan(2));
  for (const { child } of both) expect([null, 1]).toContain(child.exitCode);
  world.expectOneHistory();
  // as Kubernetes would: whoever ended is started again
  for (const each of both) await each.kill();
  await world.server.raw('DELETE', LEASE);
  leader = await world.operator(QUICK);
  await leads(leader);
  const policy = await world.settled();
  expect(policy.status?.bundle?.sequence).toBe(world.last.sequence);
  await eventually(async () => expect(await gateway.sequence()).toBe(world.last.sequence));
  expect([await allows(gateway, 2250), await allows(gateway, 2350)]).toEqual([true, false]);
  world.expectOneHistory();
});

test('the Lease deleted, again and again: its holder makes it anew and goes on', async () => {
  const waiting = await world.operator(QUICK);
  const before = await lease();
  // whoever has never seen a holder may claim a Lease that is not there
  await eventually(async () => expect(await says(waiting)).toContain(`"holder":"${before?.spec.holderIdentity}"`));
  for (let round = 0; round < 4; round++) {
    const known = (await lease())?.metadata.uid;
    await world.server.raw('DELETE', LEASE);
    await eventually(async () => expect((await lease())?.metadata.uid ?? known).not.toBe(known));
    expect((await lease())?.spec.holderIdentity).toBe(before?.spec.holderIdentity);
  }
  const { sequence } = world.last;
  await world.edit(3000);
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 1));
  expect([logged(leader, 'leader.started'), logged(waiting, 'leader.started')]).toEqual([1, 0]);
  expect(leader.child.exitCode).toBeNull();

  // a stranger's name in it: the holder ends, and the other one waits for its time and leads
  const contentType = 'application/merge-patch+json';
  await world.server.raw('PATCH', LEASE, { spec: { holderIdentity: 'somebody' } }, { contentType });
  expect(await ended(leader)).toBe(1);
  await leads(waiting);
  await world.edit(3500);
  await eventually(async () => expect(await gateway.sequence()).toBe(sequence + 2));
  await world.settled();
  world.expectOneHistory();
});
