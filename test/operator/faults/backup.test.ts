/** The cluster is restored from an older backup while gateways hold what was committed since. */
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, registration, tool } from './samples-b.ts';
import { World } from './world-b.ts';

const SHOP = 'shop';

let world: World;
let gateway: AgentPod;

async function verdicts(...amounts: number[]): Promise<string[]> {
  return Promise.all(amounts.map(async (amount) => (await gateway.decide(dollars(amount))).verdict));
}

async function sequence(): Promise<number> {
  return (await gateway.sequence()) as number;
}

async function committed(): Promise<number> {
  return Number((await world.head(SHOP))?.metadata.annotations?.['aegis.dev/sequence']);
}

async function inForce(cap: number, above: number): Promise<void> {
  await eventually(async () => {
    expect(await verdicts(cap, cap + 1)).toEqual(['allow', 'deny']);
    expect(await sequence()).toBeGreaterThan(above);
    expect(await committed()).toBe(await sequence());
    expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current');
  }, 25_000);
}

/** The cap of the shop, step by step, so that so many sequences come of it. */
async function steps(...caps: number[]): Promise<void> {
  for (const cap of caps) {
    const before = await sequence();
    await world.apply(policy(SHOP, 'payments', { cap }));
    await inForce(cap, before);
  }
}

beforeAll(async () => {
  world = await World.open([SHOP]);
  await world.apply(tool(SHOP), registration(SHOP), policy(SHOP, 'payments', { cap: 100 }));
  await eventually(async () => expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current'));
  gateway = await world.agentPod({ namespace: SHOP, agent: 'buyer' });
}, 90_000);

afterAll(async () => {
  await world?.close();
});

test('restored while no operator runs: the gateway shows its head, and the next bundle goes above it', async () => {
  await steps(101);
  await world.stopOperator();
  const backup = await world.server.backup();
  await world.startOperator();
  await steps(102, 103);
  const held = await sequence();
  await world.stopOperator();
  await world.server.restore(backup);
  await world.startOperator();
  // the resources are those of the backup, and so is the cap, but nothing goes back
  await inForce(101, held);
  expect(world.operator.log().some(({ event }) => event === 'bundle.behind')).toBe(true);
  await steps(105);
}, 60_000);

test('restored, and as many changes since as were lost: the same number with other content does not divide them', async () => {
  await world.stopOperator();
  const backup = await world.server.backup();
  await world.startOperator();
  await steps(106);
  const held = await sequence();
  await world.stopOperator();
  await world.server.restore(backup);
  // before any gateway can say a word: the sequence that it holds is committed with another cap
  await world.apply(policy(SHOP, 'payments', { cap: 107 }));
  await world.startOperator();
  await inForce(107, held);
}, 60_000);

test('restored under a running operator: what it has committed stays, and goes on', async () => {
  const backup = await world.server.backup();
  await steps(108);
  const held = await sequence();
  await world.server.restore(backup);
  await eventually(async () => {
    // back to the cap of the backup, above everything that was committed
    expect(await verdicts(107, 108)).toEqual(['allow', 'deny']);
    expect(await sequence()).toBeGreaterThan(held);
  }, 40_000);
  await steps(110);
}, 90_000);
