import fc from 'fast-check';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { Reflector, type ReflectorEvent, type ReflectorOptions } from '../../../operator/kube/reflector.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeCluster } from './fake-cluster.ts';
import { CONFIG_MAP, type ConfigMap, configMap } from './types.ts';

let cluster: FakeCluster;
let clock: FakeClock;
let stop: AbortController;
let events: ReflectorEvent[];
let running: Promise<void> | undefined;
const reset = new KubeError(0, 'ECONNRESET', 'reset');
const expired = new KubeError(410, 'Expired', 'too old');

beforeEach(() => {
  clock = new FakeClock();
  cluster = new FakeCluster(clock);
  stop = new AbortController();
  events = [];
  running = undefined;
});
afterEach(async () => {
  stop.abort();
  await running;
  expect(cluster.openWatches).toBe(0);
});

function start(options: Partial<ReflectorOptions<ConfigMap>> = {}): Reflector<ConfigMap> {
  const reflector = new Reflector<ConfigMap>({
    client: cluster.client(),
    type: CONFIG_MAP,
    clock,
    random: () => 0.5,
    onStatus: (event) => events.push(event),
    ...options,
  });
  running = reflector.run(stop.signal);
  return reflector;
}

/** Every change that a listener is told, as text. */
function listen(reflector: Reflector<ConfigMap>): string[] {
  const told: string[] = [];
  const text = (object: ConfigMap | undefined) => object?.data?.v ?? '-';
  reflector.subscribe((key, object, previous) => told.push(`${key} ${text(previous)}>${text(object)}`));
  return told;
}

const put = (name: string, v: string) => cluster.put(configMap(name, { v }));

test('lists, then watches', async () => {
  put('a', '1');
  const reflector = new Reflector<ConfigMap>({ client: cluster.client(), type: CONFIG_MAP, clock, random: () => 0.5 });
  const told = listen(reflector);
  expect([reflector.synced, reflector.status.lastContact]).toEqual([false, undefined]);
  let synced = false;
  void reflector.whenSynced(stop.signal).then(() => {
    synced = true;
  });
  await settle();
  expect(synced).toBe(false);
  running = reflector.run(stop.signal);
  await settle();
  put('b', '1');
  put('a', '2');
  cluster.remove('default/b');
  await settle();
  expect([synced, reflector.synced, reflector.size]).toEqual([true, true, 1]);
  expect(told).toEqual(['default/a ->1', 'default/b ->1', 'default/a 1>2', 'default/b 1>-']);
  expect([...reflector.values()]).toEqual([reflector.get('default/a')]);
  await reflector.whenSynced(stop.signal);
});

test('whoever waits may give up waiting', async () => {
  cluster.faults.push(...Array.from({ length: 20 }, () => reset));
  const reflector = start();
  const waiting = new AbortController();
  const synced = reflector.whenSynced(waiting.signal);
  waiting.abort(new Error('no more time'));
  await expect(synced).rejects.toThrow('no more time');
  await expect(reflector.whenSynced(AbortSignal.abort())).rejects.toThrow();
});

test('goes on where a watch ended, at once, without a list', async () => {
  const reflector = start();
  await clock.advance(30_000);
  cluster.endWatches('ends');
  put('a', '1');
  await settle();
  put('b', '1');
  await settle();
  expect(reflector.size).toBe(2);
  expect(reflector.status).toMatchObject({ relists: 1, reconnects: 1, failures: 0 });
});

test('watches that end at once are not a storm', async () => {
  start();
  for (let i = 0; i < 100; i++) {
    cluster.endWatches('ends');
    await clock.advance(100);
  }
  expect(cluster.watchesOpened).toBeLessThan(15);
});

test('after 410 it lists again: what is gone is told, what is the same is not', async () => {
  put('same', '1');
  put('gone', '1');
  put('changed', '1');
  const reflector = start();
  const told = listen(reflector);
  await settle();
  const same = reflector.get('default/same');
  told.length = 0;
  // more happens than the server can tell afterwards
  cluster.endWatches(reset);
  await settle();
  cluster.remove('default/gone');
  put('changed', '2');
  put('new', '1');
  cluster.compact();
  await clock.advance(1_000);
  expect(told).toEqual(['default/gone 1>-', 'default/changed 1>2', 'default/new ->1']);
  expect(reflector.get('default/same')).toBe(same);
  expect(reflector.status).toMatchObject({ relists: 2 });
});

test('a server whose every version is too old is not listed in a storm', async () => {
  start();
  await clock.advance(60_000);
  for (let i = 0; i < 100; i++) {
    cluster.endWatches(expired);
    await clock.advance(100);
  }
  expect(cluster.lists).toBeLessThan(15);
});

test('the same name with another uid is another object', async () => {
  put('a', '1');
  const reflector = start();
  const told = listen(reflector);
  await settle();
  cluster.remove('default/a');
  put('a', '2');
  await settle();
  expect(told).toEqual(['default/a ->1', 'default/a 1>-', 'default/a ->2']);
  expect(reflector.get('default/a')?.metadata.uid).toBe('uid-2');
});

