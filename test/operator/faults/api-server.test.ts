/** The API server goes away and comes back, alone or with etcd, at once or after a pause that costs the leader its Lease. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import {
  type AegisObject,
  allows,
  ended,
  fetchBundle,
  leads,
  OBJECTS,
  PATIENT,
  QUICK,
  type SampleKind,
  World,
} from './world-a.ts';

let world: World;
let operator: OperatorProcess;
let gateway: AgentPod;

const all = (): Promise<AegisObject[]> =>
  Promise.all((Object.keys(OBJECTS) as SampleKind[]).map((kind) => world.object(kind)));

/** The gateway's bundle, asked for again and again for as long as something takes. */
async function servedDuring(outage: Promise<unknown>, replica: OperatorProcess): Promise<void> {
  const { etag } = await fetchBundle(gateway, replica);
  let over = false;
  const end = outage.finally(() => {
    over = true;
  });
  let answers = 0;
  while (!over) {
    expect(await fetchBundle(gateway, replica)).toEqual({ status: 200, etag });
    expect(await fetchBundle(gateway, replica, etag)).toEqual({ status: 304, etag });
    expect(await allows(gateway, 4000)).toBe(true);
    answers++;
    await sleep(200);
  }
  await end;
  expect(answers).toBeGreaterThan(3);
}

beforeAll(async () => {
  world = await World.open();
  operator = await world.operator(PATIENT);
  gateway = await world.gateway(operator);
  await world.settled();
});

afterAll(() => world?.close());

test('killed and started again: an edit made right after is published; nothing else is', async () => {
  const before = world.last;
  await servedDuring(
    (async () => {
      await world.server.killServer();
      await sleep(2_000);
      await world.server.startServer();
    })(),
    operator,
  );
  expect(world.last).toEqual(before);
  await world.edit(4500);
  await eventually(() => expect(world.last.sequence).toBe(before.sequence + 1), 30_000);
  await eventually(async () => expect(await allows(gateway, 4600)).toBe(false));
  await world.settled();
  expect(operator.child.exitCode).toBeNull();
}, 60_000);

test('etcd killed together with it: the same', async () => {
  const before = world.last;
  await servedDuring(
    (async () => {
      await world.server.killServer();
      await world.server.restartEtcd();
      await world.server.startServer();
    })(),
    operator,
  );
  await world.edit(4400);
  await eventually(() => expect(world.last.sequence).toBe(before.sequence + 1), 30_000);
  await world.settled();
  world.expectOneHistory();
}, 60_000);

test('killed and started again, and nothing changed: nothing is written', async () => {
  const { manifest } = world.last;
  const before = await all();
  await world.server.restartServer();
  await eventually(async () => {
    for (const line of (await operator.metrics()).split('\n')) {
      if (!line.startsWith('aegis_operator_watch_staleness_seconds{')) continue;
      expect(Number(line.split(' ').at(-1))).toBeLessThan(10);
    }
  }, 30_000);
  await sleep(2_000);
  expect(world.last.manifest).toBe(manifest);
  expect(await all()).toEqual(before);
  expect(operator.child.exitCode).toBeNull();
});

test('silent for longer than the Lease lasts: the leader ends, the other replica serves, then leads', async () => {
  await operator.kill();
  const follower = await world.follower();
  await world.server.raw('DELETE', '/apis/coordination.k8s.io/v1/namespaces/aegis-system/leases/aegis-operator');
  const leader = await world.operator(QUICK);
  await leads(leader);
  const { sequence } = world.last;
  const behind = { ...gateway };
  // the first request is verified while that can be done
  await fetchBundle(behind, follower);
  world.server.pause();
  await servedDuring(
    (async () => {
      expect(await ended(leader)).toBe(1);
      await sleep(1_500);
      world.server.resume();
    })(),
    follower,
  );
  const next = await world.operator(QUICK);
  await leads(next);
  expect(world.last.sequence).toBe(sequence);
  await world.edit(4300);
  await eventually(() => expect(world.last.sequence).toBe(sequence + 1));
  await world.settled();
  world.expectOneHistory();
});
