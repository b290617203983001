import fc from 'fast-check';
import { removedAt } from '../../../operator/bundles/head-config-map.ts';
import { Publisher } from '../../../operator/bundles/publisher.ts';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import type { Committed } from '../../../operator/model/committed.ts';
import { CONFIG_MAP } from '../../../operator/model/resource-types.ts';
import { AegisError } from '../../../policy/errors.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { crypto, ENGINE, entry, HOUR, NAMESPACE, newWorld, part, publication, type World } from './world.ts';

const TENANTS = ['a', 'b'].map((name) => ({ name, uid: `uid-${name}` }));
/** Few contents, so that shards are used again after they were dropped. */
const CONTENTS = 3;

type Step = { kind: 'publish' | 'renew' | 'collect' | 'forget' | 'remove'; tenant: number; content: number };
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('publish', 'publish', 'publish', 'renew', 'collect', 'collect', 'collect', 'forget', 'remove'),
  tenant: fc.nat(TENANTS.length - 1),
  content: fc.nat(CONTENTS - 1),
});

function shardsOf(configMap: ConfigMap): string[] {
  const { groups } = JSON.parse(configMap.data?.['index.json'] ?? '') as { groups: Record<string, string[]> };
  return Object.values(groups).flat();
}

/** Every head, and every one that is kept, finds all its shards. */
function check(kube: FakeKube): void {
  const all = kube.all<ConfigMap>(CONFIG_MAP);
  const there = new Set(all.map(({ metadata }) => metadata.name));
  for (const item of all.filter((one) => part(one) === 'bundle-head' && removedAt(one) === undefined)) {
    for (const digest of shardsOf(item)) if (!there.has(`aegis-shard.${digest}`)) throw new Error(`${digest} is gone`);
  }
}

/** A process that believes to be the leader, and does what it is told until another one has committed. */
class Process {
  publisher: Publisher;
  readonly committed = new Map<string, Committed>();
  readonly #make: () => Publisher;

  constructor(make: () => Publisher) {
    this.#make = make;
    this.publisher = make();
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const { kind, tenant, content } of steps) {
      try {
        await this.#do(kind, TENANTS[tenant] as (typeof TENANTS)[0], content);
      } catch (error) {
        if (!(error instanceof AegisError)) throw error;
        // what is committed can always be read, unless it was replaced while it was read
        this.restart();
      }
    }
  }

  restart(): void {
    this.publisher = this.#make();
    this.committed.clear();
  }

  async #do(kind: Step['kind'], identity: (typeof TENANTS)[0], content: number): Promise<void> {
    if (kind === 'collect') {
      for (let turn = 0; turn < 8; turn++) await this.publisher.collectGarbage(2);
      return;
    }
    if (kind === 'forget') return this.restart();
    if (kind === 'remove') {
      await this.publisher.remove(identity);
      this.committed.delete(identity.name);
      return;
    }
    const previous = this.committed.get(identity.name) ?? (await this.publisher.load(identity));
    if (kind === 'renew') {
      if (previous === undefined) return;
      this.committed.set(identity.name, await this.publisher.renew(previous, { lifetime: HOUR }));
      return;
    }
    const next = publication((previous?.manifest.sequence ?? 0) + 1, {
      identity,
      agents: { one: { content } },
      entries: new Map([['AgentPolicy ns/p', entry(content, content)]]),
      retention: 2,
    });
    this.committed.set(identity.name, await this.publisher.publish(next, previous));
  }
}

test('whatever two publishers do at once, and however slow each call is, nothing that is referred to is deleted', async () => {
  let deleted = 0;
  let reused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.array(fc.nat(1000), { minLength: 50, maxLength: 50 }),
      async (first, second, noise) => {
        const kube = new FakeKube();
        const world: World = await newWorld(kube);
        let drawn = 0;
        const draw = (): number => noise[drawn++ % noise.length] as number;
        const slow = () => ({
          before: async (): Promise<void> => {
            for (let turns = draw() % 5; turns > 0; turns--) await Promise.resolve();
            if (draw() % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
            world.clock.passed += (draw() % 15) * 1000;
          },
          after: ({ verb, name }: { verb: string; name: string }): void => {
            if (verb === 'delete' && name.startsWith('aegis-shard.')) deleted++;
            if (verb === 'replace' && name.startsWith('aegis-shard.')) reused++;
            if (verb !== 'get' && verb !== 'list') check(kube);
          },
        });
        const make = () =>
          new Publisher({ ...world, client: kube.client(slow()), namespace: NAMESPACE, crypto, engine: ENGINE });
        const processes = [new Process(make), new Process(make)] as const;
        await Promise.all([processes[0].run(first), processes[1].run(second)]);
        check(kube);
        const reader = new Publisher({ ...world, client: kube, namespace: NAMESPACE, crypto, engine: ENGINE });
        for (const identity of TENANTS) await reader.load(identity);
      },
    ),
    { numRuns: 40 },
  );
  // the property says nothing unless both have happened
  expect(deleted).toBeGreaterThan(20);
  expect(reused).toBeGreaterThan(20);
});
