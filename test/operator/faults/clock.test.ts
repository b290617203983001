/** Replicas whose wall clocks differ by hours lead in turn: time in heads never goes back, and nobody is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { OPERATOR_NAMESPACE, type OperatorProcess } from '../../support/operator-process.ts';
import { allows, leads, QUICK, World } from './world-a.ts';

const MAIN = join(__dirname, '..', '..', '..', 'operator/main.ts');
const HOUR = 3_600_000;

let world: World;
let gateway: AgentPod;
let leader: OperatorProcess;
let follower: OperatorProcess;

/** Loaded before the program: everybody who asks for the wall clock is told another time. The monotonic one is right. */
function shifted(ms: number): string[] {
  const file = join(world.server.folder, `clock${ms}.mjs`);
  writeFileSync(
    file,
    `const Real = Date;
const now = () => Real.now() + ${ms};
globalThis.Date = class extends Real {
  constructor(...args) {
    super(...(args.length === 0 ? [now()] : args));
  }
  static now() {
    return now();
  }
};
`,
  );
  return [process.execPath, '--import', file, MAIN];
}

/** The old leader is gone, and one with this clock leads. */
async function takeOver(ms: number): Promise<OperatorProcess> {
  await leader.kill();
  leader = await world.operator(QUICK, ms === 0 ? {} : { command: shifted(ms) });
  await leads(leader);
  return leader;
}

async function certificateVersion(): Promise<string> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets/aegis-serving-certificate`;
  const { body } = await world.server.raw('GET', path);
  return (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
}

/** By code, of bundles that the gateway did not take. */
async function refusals(): Promise<Record<string, number>> {
  const { bundle } = (await (await fetch(`http://127.0.0.1:${gateway.admin}/health`)).json()) as {
    bundle: { refusals: Record<string, number> };
  };
  return bundle.refusals;
}

beforeAll(async () => {
  world = await World.open();
  leader = await world.operator(QUICK);
  await leads(leader);
  follower = await world.follower();
  gateway = await world.gateway(follower);
});

afterAll(() => world?.close());

test('clocks that are right, hours behind, and a little ahead, one after the other', async () => {
  const certificate = await certificateVersion();
  let cap = 1000;
  for (const ms of [-5 * HOUR, 90_000, -7 * HOUR, 0]) {
    const before = world.last;
    const commits = world.commits.length;
    await takeOver(ms);
    cap += 100;
    await world.edit(cap);
    await eventually(async () => expect(await gateway.sequence()).toBe(before.sequence + 1));
    expect([await allows(gateway, cap), await allows(gateway, cap + 1)]).toEqual([true, false]);
    const policy = await world.settled();
    expect(policy.status?.bundle?.sequence).toBe(before.sequence + 1);
    await sleep(1_000);
    // the edit, and at most one head that was renewed because it looked old
    expect(world.commits.length - commits).toBeLessThanOrEqual(2);
    expect(world.last.issuedAt > before.issuedAt).toBe(true);
    // what gateways are given lasts by their own clock
    expect(Date.parse(world.last.expiresAt)).toBeGreaterThan(Date.now() + HOUR);
  }
  expect(await refusals()).toEqual({});
  // nobody takes the certificate of another one for one of the future, or for an old one
  expect(await certificateVersion()).toBe(certificate);
  world.expectOneHistory();
}, 90_000);

test('a Lease is judged by how long nothing changes, not by the time that stands in it', async () => {
  const before = world.last;
  await takeOver(6 * HOUR);
  // to the others every renewal looks six hours early, or late: nobody takes it over
  const others = await Promise.all([world.operator(QUICK), world.operator(QUICK, { command: shifted(-6 * HOUR) })]);
  await sleep(4_500);
  expect(others.map((each) => each.log().filter(({ event }) => event === 'leader.started').length)).toEqual([0, 0]);
  expect(leader.child.exitCode).toBeNull();
  // nor is anything issued again because it looks old: half of a head's life is longer than that
  expect(world.last).toEqual(before);
});
