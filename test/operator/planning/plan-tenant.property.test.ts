/**
 * Any order of good and bad edits, deletions, restarts and passes: what is compiled once it is quiet is what the last
 * good versions say, and nothing is committed twice.
 */
import fc from 'fast-check';
import { tombstoneOf } from '../../../operator/planning/stand-ins.ts';
import type { Resource } from '../../../policy/resources/resource.ts';
import { sampleObjects, textOf, World } from './world.ts';

const HOUR = 3_600_000;
const SAMPLE = sampleObjects('fintech');
const named = (kind: string): Resource[] => SAMPLE.filter((object) => object.kind === kind);

type Event =
  | { type: 'cap'; amount: number }
  | { type: 'typo' }
  | { type: 'unbound' }
  | { type: 'toolBreaks' }
  | { type: 'toolRisk'; risk: string }
  | { type: 'delete'; kind: 'AgentPolicy' | 'AgentRegistration'; index: number }
  | { type: 'restore' }
  | { type: 'suspend'; suspended: boolean }
  | { type: 'pass' }
  | { type: 'restart' }
  | { type: 'time'; hours: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constant('cap' as const), amount: fc.integer({ min: 1, max: 9 }) }),
  fc.constant({ type: 'typo' as const }),
  fc.constant({ type: 'unbound' as const }),
  fc.constant({ type: 'toolBreaks' as const }),
  fc.record({ type: fc.constant('toolRisk' as const), risk: fc.constantFrom('low', 'high', 'critical') }),
  fc.record({
    type: fc.constant('delete' as const),
    kind: fc.constantFrom('AgentPolicy' as const, 'AgentRegistration' as const),
    index: fc.nat(3),
  }),
  fc.constant({ type: 'restore' as const }),
  fc.record({ type: fc.constant('suspend' as const), suspended: fc.boolean() }),
  fc.constant({ type: 'pass' as const }),
  fc.constant({ type: 'restart' as const }),
  fc.record({ type: fc.constant('time' as const), hours: fc.integer({ min: 1, max: 100 }) }),
);

type Spec = {
  rules: { conditions: object }[];
  riskTier?: string;
  actions: { parameters?: object }[];
  suspended?: boolean;
};

const POLICY = 'fintech/finance-payments';
const TOOL = 'fintech/stripe-payments';
const AGENT = 'fintech/finance-agent';

function run(world: World, step: Event): unknown {
  const { stores } = world;
  switch (step.type) {
    case 'cap':
      if (stores.AgentPolicy.get(POLICY) === undefined) return undefined;
      return world.edit('AgentPolicy', POLICY, (spec: Spec) => {
        (spec.rules[0] as { conditions: object }).conditions = { maxAmount: step.amount * 100, currency: 'USD' };
      });
    case 'typo':
      if (stores.AgentPolicy.get(POLICY) === undefined) return undefined;
      return world.edit('AgentPolicy', POLICY, (spec: Spec & { scop?: string }) => {
        spec.scop = 'x';
      });
    case 'unbound':
      if (stores.AgentPolicy.get(POLICY) === undefined) return undefined;
      return world.edit('AgentPolicy', POLICY, (spec: Spec) => {
        (spec.rules[0] as { conditions: object }).conditions = { params: { nowhere: { max: 1 } } };
      });
    case 'toolBreaks':
      return world.edit('AgentTool', TOOL, (spec: Spec) => {
        for (const action of spec.actions) delete action.parameters;
      });
    case 'toolRisk':
      return world.edit('AgentTool', TOOL, (spec: Spec) => {
        const good = JSON.parse(JSON.stringify(named('AgentTool')[0]?.spec)) as Spec;
        spec.actions = good.actions;
        spec.riskTier = step.risk;
      });
    case 'delete': {
      const keys = [...stores[step.kind].values()].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      const key = keys[step.index % Math.max(1, keys.length)];
      if (key !== undefined) world.delete(step.kind, key);
      return undefined;
    }
    case 'restore':
      for (const object of SAMPLE) {
        const { namespace, name } = object.metadata;
        const store = stores[object.kind as keyof World['stores']];
        if (store.get(`${namespace}/${name}`) === undefined) world.apply(object);
      }
      return undefined;
    case 'suspend':
      if (stores.AgentRegistration.get(AGENT) === undefined) return undefined;
      return world.edit('AgentRegistration', AGENT, (spec: Spec) => {
        spec.suspended = step.suspended;
      });
    case 'pass':
      world.pass();
      return undefined;
    case 'restart':
      world.restart();
      return undefined;
    case 'time':
      world.now += step.hours * HOUR;
      return undefined;
  }
}

function placed({ name, namespace }: Resource['metadata']): Resource['metadata'] {
  return namespace === undefined ? { name } : { name, namespace };
}

/** Content for every agent that there is, of a plan. */
function contents(plan: ReturnType<World['plan']>): Record<string, string> {
  return Object.fromEntries([...plan.compiled.agents].map(([agent, file]) => [agent, textOf(file.bytes)]));
}

/** Of a cluster that never knew anything but the accepted versions. */
function contentsFromScratch(world: World): Record<string, string> {
  const fresh = new World();
  fresh.now = world.now;
  for (const entry of world.entries.values()) {
    const accepted = entry.tombstone === undefined ? entry.accepted : tombstoneOf(entry).object;
    const { apiVersion, kind, metadata, spec } = accepted as Resource;
    fresh.apply({ apiVersion, kind, metadata: placed(metadata), spec });
  }
  return contents(fresh.plan());
}

test('what is compiled once it is quiet is what the last good versions say', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 25 }), (events) => {
      const world = new World();
      for (const object of SAMPLE) world.apply(object);
      world.pass();
      let sequence = 0;
      for (const step of events) {
        run(world, step);
        for (const entry of world.entries.values()) expect(entry.sequence).toBeGreaterThan(0);
        expect(world.sequence).toBeGreaterThanOrEqual(sequence);
        sequence = world.sequence;
      }
      const plan = world.pass();
      expect(plan.held).toEqual([]);

      // quiet: nothing is new any more, for this leader and for the next one
      const again = world.plan();
      for (const [key, entry] of again.entries) expect(entry).toBe(world.entries.get(key));
      expect(again.entries.size).toBe(world.entries.size);
      world.restart();
      const later = world.plan();
      for (const [key, entry] of later.entries) expect(entry).toBe(world.entries.get(key));
      expect(contents(later)).toEqual(contents(again));

      expect(contents(later)).toEqual(contentsFromScratch(world));

      // of what is valid now, nothing but the current version takes part
      for (const { current, takesPart, findings } of later.results.values()) {
        if (takesPart === 'current') expect(current.valid).toBe(true);
        if (takesPart === 'lastGood') expect(findings.some(({ severity }) => severity === 'error')).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});