test('a failing server is tried later and later, as it asks, and what is known stays', async () => {
  put('a', '1');
  const reflector = start();
  await settle();
  const busy = new KubeError(429, 'TooManyRequests', 'busy', { retryAfter: 20_000 });
  cluster.faults.push(...Array.from({ length: 6 }, () => reset), busy);
  cluster.endWatches(reset);
  await clock.advance(110_000);
  const delays = events.flatMap((event) => (event.event === 'failed' ? [event.delay] : []));
  expect(delays).toEqual([275, 550, 1100, 2200, 4400, 5000, 5000, 20_000]);
  expect(reflector.status).toMatchObject({ failures: 8, lastError: undefined, items: 1, synced: true });
  expect(reflector.get('default/a')).toBeDefined();
});

test('silence shows', async () => {
  const reflector = start();
  await settle();
  const first = reflector.status.lastContact ?? 0;
  await clock.advance(50_000);
  expect(reflector.status.lastContact).toBe(first);
  put('a', '1');
  cluster.bookmark();
  await settle();
  expect(reflector.status.lastContact).toBe(first + 50_000);
  cluster.faults.push(...Array.from({ length: 20 }, () => reset));
  cluster.endWatches(reset);
  await clock.advance(20_000);
  expect(reflector.status).toMatchObject({ lastContact: first + 50_000, lastError: { reason: 'ECONNRESET' } });
});

test('bookmarks move on', async () => {
  const reflector = start();
  await settle();
  cluster.version += 10;
  cluster.bookmark();
  await clock.advance(60_000);
  cluster.endWatches(reset);
  // without the bookmark this would be too old
  cluster.compact();
  put('a', '1');
  await clock.advance(60_000);
  expect(reflector.size).toBe(1);
  expect(reflector.status.relists).toBe(1);
});

test('a restored cluster is noticed, though it says nothing', async () => {
  put('a', 'old');
  const backup = new Map(cluster.objects);
  const version = cluster.version;
  put('a', 'new');
  put('b', 'new');
  const reflector = start();
  await settle();
  cluster.restore(backup, version);
  await clock.advance(60_000);
  expect([reflector.get('default/a')?.data?.v, reflector.size]).toEqual(['old', 1]);
});

test('an event from before is a restored cluster too', async () => {
  const reflector = start();
  await settle();
  await clock.advance(60_000);
  const [watch] = [cluster.openWatches];
  expect(watch).toBe(1);
  put('a', '1');
  await settle();
  // within one watch a version never goes back
  cluster.version = 200;
  put('b', '1');
  await settle();
  cluster.version = 150;
  put('c', '1');
  await clock.advance(60_000);
  expect(reflector.status).toMatchObject({ relists: 2, items: 3 });
});

test('lists again from time to time, whatever the watch said', async () => {
  start({ relistInterval: 600_000 });
  for (let i = 0; i < 10; i++) {
    await clock.advance(120_000);
    cluster.endWatches('ends');
  }
  await clock.advance(1_000);
  expect(events.filter(({ event }) => event === 'listed')).toHaveLength(3);
});

test('whoever must not know less than there is has everything listed anew, though the watch is deaf', async () => {
  put('a', '1');
  const reflector = start();
  await settle();
  cluster.deaf = true;
  put('a', '2');
  await settle();
  expect(reflector.get('default/a')?.data?.v).toBe('1');
  await reflector.refresh(stop.signal);
  expect(reflector.get('default/a')?.data?.v).toBe('2');
  cluster.deaf = false;
  await settle();
  put('a', '3');
  await settle();
  expect([reflector.get('default/a')?.data?.v, cluster.lists, cluster.openWatches]).toEqual(['3', 2, 1]);
  expect(events.filter(({ event }) => event !== 'listed')).toEqual([]);
});

test('a list that is on its way is not one that was asked for', async () => {
  put('a', '1');
  const inFlight = Promise.withResolvers<void>();
  const client = cluster.client();
  const list: typeof client.list = async (type, selection, options) => {
    const result = await client.list<never>(type, selection as never, options);
    if (cluster.lists === 1) await inFlight.promise;
    return result;
  };
  const reflector = start({ client: { ...client, list } });
  await settle();
  put('a', '2');
  let fresh = false;
  const asked = reflector.refresh(stop.signal).then(() => {
    fresh = true;
  });
  await settle();
  expect(fresh).toBe(false);
  inFlight.resolve();
  await asked;
  expect([cluster.lists, reflector.get('default/a')?.data?.v]).toEqual([2, '2']);
});

test('a list that is asked for is tried until there is one, or nobody waits any more', async () => {
  const reflector = start();
  await settle();
  cluster.faults.push(reset, reset);
  let fresh = false;
  const asked = reflector.refresh(stop.signal).then(() => {
    fresh = true;
  });
  await settle();
  expect(fresh).toBe(false);
  await clock.advance(60_000);
  await asked;
  cluster.faults.push(reset, reset);
  const waiting = new AbortController();
  const given = reflector.refresh(waiting.signal);
  waiting.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  const last = reflector.refresh(new AbortController().signal);
  stop.abort();
  await last;
});

