/** The API server is silent for longer than a Lease lasts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { ended, leads, QUICK, servedDuring, World } from './world-a.ts';

let world: World;
let leader: OperatorProcess;
let follower: OperatorProcess;
let gateway: AgentPod;

beforeAll(async () => {
  world = await World.open();
  leader = await world.operator(QUICK);
  await leads(leader);
  follower = await world.follower();
  gateway = await world.gateway(follower);
});

afterAll(() => world?.close());

test('silent for longer than the Lease lasts: the leader ends, the other replica serves, then leads', async () => {
  const { sequence } = world.last;
  world.server.pause();
  await servedDuring(
    gateway,
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
