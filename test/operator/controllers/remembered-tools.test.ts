/** Which version of an invalid tool counts, on a replica that follows: the one that was committed. */
import { AcceptedRegistrations } from '../../../operator/controllers/accepted-registrations.ts';
import { AcceptedTools } from '../../../operator/controllers/accepted-tools.ts';
import { Documents } from '../../../operator/controllers/documents.ts';
import { RememberedAgents } from '../../../operator/controllers/remembered-agents.ts';
import { Tenants } from '../../../operator/controllers/tenants.ts';
import { TombstoneBook } from '../../../operator/controllers/tombstone-book.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { crypto, NAMESPACE, newBundles, newWorld, publication, TestClock, until } from '../bundles/world.ts';
import { HandStore, World } from '../planning/world.ts';
import { FakeKube } from '../support/fake-kube.ts';

const SHOP = { name: 'shop', uid: 'ns-shop' };
const KEY = 'AgentTool shop/stripe';

function tool(secret: string, effect = 'read'): never {
  const actions = [{ name: 'get', effect, match: { method: 'GET', path: '/' } }];
  const upstream = { url: 'https://stripe.example.com', credentialRef: { name: secret } };
  const spec = { protocol: 'HTTP', upstream, actions };
  const metadata = { name: 'stripe', namespace: 'shop' };
  return { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentTool', metadata, spec } as never;
}

let stop: AbortController;
let running: Promise<unknown>;

beforeEach(() => {
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await running;
});

/** A replica of the operator in front of these resources, while `publish` commits a version of the tool. */
async function follow(resources: World) {
  const client = new FakeKube();
  const { log, keys, publisher } = await newWorld(client);
  const clock = new TestClock();
  const { intake } = resources;
  const namespaces = new HandStore();
  namespaces.set('shop', { metadata: { name: 'shop', uid: SHOP.uid } } as KubeObject);
  const documents = new Documents(() => ({ store: new HandStore(), stop: () => undefined }));
  const tenants = new Tenants({ intake, namespaces, documents, platformNamespace: NAMESPACE });
  const [registrations, tools] = [new AcceptedRegistrations(intake), new AcceptedTools(intake)];
  const bundles = newBundles(client, { clock, log, keys });
  const remembered = new RememberedAgents({
    ...{
      client,
      namespace: NAMESPACE,
      clock,
      random: () => 0.5,
      crypto,
      keys,
      bundles,
      intake,
      tenants,
      registrations,
    },
    ...{ tools, tombstones: new TombstoneBook(), log },
  });
  running = Promise.all([bundles.run(stop.signal), remembered.run(stop.signal)]);
  let sequence = 0;
  let last: Awaited<ReturnType<typeof publisher.publish>> | undefined;
  return {
    async publish(secret: string) {
      const object = tool(secret) as unknown as KubeObject;
      const current = resources.stores.AgentTool.get('shop/stripe') as KubeObject;
      const { uid = '' } = current.metadata;
      const accepted = { ...object, metadata: { ...object.metadata, uid, generation: 1 } };
      const entries = new Map([[KEY, { uid, generation: 1, accepted, sequence: 1 }]]);
      last = await publisher.publish(publication(++sequence, { identity: SHOP, agents: {}, entries }), last);
    },
    secret: () =>
      [...tools.inNamespace('shop')].find(({ metadata }) => metadata.name === 'stripe')?.spec.upstream.credentialRef
        ?.name,
  };
}

test('one that has started since then reads it', async () => {
  const resources = new World();
  resources.apply(tool('later', 'nonsense'));
  const replica = await follow(resources);
  await replica.publish('committed');
  await until('read', () => replica.secret() === 'committed');
  // committed while the newest version was invalid already
  await replica.publish('committed-after');
  await until('read', () => replica.secret() === 'committed-after');
});

test('what was valid only between two commits does not count', async () => {
  const resources = new World();
  resources.apply(tool('first'));
  const replica = await follow(resources);
  await replica.publish('first');
  resources.apply(tool('never-committed'));
  expect(replica.secret()).toBe('never-committed');
  resources.apply(tool('never-committed', 'nonsense'));
  await until('read', () => replica.secret() === 'first');
});
