import fc from 'fast-check';
import { type KubeClient, keyOf } from '../../../operator/kube/types.ts';
import { fitsLabels, type RegistrationLike, registrationsOfPod } from '../../../operator/workloads/match-pods.ts';
import { PodIndex } from '../../../operator/workloads/pod-index.ts';
import { type PodObject, slimPod, viewOfPod } from '../../../operator/workloads/pod-view.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { FakeReflector } from './fake-reflector.ts';

const registration = (key: string, app: string, serviceAccountName = 'agent'): RegistrationLike => {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name, namespace, uid: `uid of ${key}` },
    spec: { workload: { selector: { matchLabels: { app } }, serviceAccountName } },
  };
};

interface PodOptions {
  app?: string;
  uid?: string;
  phase?: string;
  serviceAccountName?: string;
}

const pod = (
  key: string,
  { app = 'a', uid, phase = 'Running', serviceAccountName = 'agent' }: PodOptions,
): PodObject => {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: uid ?? `uid of ${key}`, labels: { app } },
    spec: { serviceAccountName, containers: [{ name: 'agent' }] },
    status: { phase },
  };
};

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work();
});

function open() {
  const registrations = new FakeReflector<RegistrationLike>();
  const reflectors = new Map<string, FakeReflector<PodObject>>();
  const told: string[] = [];
  const index = new PodIndex({
    client: undefined as unknown as KubeClient,
    clock: systemClock,
    random: Math.random,
    registrations,
    newReflector(namespace) {
      const reflector = new FakeReflector<PodObject>();
      reflector.synced = true;
      reflectors.set(namespace, reflector);
      return reflector;
    },
  });
  index.subscribe((key) => told.push(key));
  const stop = new AbortController();
  const running = index.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  cleanUp.push(end);
  return { index, registrations, reflectors, told, end };
}

const names = (pods: { name: string }[]) => pods.map(({ name }) => name);

test('pods belong to the one registration that matches; of two it is neither, and both are told', () => {
  const { index, registrations, reflectors, told } = open();
  registrations.put(registration('n/one', 'a'));
  reflectors.get('n')?.put(pod('n/p', {}));
  reflectors.get('n')?.put(pod('n/q', { app: 'b' }));
  reflectors.get('n')?.put(pod('n/r', { serviceAccountName: 'other' }));
  expect(names(index.podsOf('n/one'))).toEqual(['p']);
  told.length = 0;
  registrations.put(registration('n/two', 'a'));
  expect(new Set(told)).toEqual(new Set(['n/one', 'n/two']));
  expect([index.podsOf('n/one'), index.podsOf('n/two')]).toEqual([[], []]);
  expect(names(index.ambiguousPodsOf('n/one'))).toEqual(['p']);
  expect(names(index.ambiguousPodsOf('n/two'))).toEqual(['p']);
  told.length = 0;
  reflectors.get('n')?.put(pod('n/p', { app: 'c' }));
  expect(new Set(told)).toEqual(new Set(['n/one', 'n/two']));
  registrations.put(registration('n/two', 'c'));
  expect(names(index.podsOf('n/two'))).toEqual(['p']);
});

test('pods whose labels fit and whose ServiceAccount does not are strays, unless somebody else owns them', () => {
  const { index, registrations, reflectors, told } = open();
  registrations.put(registration('n/one', 'a'));
  told.length = 0;
  reflectors.get('n')?.put(pod('n/p', { serviceAccountName: 'default' }));
  expect(told).toEqual(['n/one']);
  expect([names(index.strayPodsOf('n/one')), index.podsOf('n/one')]).toEqual([['p'], []]);
  told.length = 0;
  registrations.put(registration('n/two', 'a', 'default'));
  expect(new Set(told)).toEqual(new Set(['n/one', 'n/two']));
  expect([index.strayPodsOf('n/one'), names(index.podsOf('n/two'))]).toEqual([[], ['p']]);
  registrations.remove('n/two');
  expect(names(index.strayPodsOf('n/one'))).toEqual(['p']);
  registrations.put(registration('n/one', 'a', 'default'));
  expect([index.strayPodsOf('n/one'), names(index.podsOf('n/one'))]).toEqual([[], ['p']]);
});

