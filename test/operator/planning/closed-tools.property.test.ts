/** Whatever becomes of a tool: as long as a registration names it, its host never is one of no tool again. */
import fc from 'fast-check';
import type { StateEntries } from '../../../operator/model/committed.ts';
import type { TenantPlan } from '../../../operator/planning/plan-tenant.ts';
import type { AgentRegistration, AgentTool } from '../../../policy/resources/types.generated.ts';
import { textOf, World } from './world.ts';

const NAMES = ['pay', 'mail'] as const;
const AGENTS = ['one', 'two'] as const;

interface Slice {
  contracts: Record<string, { upstream: { url: string }; actions: unknown[] }>;
}

const urlOf = (toolId: string): string => `https://${toolId}.example.com`;

const step = fc.record({
  what: fc.constantFrom('tool', 'wrong tool', 'no document', 'no tool', 'agent', 'no agent', 'later', 'restart'),
  name: fc.constantFrom(...NAMES),
  agent: fc.constantFrom(...AGENTS),
  /** Another id than the name, so that names and ids come apart. */
  id: fc.constantFrom(...NAMES),
  tools: fc.subarray([...NAMES]),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function tool(name: string, toolId: string, what: Step['what']): never {
  const match = what === 'no document' ? { operationId: 'get' } : { method: 'GET', path: '/' };
  const effect = what === 'wrong tool' ? 'nonsense' : 'read';
  const openapi = what === 'no document' ? { openapi: { configMapRef: { name: 'nowhere' } } } : {};
  const actions = [{ name: 'get', effect, match }];
  const spec = { toolId, protocol: 'HTTP', upstream: { url: urlOf(toolId) }, ...openapi, actions };
  return { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentTool', metadata: { name, namespace: 'shop' }, spec } as never;
}

function agent(name: string, tools: readonly string[]): never {
  const workload = { selector: { matchLabels: { app: name } }, serviceAccountName: name };
  const spec = { owner: 'team@example.com', workload, tools: tools.map((toolId) => ({ toolId })) };
  const metadata = { name, namespace: 'shop' };
  return { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentRegistration', metadata, spec } as never;
}

function take(world: World, { what, name, agent: of, id, tools }: Step): void {
  const there = world.stores.AgentTool.get(`shop/${name}`) as unknown as AgentTool | undefined;
  if (what === 'agent') world.apply(agent(of, tools));
  else if (what === 'no agent') world.delete('AgentRegistration', `shop/${of}`);
  else if (what === 'no tool') world.delete('AgentTool', `shop/${name}`);
  else if (what === 'later') world.now += 40 * 3_600_000;
  else if (what === 'restart') world.restart();
  // the API server lets nobody change the id
  else world.apply(tool(name, there?.spec.toolId ?? id, what));
}

function named(entries: StateEntries): Map<string, string[]> {
  const all = [...entries].filter(([key]) => key.startsWith('AgentRegistration '));
  return new Map(
    all.map(([, { accepted }]) => {
      const { metadata, spec } = accepted as AgentRegistration;
      return [metadata.name, (spec.tools ?? []).map(({ toolId }) => toolId)];
    }),
  );
}

function takingPart({ results }: TenantPlan, entries: StateEntries): Set<string> {
  const found = [...results].filter(([key, { takesPart }]) => key.startsWith('AgentTool ') && takesPart !== 'none');
  return new Set(found.map(([key]) => (entries.get(key)?.accepted as AgentTool).spec.toolId as string));
}

/** What has taken part, and was named by somebody ever since: it may not be unknown. */
class Held {
  readonly #ids = new Set<string>();
  #open: ReadonlySet<string> = new Set();
  #named: ReadonlyMap<string, readonly string[]> = new Map();

  passed(plan: TenantPlan, entries: StateEntries): void {
    this.#named = named(entries);
    this.#open = takingPart(plan, entries);
    for (const id of this.#open) this.#ids.add(id);
    for (const id of this.#ids) if (!this.#open.has(id) && !this.#isNamed(id)) this.#ids.delete(id);
  }

  /** Ids and whether the tool may be used. */
  of(agentId: string): { id: string; open: boolean }[] {
    const ids = (this.#named.get(agentId) ?? []).filter((id) => this.#ids.has(id));
    return ids.map((id) => ({ id, open: this.#open.has(id) }));
  }

  closed(): string[] {
    return [...this.#ids].filter((id) => !this.#open.has(id));
  }

  #isNamed(id: string): boolean {
    return [...this.#named.values()].some((ids) => ids.includes(id));
  }
}

test('never', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 25 }), (steps) => {
      const world = new World();
      const held = new Held();
      world.apply(agent('one', NAMES));
      for (const each of steps) {
        take(world, each);
        const plan = world.pass('shop');
        expect(plan.held).toEqual([]);
        held.passed(plan, world.entries);
        for (const [of, { bytes }] of plan.compiled.agents) {
          const { contracts } = JSON.parse(textOf(bytes)) as Slice;
          for (const { id, open } of held.of(of)) {
            expect(contracts[id]?.upstream.url).toBe(urlOf(id));
            if (!open) expect(contracts[id]?.actions).toEqual([]);
          }
        }
        const closed = [...world.entries.keys()].filter((key) => key.startsWith('ClosedTool '));
        expect(closed.sort()).toEqual(
          held
            .closed()
            .map((id) => `ClosedTool ${id}`)
            .sort(),
        );
      }
    }),
  );
});
