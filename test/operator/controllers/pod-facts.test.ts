import type { KubeObject } from '../../../operator/kube/types.ts';
import { PLATFORM } from '../planning/world.ts';
import { PodFactsWorld } from './pod-facts-world.ts';

const SHOP = { name: 'shop', uid: 'ns-shop' };
const SECRET = { credentialRef: { name: 'stripe-key' } };
const CREDENTIAL = { secret: 'stripe-key', key: 'token' };
const BROKEN = { actions: [{ name: 'get', effect: 'nonsense' }] };

let world: PodFactsWorld;

beforeEach(() => {
  world = new PodFactsWorld();
});

/** Agent `agent` with these tools. */
function agentWith(...tools: string[]): void {
  world.registration('agent', { tools: tools.map((toolId) => ({ toolId })) });
}

describe('what has been read', () => {
  test('nothing is concluded from absence before everything has been', () => {
    const { facts } = world;
    expect(facts.ready).toBe(true);
    world.bundlesReady = false;
    expect(facts.ready).toBe(false);
    world.bundlesReady = true;
    world.knowsRegistrations = false;
    expect(facts.ready).toBe(false);
    world.knowsRegistrations = true;
    world.namespaces.synced = false;
    expect(facts.ready).toBe(false);
  });

  test('a namespace by its labels, undefined where it is not known yet', () => {
    world.namespace('pay', { 'aegis.dev/inject': 'strict', 'pod-security.kubernetes.io/enforce': 'baseline' });
    expect(world.facts.namespace('shop')).toEqual({ name: 'shop', mode: 'Enabled', podSecurity: 'privileged' });
    expect(world.facts.namespace('pay')).toEqual({ name: 'pay', mode: 'Strict', podSecurity: 'baseline' });
    expect(world.facts.namespace('new')).toBeUndefined();
  });
});

describe('registrations', () => {
  const namesOf = (found: readonly { metadata: { name: string } }[]) => found.map(({ metadata }) => metadata.name);

  test('in the versions that count, by namespace', () => {
    world.registration('agent');
    world.registration('other', {}, 'pay');
    world.registration('agent', { tools: 'nonsense' });
    expect(namesOf(world.facts.registrations('shop'))).toEqual(['agent']);
    expect(world.facts.registration('shop', 'agent')).not.toHaveProperty('spec.tools');
    expect(world.facts.unusable('shop')).toEqual([]);
    expect(world.facts.registration('shop', 'other')).toBeUndefined();
  });

  test('one that was never valid is unusable, as far as it says which pods it is about', () => {
    world.registration('broken', { tools: 'nonsense' });
    world.registration('nobody', { workload: { selector: {} } });
    world.tool('stripe');
    expect(world.facts.registrations('shop')).toEqual([]);
    expect(namesOf(world.facts.unusable('shop'))).toEqual(['broken']);
    expect(world.facts.unusable('pay')).toEqual([]);
    expect(world.facts.facts('shop', 'broken')).toBeUndefined();
  });

  test('one that was deleted, or is being deleted, is there no more', () => {
    world.registration('agent');
    world.registration('leaving');
    const leaving = world.world.stores.AgentRegistration.get('shop/leaving') as KubeObject;
    const metadata = { ...leaving.metadata, deletionTimestamp: '2026-11-22T08:00:00Z' };
    world.world.stores.AgentRegistration.set('shop/leaving', { ...leaving, metadata });
    world.world.delete('AgentRegistration', 'shop/agent');
    expect(world.facts.registrations('shop')).toEqual([]);
    for (const name of ['agent', 'leaving']) expect(world.facts.facts('shop', name)).toBeUndefined();
  });
});