test('what is not needed is not kept', async () => {
  const full: ConfigMap = configMap('a', { v: '1', secret: 'x' });
  full.metadata.managedFields = [{ manager: 'somebody' }];
  cluster.put(full);
  const transform = (object: ConfigMap): ConfigMap => ({ ...object, data: { v: object.data?.v ?? '' } });
  const reflector = start({ transform });
  await settle();
  cluster.put({ ...full, metadata: { ...full.metadata, name: 'b' } } as KubeObject);
  await settle();
  for (const { data, metadata } of reflector.values()) {
    expect([data, metadata.managedFields]).toEqual([{ v: '1' }, undefined]);
  }
  expect(reflector.size).toBe(2);
});

test('whoever throws when told harms nobody else, and is told of', async () => {
  const warnings: string[] = [];
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation((text) => void warnings.push(String(text)));
  const reflector = start({
    transform: () => {
      throw new Error('transform');
    },
    onStatus: (event) => {
      events.push(event);
      throw new Error('status');
    },
  });
  reflector.subscribe(() => {
    throw new Error('listener');
  });
  const told = listen(reflector);
  put('a', '1');
  await settle();
  put('a', '2');
  await settle();
  expect(told).toEqual(['default/a ->1', 'default/a 1>2']);
  expect(reflector.status.listenerFailures).toBe(4);
  const messages = events.flatMap((event) => (event.event === 'listener-failed' ? [String(event.error)] : []));
  expect(messages).toEqual(['Error: transform', 'Error: listener', 'Error: transform', 'Error: listener']);
  expect(warnings.length).toBeGreaterThan(0);
  emit.mockRestore();
});

test('whoever stops listening is told nothing more', async () => {
  const reflector = start();
  const told: string[] = [];
  const listener = (key: string) => void told.push(key);
  const stops = [reflector.subscribe(listener), reflector.subscribe(listener)];
  put('a', '1');
  await settle();
  stops[0]?.();
  put('b', '1');
  await settle();
  expect(told).toEqual(['default/a', 'default/a', 'default/b']);
});

/** A server that was restored, and has since got further than it was, is noticed by the next list. */
const HALF_AN_HOUR = 30 * 60_000;

type Step =
  | { do: 'put'; name: string }
  | { do: 'remove'; name: string }
  | { do: 'compact' | 'bookmark' | 'end' | 'reset' | 'expire' | 'backup' | 'restore' }
  | { do: 'fault'; status: number }
  | { do: 'advance'; ms: number };

const name = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('compact' as const, 'bookmark', 'end', 'reset', 'expire', 'backup', 'restore'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fault' as const), status: fc.constantFrom(0, 410, 429, 500) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(5_000) }) },
);

/** A cluster to which all of it happens, with the copy that listeners could have made of what they were told. */
class World {
  readonly copy = new Map<string, ConfigMap>();
  readonly reflector: Reflector<ConfigMap>;
  #backup: { objects: Map<string, KubeObject>; version: number };
  #count = 0;

  constructor() {
    this.#backup = { objects: new Map(), version: cluster.version };
    this.reflector = start();
    this.reflector.subscribe((key, object, previous) => {
      expect(this.copy.get(key)).toBe(previous);
      expect(this.reflector.get(key)).toBe(object);
      if (object === undefined) this.copy.delete(key);
      else this.copy.set(key, object);
    });
  }

  async take(each: Step): Promise<void> {
    if (each.do === 'put') put(each.name, String(++this.#count));
    else if (each.do === 'remove') cluster.remove(`default/${each.name}`);
    else if (each.do === 'fault') cluster.faults.push(new KubeError(each.status, 'Fault', 'on purpose'));
    else if (each.do === 'advance') await clock.advance(each.ms);
    else this.#rare(each.do);
  }

  #rare(what: 'compact' | 'bookmark' | 'end' | 'reset' | 'expire' | 'backup' | 'restore'): void {
    if (what === 'compact') cluster.compact();
    else if (what === 'bookmark') cluster.bookmark();
    else if (what === 'end') cluster.endWatches('ends');
    else if (what === 'reset') cluster.endWatches(reset);
    else if (what === 'expire') cluster.endWatches(expired);
    else if (what === 'backup') this.#backup = { objects: new Map(cluster.objects), version: cluster.version };
    else cluster.restore(this.#backup.objects, this.#backup.version);
  }
}

test('whatever happens, the copy is what the server has once it is quiet, and whoever listens knows it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      clock = new FakeClock();
      cluster = new FakeCluster(clock);
      stop = new AbortController();
      const world = new World();
      for (const each of steps) await world.take(each);
      cluster.faults.length = 0;
      await clock.advance(HALF_AN_HOUR + 100_000);
      const truth = [...cluster.objects.values()].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
      for (const copy of [[...world.reflector.values()], [...world.copy.values()]]) {
        expect(copy.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))).toEqual(truth);
      }
      stop.abort();
      await running;
    }),
    { numRuns: 300 },
  );
});
