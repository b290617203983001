/** An API server that turns requests away: 429 with Retry-After, and errors of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpFaultProxy } from '../../apiserver/http-fault-proxy.ts';
import type { Verb } from '../../apiserver/request-info.ts';
import { eventually, waitFor } from '../../apiserver/wait-for.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { leads, PATIENT, QUICK, World } from './world-a.ts';

let world: World;
let proxy: HttpFaultProxy;
let operator: OperatorProcess;

beforeAll(async () => {
  world = await World.open();
  proxy = await world.proxy();
  operator = await world.operator(PATIENT, { kubeconfig: proxy.kubeconfig });
  await world.settled();
});

beforeEach(() => proxy.clear());

afterEach(() => {
  world.expectOneHistory();
  expect(operator.child.exitCode).toBeNull();
});

afterAll(() => world?.close());

/** Requests within these ms. */
async function within(ms: number, verb: Verb, resource: string): Promise<number> {
  const before = proxy.count(verb, resource);
  await sleep(ms);
  return proxy.count(verb, resource) - before;
}

test('statuses: asked to wait 2 s, it asks once in 2 s, and says everything afterwards', async () => {
  const { sequence } = world.last;
  const undo = proxy.answer({ verb: 'patch', resource: 'agentpolicies/status' }, { status: 429, retryAfter: 2 });
  await world.edit(1000);
  await waitFor(() => proxy.count('patch', 'agentpolicies/status') > 0);
  expect(await within(6_000, 'patch', 'agentpolicies/status')).toBeLessThanOrEqual(3);
  // what is committed does not wait for what is said of it
  expect(world.last.sequence).toBe(sequence + 1);
  undo();
  const policy = await world.settled(5_000);
  expect([kstatusOf(policy), policy.status?.bundle?.sequence]).toEqual(['Current', sequence + 1]);
});

test('statuses: errors of the server, later and later, and then all is said', async () => {
  const undo = proxy.answer({ verb: 'patch', resource: 'agentpolicies/status' }, { status: 500 });
  await world.edit(1100);
  await waitFor(() => proxy.count('patch', 'agentpolicies/status') > 0);
  const first = await within(2_000, 'patch', 'agentpolicies/status');
  expect(first).toBeLessThan(20);
  expect(await within(2_000, 'patch', 'agentpolicies/status')).toBeLessThanOrEqual(Math.max(2, first));
  undo();
  await world.settled(15_000);
});

test('shards: asked to wait, it waits, and commits once', async () => {
  const { sequence } = world.last;
  const began = performance.now();
  proxy.answer({ verb: 'create', resource: 'configmaps', times: 6 }, { status: 429, retryAfter: 1 });
  await world.edit(1200);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1), 20_000);
  expect(performance.now() - began).toBeGreaterThan(1_000);
  // each of a handful of objects once a second, and the six that were turned away
  expect(proxy.count('create', 'configmaps')).toBeLessThan(20);
  await world.settled();
});

test('shards: errors until it gives the commit up; what was before stays, then it is committed once', async () => {
  const { sequence } = world.last;
  const undo = proxy.answer({ verb: 'create', resource: 'configmaps' }, { status: 500 });
  const failures = () => operator.log().filter(({ event }) => event === 'tenant.failed').length;
  const before = failures();
  await world.edit(1300);
  await waitFor(() => failures() > before, 20_000, 'it never gives up');
  expect(world.last.sequence).toBe(sequence);
  const policy = await world.object();
  expect(policy.status?.conditions?.find(({ type }) => type === 'Stalled')).toBeUndefined();
  undo();
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1), 20_000);
  expect((await world.settled()).status?.bundle?.sequence).toBe(sequence + 1);
});

test('the head: errors, answers that are lost, and being asked to wait: committed once', async () => {
  const { sequence } = world.last;
  const head = { verb: 'update', resource: 'configmaps', name: world.head } as const;
  proxy.answer({ ...head, times: 2 }, { status: 500 });
  proxy.answer({ ...head, times: 1 }, { status: 429, retryAfter: 1 });
  proxy.loseAnswer({ ...head, times: 1 });
  await world.edit(1400);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1), 20_000);
  await world.settled();
  expect(proxy.count('update', 'configmaps')).toBe(4);
});

test('taking office while lists are turned away: it waits, leads and publishes', async () => {
  expect(await operator.stop()).toBe(0);
  const { sequence } = world.last;
  await world.edit(1500);
  // errors for everything that is listed at the start, and then for what only a leader lists
  proxy.answer({ verb: 'list', times: 4 }, { status: 429, retryAfter: 1 });
  proxy.answer({ verb: 'list', resource: 'configmaps', times: 4 }, { status: 500 });
  operator = await world.operator(QUICK, { kubeconfig: proxy.kubeconfig });
  await leads(operator);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1), 20_000);
  await world.settled();
});

test('taking office while not even the heads can be listed: it goes on trying', async () => {
  const { sequence } = world.last;
  const leader = operator;
  operator = await world.operator(QUICK, { kubeconfig: proxy.kubeconfig });
  // it has read all that it reads as a follower; now it is its turn
  proxy.answer({ verb: 'list', resource: 'configmaps', times: 3 }, { status: 500 });
  await leader.kill();
  await leads(operator);
  await waitFor(() => operator.log().some(({ event }) => event === 'heads.unread'), 10_000, 'heads were not asked for');
  await world.edit(1600);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1), 20_000);
  await world.settled();
});
