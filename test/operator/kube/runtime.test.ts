/** The parts together on a real API server. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { appliedDiffers } from '../../../operator/kube/apply.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { EVENT, type EventObject } from '../../../operator/kube/event-object.ts';
import { EventRecorder } from '../../../operator/kube/events.ts';
import { LeaderElection } from '../../../operator/kube/lease.ts';
import { LEASE, type Lease } from '../../../operator/kube/lease-record.ts';
import { Reflector, type ReflectorEvent } from '../../../operator/kube/reflector.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { CONFIG_MAP, type ConfigMap, configMap } from './types.ts';

let server: ApiServer;
let client: KubeClient;
let stop: AbortController;
const random = Math.random;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'kube-test' });
});
afterAll(async () => {
  await client?.close();
  await server?.stop();
});
beforeEach(() => {
  stop = new AbortController();
});
afterEach(() => stop.abort());

/** Passes on what it gets; connections that exist when it goes deaf stay open and pass on nothing more. */
class DeafProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((from) => {
      const to = connect(port, '127.0.0.1');
      for (const socket of [from, to]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
      }
      from.pipe(to).pipe(from);
    });
  }

  static async start(port: number): Promise<DeafProxy> {
    const proxy = new DeafProxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  goDeaf(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function until(condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test('a copy survives compaction and a restart of the API server', async () => {
  await client.create(CONFIG_MAP, configMap('kept', { v: '1' }));
  await client.create(CONFIG_MAP, configMap('gone'));
  const reflector = new Reflector<ConfigMap>({
    client,
    type: CONFIG_MAP,
    selection: { namespace: 'default' },
    clock: systemClock,
    random,
  });
  const running = reflector.run(stop.signal);
  await reflector.whenSynced(stop.signal);
  expect([reflector.size, reflector.get('default/kept')?.metadata.managedFields]).toEqual([2, undefined]);

  await client.create(CONFIG_MAP, configMap('added'));
  await until(() => reflector.get('default/added') !== undefined);

  await server.killServer();
  await until(() => reflector.status.lastError !== undefined);
  expect(reflector.size).toBe(3);
  await server.startServer();
  await client.delete(CONFIG_MAP, { namespace: 'default', name: 'gone' });
  await client.apply(CONFIG_MAP, configMap('kept', { v: '2' }), { fieldManager: 'test', force: true });
  const { resourceVersion } = await client.list(CONFIG_MAP);
  await fetch(`http://127.0.0.1:${server.etcdPort}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision: resourceVersion, physical: true }),
  });
  await until(() => reflector.get('default/gone') === undefined && reflector.get('default/kept')?.data?.v === '2');
  stop.abort();
  await running;
});

test('a connection over which nothing comes any more is given up, and what was missed is caught up with', async () => {
  const proxy = await DeafProxy.start(server.port);
  const file = `${server.folder}/through-proxy`;
  server.writeKubeconfig(file, server.adminToken, `https://127.0.0.1:${proxy.port}`);
  const through = createKubeClient({ kubeconfig: file, userAgent: 'kube-test', watchIdleTimeout: 1_000 });
  const events: ReflectorEvent[] = [];
  const reflector = new Reflector<ConfigMap>({
    client: through,
    type: CONFIG_MAP,
    clock: systemClock,
    random,
    onStatus: (event) => events.push(event),
  });
  const running = reflector.run(stop.signal);
  await reflector.whenSynced(stop.signal);
  await client.create(CONFIG_MAP, configMap('before'));
  await until(() => reflector.get('default/before') !== undefined);
  proxy.goDeaf();
  await client.create(CONFIG_MAP, configMap('missed'));
  await until(() => reflector.get('default/missed') !== undefined, 30_000);
  expect(events).toContainEqual({ event: 'watch-ended', idle: true });
  expect(reflector.status.relists).toBe(1);
  stop.abort();
  await running;
  await through.close();
  await proxy.stop();
}, 60_000);

test('three that want to lead: one does, and when it is gone another one', async () => {
  const namespace = 'default';
  const times = { leaseDuration: 1_500, renewDeadline: 1_000, retryPeriod: 200 };
  const leading: string[] = [];
  const stops: AbortController[] = [];
  const elections = ['a', 'b', 'c'].map((identity) => {
    const election = new LeaderElection({
      client,
      namespace,
      name: 'operator',
      identity,
      clock: systemClock,
      random,
      annotations: () => ({ 'example.com/address': `address-of-${identity}` }),
      ...times,
    });
    const own = new AbortController();
    stops.push(own);
    const outcome = election.run(async (signal) => {
      leading.push(identity);
      expect(leading.length).toBe(1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      leading.splice(0);
    }, own.signal);
    return { identity, election, own, outcome };
  });
  for (let turn = 0; turn < 3; turn++) {
    await until(() => leading.length === 1);
    const leader = elections.find(({ identity }) => identity === leading[0]);
    if (leader === undefined) throw new Error('nobody leads');
    await until(() => elections.every(({ election, own }) => own.signal.aborted || election.holder() !== undefined));
    for (const { election, own } of elections) {
      if (own.signal.aborted) continue;
      await until(() => election.holder()?.identity === leader.identity);
      expect(election.holder()).toMatchObject({
        annotations: { 'example.com/address': `address-of-${leader.identity}` },
        transitions: turn,
      });
    }
    if (turn === 1) await client.delete(LEASE, { namespace, name: 'operator' });
    await new Promise((resolve) => setTimeout(resolve, 600));
    const lease = await client.get<Lease>(LEASE, { namespace, name: 'operator' });
    expect(lease?.spec).toMatchObject({ holderIdentity: leader.identity, leaseTransitions: turn });
    leader.own.abort();
    expect(await leader.outcome).toBe('released');
  }
  expect((await client.get<Lease>(LEASE, { namespace, name: 'operator' }))?.spec?.holderIdentity).toBe('');
});

test('a leader without an API server stops leading in time', async () => {
  const election = new LeaderElection({
    client,
    namespace: 'default',
    name: 'lonely',
    identity: 'a',
    clock: systemClock,
    random,
    leaseDuration: 3_000,
    renewDeadline: 2_000,
    retryPeriod: 200,
  });
  let aborted = false;
  const outcome = election.run(async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    aborted = true;
  }, stop.signal);
  await until(() => election.leading);
  await server.killServer();
  const began = Date.now();
  expect(await outcome).toBe('lost');
  expect(Date.now() - began).toBeLessThan(2_500);
  await until(() => aborted);
  await server.startServer();
});

test('events are taken as they are, repeated, and about what has no namespace', async () => {
  const errors: unknown[] = [];
  const recorder = new EventRecorder({
    client,
    reportingController: 'example.com/operator',
    reportingInstance: 'operator-0',
    clock: systemClock,
    onError: (error) => errors.push(error),
  });
  const regarding = await client.create(CONFIG_MAP, configMap('with-events'));
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', uid: 'x' } };
  const event = { type: 'Warning' as const, reason: 'r'.repeat(300), action: 'a'.repeat(300), note: '€'.repeat(2_000) };
  const running = recorder.run(stop.signal);
  recorder.record({ regarding, ...event, related: namespace });
  await until(() => recorder.stats().written === 1);
  recorder.record({ regarding, ...event, related: namespace });
  recorder.record({ regarding: namespace, ...event, action: '' });
  stop.abort();
  await running;
  expect(errors).toEqual([]);
  const { items } = await client.list<EventObject>(EVENT, { namespace: 'default' });
  const ours = items.filter(({ reportingController }) => reportingController === 'example.com/operator');
  expect(ours.map(({ regarding: { kind }, series }) => [kind, series?.count]).sort()).toEqual([
    ['ConfigMap', 2],
    ['Namespace', undefined],
  ]);
  expect(server.kubectl(['describe', 'configmap', 'with-events'])).toContain('rrrr');
});

test('what was applied does not differ, so that nothing is written twice', async () => {
  const desired = configMap('compared', { a: '1' });
  desired.metadata.labels = { 'example.com/ours': '1' };
  const manager = { fieldManager: 'compared', force: true };
  const live = await client.apply(CONFIG_MAP, desired, manager);
  expect(appliedDiffers(desired, live)).toBe(false);
  const again = await client.apply(CONFIG_MAP, desired, manager);
  expect(again.metadata.resourceVersion).toBe(live.metadata.resourceVersion);
  server.kubectl(['label', 'configmap', 'compared', 'theirs=1']);
  const labelled = await client.get<ConfigMap>(CONFIG_MAP, { namespace: 'default', name: 'compared' });
  expect(appliedDiffers(desired, labelled)).toBe(false);
  server.kubectl(['patch', 'configmap', 'compared', '-p', '{"data":{"a":"2"}}']);
  const edited = await client.get<ConfigMap>(CONFIG_MAP, { namespace: 'default', name: 'compared' });
  expect(appliedDiffers(desired, edited)).toBe(true);
});