describe('facts', () => {
  test('of an agent without anything: what is left out has its default', () => {
    world.registration('agent');
    expect(world.facts.facts('shop', 'agent')).toEqual({
      registration: { ...SHOP_AGENT, egressGuard: 'Off', egressAllow: [], tools: [] },
      tenant: SHOP,
      pinnedKeys: ['key-a', 'key-b'],
      caPem: 'the CA',
      minSequence: 1,
    });
    expect(world.pinned).toEqual(['key-b', 'key-a']);
  });

  const SHOP_AGENT = { name: 'agent', namespace: 'shop', agentId: 'agent' };

  test('guard, allowed egress and agent id are those of the registration', () => {
    const allow = [{ host: 'db.example.com', ports: [5432] }];
    world.registration('agent', { agentId: 'shopper', egressGuard: 'Enforce', egress: { allow } });
    expect(world.facts.facts('shop', 'agent')?.registration).toMatchObject({
      agentId: 'shopper',
      egressGuard: 'Enforce',
      egressAllow: allow,
    });
  });

  test('there are none where the agent id is another registration’s', () => {
    world.registration('agent');
    world.world.now += 1000;
    world.registration('younger', { agentId: 'agent' });
    expect(world.facts.facts('shop', 'agent')).toBeDefined();
    expect(world.facts.facts('shop', 'younger')).toBeUndefined();
    world.world.delete('AgentRegistration', 'shop/agent');
    expect(world.facts.facts('shop', 'younger')).toBeDefined();
  });
});

describe('tools', () => {
  test('by id, with Secret and CA and their defaults; one that is not there has neither', () => {
    world.tool('stripe', { ...SECRET, tls: { caRef: { name: 'stripe-ca' } } });
    const files = { credentialRef: { name: 'f', key: 'k' }, tls: { caRef: { kind: 'Secret', name: 'c', key: 'pem' } } };
    world.tool('files', files, 'shop', { toolId: 'drive' });
    agentWith('stripe', 'nothing', 'drive');
    expect(world.toolsOf()).toEqual([
      { toolId: 'drive', credential: { secret: 'f', key: 'k' }, ca: { kind: 'Secret', name: 'c', key: 'pem' } },
      { toolId: 'nothing' },
      { toolId: 'stripe', credential: CREDENTIAL, ca: { kind: 'ConfigMap', name: 'stripe-ca', key: 'ca.crt' } },
    ]);
  });

  test('after an invalid edit the last good version counts, as it does in the bundle', () => {
    world.tool('stripe', SECRET);
    agentWith('stripe');
    world.tool('stripe', {}, 'shop', BROKEN);
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: CREDENTIAL }]);
    world.tool('stripe', { credentialRef: { name: 'next' } });
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: { secret: 'next', key: 'token' } }]);
  });

  test('an invalid one that was made anew has nothing of the one before it', () => {
    world.tool('stripe', SECRET);
    agentWith('stripe');
    world.world.delete('AgentTool', 'shop/stripe');
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe' }]);
    world.tool('stripe', SECRET, 'shop', BROKEN);
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe' }]);
  });

  test('one that is being deleted is there no more', () => {
    world.tool('stripe', SECRET);
    agentWith('stripe');
    const stripe = world.world.stores.AgentTool.get('shop/stripe') as KubeObject;
    const metadata = { ...stripe.metadata, deletionTimestamp: '2026-11-22T08:00:00Z' };
    world.world.stores.AgentTool.set('shop/stripe', { ...stripe, metadata });
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe' }]);
  });

  test('the platform’s win over the tenant’s, also in a version that is invalid now', () => {
    world.tool('stripe', { credentialRef: { name: 'own' } });
    world.tool('stripe', SECRET, PLATFORM);
    agentWith('stripe');
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: CREDENTIAL }]);
    world.tool('stripe', {}, PLATFORM, BROKEN);
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: CREDENTIAL }]);
    world.world.delete('AgentTool', `${PLATFORM}/stripe`);
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: { secret: 'own', key: 'token' } }]);
  });

  test('of two with one id the older counts, and no other tenant’s', () => {
    world.tool('stripe', { credentialRef: { name: 'theirs' } }, 'pay');
    world.tool('older', SECRET, 'shop', { toolId: 'stripe' });
    world.world.now += 1000;
    world.tool('a-younger', { credentialRef: { name: 'younger' } }, 'shop', { toolId: 'stripe' });
    agentWith('stripe');
    expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: CREDENTIAL }]);
  });

  describe('as a commit says', () => {
    const KEY = 'AgentTool shop/stripe';
    const committed = (more: object = {}) => {
      const { metadata } = world.world.stores.AgentTool.get('shop/stripe') as KubeObject;
      const spec = { protocol: 'HTTP', upstream: { url: 'https://s.example.com', ...SECRET } };
      return { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentTool', metadata: { ...metadata, ...more }, spec } as never;
    };

    test('a replica that has started since then learns which version counts', () => {
      world.tool('stripe', {}, 'shop', BROKEN);
      agentWith('stripe');
      expect(world.tools.inDoubt(['shop'])).toBe(true);
      expect(world.tools.inDoubt(['pay'])).toBe(false);
      world.tools.seed(KEY, committed());
      expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: CREDENTIAL }]);
    });

    test('what was valid here and never committed does not count', () => {
      world.tool('stripe', { credentialRef: { name: 'never-committed' } });
      agentWith('stripe');
      world.tool('stripe', {}, 'shop', BROKEN);
      world.tools.seed(KEY, committed());
      expect(world.toolsOf()).toEqual([{ toolId: 'stripe', credential: CREDENTIAL }]);
    });

    test('but not of another object, nor where the current version is valid or gone', () => {
      world.tool('stripe', {}, 'shop', BROKEN);
      agentWith('stripe');
      world.tools.seed(KEY, committed({ uid: 'another' }));
      const late = committed();
      world.tool('stripe');
      expect(world.tools.inDoubt(['shop'])).toBe(false);
      world.tools.seed(KEY, late);
      expect(world.toolsOf()).toEqual([{ toolId: 'stripe' }]);
      world.world.delete('AgentTool', 'shop/stripe');
      world.tools.seed(KEY, late);
      expect(world.toolsOf()).toEqual([{ toolId: 'stripe' }]);
    });
  });
});

