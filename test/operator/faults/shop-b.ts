/** One agent with its gateway, and the cap on what it pays: each change of the cap is one sequence. */
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { dollars, policy, registration, tool } from './samples-b.ts';
import { World } from './world-b.ts';

const SHOP = 'shop';

export class Shop {
  readonly world: World;
  readonly gateway: AgentPod;

  private constructor(world: World, gateway: AgentPod) {
    this.world = world;
    this.gateway = gateway;
  }

  static async open(): Promise<Shop> {
    const world = await World.open([SHOP]);
    try {
      await world.apply(tool(SHOP), registration(SHOP), policy(SHOP, 'payments', { cap: 100 }));
      await eventually(async () => {
        expect(kstatusOf(await world.object('AgentPolicy', 'payments', SHOP))).toBe('Current');
      });
      return new Shop(world, await world.agentPod({ namespace: SHOP, agent: 'buyer' }));
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** What the gateway decides. */
  async verdicts(...amounts: number[]): Promise<string[]> {
    return Promise.all(amounts.map(async (amount) => (await this.gateway.decide(dollars(amount))).verdict));
  }

  async sequence(): Promise<number> {
    return (await this.gateway.sequence()) as number;
  }

  async committed(): Promise<number> {
    return Number((await this.world.head(SHOP))?.metadata.annotations?.['aegis.dev/sequence']);
  }

  setCap(cap: number): Promise<void> {
    return this.world.apply(policy(SHOP, 'payments', { cap }));
  }

  /** This cap, everywhere, and above this sequence. */
  async inForce(cap: number, above: number): Promise<void> {
    await eventually(async () => {
      expect(await this.verdicts(cap, cap + 1)).toEqual(['allow', 'deny']);
      expect(await this.sequence()).toBeGreaterThan(above);
      expect(await this.committed()).toBe(await this.sequence());
      expect(kstatusOf(await this.world.object('AgentPolicy', 'payments', SHOP))).toBe('Current');
    }, 75_000);
  }

  async steps(...caps: number[]): Promise<void> {
    for (const cap of caps) {
      const before = await this.sequence();
      await this.setCap(cap);
      await this.inForce(cap, before);
    }
  }
}