test('selectors without a label and its value are looked at for every pod', () => {
  const { index, registrations, reflectors } = open();
  const some = registration('n/some', 'a');
  some.spec.workload.selector = { matchExpressions: [{ key: 'app', operator: 'Exists' }] };
  registrations.put(some);
  reflectors.get('n')?.put(pod('n/p', { app: 'whatever' }));
  expect(names(index.podsOf('n/some'))).toEqual(['p']);
});

test('what changes nothing is not told', () => {
  const { registrations, reflectors, told } = open();
  registrations.put(registration('n/one', 'a'));
  reflectors.get('n')?.put(pod('n/p', {}));
  told.length = 0;
  reflectors.get('n')?.put(pod('n/p', {}));
  reflectors.get('n')?.put(pod('n/q', { app: 'b' }));
  registrations.put({ ...registration('n/one', 'a'), metadata: { name: 'one', namespace: 'n', generation: 2 } });
  expect(told).toEqual([]);
  reflectors.get('n')?.put(pod('n/p', { phase: 'Succeeded' }));
  expect(told).toEqual(['n/one']);
});

test('a namespace is followed as long as it has registrations', async () => {
  const { index, registrations, reflectors, end } = open();
  expect(index.synced).toBe(false);
  registrations.synced = true;
  expect(index.synced).toBe(true);
  registrations.put(registration('n/one', 'a'));
  registrations.put(registration('n/two', 'b'));
  const first = reflectors.get('n') as FakeReflector<PodObject>;
  first.synced = false;
  expect([index.synced, index.knows('n'), index.knows('m')]).toEqual([false, false, false]);
  first.synced = true;
  expect([index.synced, index.knows('n')]).toEqual([true, true]);
  registrations.remove('n/one');
  expect(first.running).toBe(true);
  registrations.remove('n/two');
  await new Promise(setImmediate);
  expect(first.running).toBe(false);
  expect(index.knows('n')).toBe(false);
  first.put(pod('n/p', {}));
  registrations.put(registration('n/one', 'a'));
  expect(reflectors.get('n')).not.toBe(first);
  expect(index.podsOf('n/one')).toEqual([]);
  await end();
  expect(reflectors.get('n')?.running).toBe(false);
});

test('a pod is found by name and uid together', () => {
  const { index, registrations, reflectors } = open();
  registrations.put(registration('n/one', 'a'));
  reflectors.get('n')?.put(pod('n/p', { uid: 'new' }));
  expect(index.podByUid('n', 'p', 'new')?.name).toBe('p');
  expect(index.podByUid('n', 'p', 'old')).toBeUndefined();
  expect(index.podByUid('m', 'p', 'new')).toBeUndefined();
});

const step = fc.oneof(
  fc.record({ do: fc.constant('register'), key: fc.constantFrom('n/1', 'n/2', 'm/1'), app: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('unregister'), key: fc.constantFrom('n/1', 'n/2', 'm/1'), app: fc.constant('') }),
  fc.record({ do: fc.constant('pod'), key: fc.constantFrom('n/p', 'n/q', 'm/p'), app: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ do: fc.constant('stray'), key: fc.constantFrom('n/p', 'n/q', 'm/p'), app: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('no pod'), key: fc.constantFrom('n/p', 'n/q', 'm/p'), app: fc.constant('') }),
);

type Step = { do: string; key: string; app: string };
type World = ReturnType<typeof open> & { pods: Map<string, PodObject> };

function take({ registrations, reflectors, pods }: World, { do: what, key, app }: Step): void {
  const namespace = key.slice(0, 1);
  const reflector = () => reflectors.get(namespace);
  if (what === 'register') {
    const isFollowed = [...registrations.values()].some(({ metadata }) => metadata.namespace === namespace);
    registrations.put(registration(key, app));
    // a new watch begins with a list
    for (const [at, object] of isFollowed ? [] : pods) if (at.startsWith(namespace)) reflector()?.put(object);
  } else if (what === 'unregister') registrations.remove(key);
  else if (what === 'pod' || what === 'stray') {
    const object = pod(key, { app, serviceAccountName: what === 'pod' ? 'agent' : 'default' });
    pods.set(key, object);
    reflector()?.put(object);
  } else {
    pods.delete(key);
    reflector()?.remove(key);
  }
}

