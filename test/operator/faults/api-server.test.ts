/** The API server goes away and comes back, alone or with etcd, sooner than the leader gives up its Lease. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { type AegisObject, allows, OBJECTS, PATIENT, type SampleKind, servedDuring, World } from './world-a.ts';

let world: World;
let operator: OperatorProcess;
let gateway: AgentPod;

const all = (): Promise<AegisObject[]> =>
  Promise.all((Object.keys(OBJECTS) as SampleKind[]).map((kind) => world.object(kind)));

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
    gateway,
    (async () => {
      await world.server.killServer();
      await sleep(2_000);
      await world.server.startServer();
    })(),
    operator,
  );
  expect(world.last).toEqual(before);
  await world.edit(4500);
  await eventually(() => expect(world.last.sequence).toBe(before.sequence + 1), 45_000);
  await eventually(async () => expect(await allows(gateway, 4600)).toBe(false));
  await world.settled();
  expect(operator.child.exitCode).toBeNull();
}, 90_000);

test('etcd killed together with it: the same', async () => {
  const before = world.last;
  await servedDuring(
    gateway,
    (async () => {
      await world.server.killServer();
      await world.server.restartEtcd();
      await world.server.startServer();
    })(),
    operator,
  );
  await world.edit(4400);
  await eventually(() => expect(world.last.sequence).toBe(before.sequence + 1), 45_000);
  await world.settled();
  world.expectOneHistory();
}, 90_000);

test('killed and started again, and nothing changed: nothing is written', async () => {
  const { manifest } = world.last;
  const before = await all();
  await world.server.killServer();
  const gone = performance.now();
  await world.server.startServer();
  // every watch has heard of the new one, which it may before that calls itself ready
  await eventually(async () => {
    for (const line of (await operator.metrics()).split('\n')) {
      if (!line.startsWith('aegis_operator_watch_staleness_seconds{')) continue;
      expect(Number(line.split(' ').at(-1))).toBeLessThan((performance.now() - gone) / 1000);
    }
  }, 45_000);
  await sleep(2_000);
  expect(world.last.manifest).toBe(manifest);
  expect(await all()).toEqual(before);
  expect(operator.child.exitCode).toBeNull();
}, 90_000);