describe('what a pod that is checked now may have been rendered from', () => {
  const sequences = () => world.facts.expected('shop', 'agent').map(({ minSequence }) => minSequence);

  beforeEach(() => world.registration('agent'));

  test('nothing for an agent that is not there', () => {
    expect(world.facts.expected('shop', 'nobody')).toEqual([]);
  });

  test('the sequence that was committed a moment ago as well, the newest first', () => {
    expect(sequences()).toEqual([1]);
    world.commit(SHOP, 7);
    expect(sequences()).toEqual([7, 1]);
    world.commit(SHOP, 8);
    expect(sequences()).toEqual([8, 1]);
    const [now, before] = world.facts.expected('shop', 'agent');
    expect({ ...before, minSequence: 8 }).toEqual(now);
  });

  test('only as long as a pod may be on its way', async () => {
    world.commit(SHOP, 7);
    await world.clock.advance(59_000);
    world.commit(SHOP, 8);
    expect(sequences()).toEqual([8, 1]);
    await world.clock.advance(2_000);
    expect(sequences()).toEqual([8, 7]);
    await world.clock.advance(60_000);
    expect(sequences()).toEqual([8]);
  });

  test('a renewal, and other tenants, change nothing', async () => {
    world.commit(SHOP, 7);
    await world.clock.advance(61_000);
    world.commit(SHOP, 7);
    world.commit({ name: 'pay', uid: 'ns-pay' }, 9);
    expect(sequences()).toEqual([7]);
  });

  test('a bundle that is taken away leaves nothing behind', () => {
    world.commit(SHOP, 7);
    world.commit(SHOP, undefined);
    expect(sequences()).toEqual([1]);
    world.commit(SHOP, 3);
    expect(sequences()).toEqual([3, 1]);
  });
});