function straysOf({ registrations, pods }: World, key: string) {
  const own = registrations.get(key) as RegistrationLike;
  return [...pods.values()]
    .map(viewOfPod)
    .filter((view) => fitsLabels(view, own) && registrationsOfPod(view, registrations.values()).length === 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function expected(world: World, key: string) {
  const { registrations, pods } = world;
  const matching = [...pods.values()]
    .map(viewOfPod)
    .map((view) => ({ view, owners: registrationsOfPod(view, registrations.values()).map(keyOf) }))
    .filter(({ owners }) => owners.includes(key))
    .sort((a, b) => (a.view.name < b.view.name ? -1 : 1));
  return [
    matching.filter(({ owners }) => owners.length === 1).map(({ view }) => view),
    matching.filter(({ owners }) => owners.length > 1).map(({ view }) => view),
    straysOf(world, key),
  ];
}

test('whatever comes in whatever order, it says what a look at everything would say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world: World = { ...open(), pods: new Map() };
      const { index, registrations, end } = world;
      const known = new Map<string, string>();
      const look = (key: string) => [index.podsOf(key), index.ambiguousPodsOf(key), index.strayPodsOf(key)];
      index.subscribe((key) => known.set(key, JSON.stringify(look(key))));
      for (const one of steps) take(world, one);
      for (const key of [...registrations.values()].map(keyOf)) {
        const right = expected(world, key);
        expect(look(key)).toEqual(right);
        // whoever only listens knows as much
        expect(known.get(key)).toBe(JSON.stringify(right));
      }
      await end();
    }),
    { numRuns: 300 },
  );
});

test('of a pod only what counts is kept', () => {
  const object = {
    ...pod('n/p', {}),
    metadata: {
      name: 'p',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: '2026-11-22T08:00:00Z',
      labels: { app: 'a' },
      annotations: { 'aegis.dev/status': 'x', 'kubectl.kubernetes.io/last-applied-configuration': 'long' },
      managedFields: [{}],
    },
    spec: {
      serviceAccountName: 'agent',
      nodeName: 'node',
      initContainers: [{ name: 'aegis-gateway', image: 'gateway', env: [{ name: 'SECRET', value: 'secret' }] }],
      containers: [{ name: 'agent', image: 'agent' }],
      volumes: [],
    },
    status: { phase: 'Pending', conditions: [] },
  };
  const slim = slimPod(object);
  expect(slim).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: '2026-11-22T08:00:00Z',
      labels: { app: 'a' },
      annotations: { 'aegis.dev/status': 'x' },
    },
    spec: {
      serviceAccountName: 'agent',
      nodeName: 'node',
      initContainers: [{ name: 'aegis-gateway' }],
      containers: [{ name: 'agent' }],
    },
    status: { phase: 'Pending' },
  });
  expect(viewOfPod(slim)).toEqual(viewOfPod(object));
  const view = { injected: true, optedOut: false, running: false, deleting: false, nodeName: 'node' };
  expect(viewOfPod(slim)).toMatchObject(view);
  // an annotation that is no stamp is none
  expect(viewOfPod(slim).stamp).toBeUndefined();
});

test('the stamp of a pod and its wish to stay out are seen', () => {
  const stamp = {
    version: 1,
    registration: 'one',
    agent: 'one',
    tenant: 'n',
    template: `sha256:${'a'.repeat(64)}`,
    capture: 'Explicit',
    egressGuard: 'Enforce',
    guarded: false,
    problems: ['PodSecurity'],
  };
  const object = pod('n/p', {});
  object.metadata.annotations = { 'aegis.dev/status': JSON.stringify(stamp) };
  object.metadata.labels = { 'aegis.dev/inject': 'false' };
  expect(viewOfPod(slimPod(object))).toMatchObject({ optedOut: true, stamp });
});
