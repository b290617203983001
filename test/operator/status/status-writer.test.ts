import { setImmediate as turn } from 'node:timers/promises';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import type { JsonPatchOperation, KubeClient, KubeObject } from '../../../operator/kube/types.ts';
import { AGENT_POLICY } from '../../../operator/model/resource-types.ts';
import { policyStatus } from '../../../operator/status/policy-status.ts';
import type { StatusEvent } from '../../../operator/status/status-events.ts';
import { StatusWriter, type StatusWriterOptions } from '../../../operator/status/status-writer.ts';
import type { PolicyView } from '../../../operator/status/views.ts';
import { REFERENCE_GRACE, wakeAt } from '../../../operator/status/wake-at.ts';
import type { AgentPolicyStatus } from '../../../policy/resources/types.generated.ts';
import { FakeClock } from '../kube/fake-clock.ts';
import { policyView } from './sample-views.ts';

/** The far end of a line that breaks: what an API server does at the worst moments, in the order that a test needs. */
class Server {
  readonly objects = new Map<string, KubeObject & { status?: unknown }>();
  /** The cached copies; `sync` brings them up to date. */
  readonly copies = new Map<string, KubeObject & { status?: unknown }>();
  readonly writes: string[] = [];
  failures: KubeError[] = [];
  gone: () => void = () => undefined;
  #version = 100;

  add(name: string): void {
    const metadata = { name, namespace: 'fintech', uid: `uid-${name}`, generation: 1, resourceVersion: this.#next() };
    this.objects.set(name, { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentPolicy', metadata });
    this.sync();
  }

  sync(): void {
    this.copies.clear();
    for (const [name, object] of this.objects) this.copies.set(name, object);
  }

  #next(): string {
    return String(this.#version++);
  }

  readonly client = {
    apply: async (_type: unknown, applied: KubeObject & { status: unknown }) => {
      const failure = this.failures.shift();
      if (failure !== undefined) throw failure;
      const { name } = applied.metadata;
      const object = this.objects.get(name);
      if (object === undefined) throw new KubeError(404, 'NotFound', 'there is none');
      if (applied.metadata.resourceVersion !== object.metadata.resourceVersion) {
        throw new KubeError(409, 'Conflict', 'the object has been modified');
      }
      this.writes.push(name);
      const metadata = { ...object.metadata, resourceVersion: this.#next() };
      const next = { ...object, metadata, status: structuredClone(applied.status) };
      this.objects.set(name, next);
      return next;
    },
    jsonPatch: async (_type: unknown, _key: unknown, operations: readonly JsonPatchOperation[]) => {
      throw new Error(`not expected here: ${JSON.stringify(operations)}`);
    },
  } as unknown as KubeClient;
}

interface World {
  server: Server;
  clock: FakeClock;
  writer: StatusWriter;
  views: Map<string, PolicyView>;
  events: StatusEvent[];
  errors: unknown[];
  mark(name: string, view?: PolicyView): Promise<void>;
  go(ms: number): Promise<void>;
}

const running: { stop: AbortController; done: Promise<void> }[] = [];

afterEach(async () => {
  for (const { stop, done } of running.splice(0)) {
    stop.abort();
    await done;
  }
});

function start(options: Partial<StatusWriterOptions> = {}): World {
  const server = new Server();
  const clock = new FakeClock();
  const views = new Map<string, PolicyView>();
  const [events, errors]: [StatusEvent[], unknown[]] = [[], []];
  const writer = new StatusWriter({
    client: server.client,
    clock,
    random: () => 0.5,
    desired: (key) => {
      const name = key.split('/').at(-1) ?? '';
      const [object, view] = [server.copies.get(name), views.get(name)];
      if (object === undefined || view === undefined) return undefined;
      const wake = wakeAt(view, clock.now());
      const status = policyStatus(view, object.status as never, clock.now());
      return { type: AGENT_POLICY, object, status, ...(wake !== undefined && { wakeAt: wake }) };
    },
    recorder: { record: ({ regarding: _, ...event }) => void events.push(event) },
    onError: (_key, error) => void errors.push(error),
    ...options,
  });
  const stop = new AbortController();
  running.push({ stop, done: writer.run({ workers: 2 }, stop.signal) });
  const settle = async () => {
    for (let i = 0; i < 20; i++) await turn();
  };
  const go = async (ms: number) => {
    await clock.advance(ms);
    await settle();
  };
  const mark = async (name: string, view?: PolicyView) => {
    if (view !== undefined) views.set(name, view);
    writer.mark(`AgentPolicy fintech/${name}`);
    await settle();
  };
  return { server, clock, writer, views, events, errors, mark, go };
}

const COUNTS = [4, 5, 6].map((matched) => policyView({ pods: { matched, acknowledged: matched } }));

test('a transition is written at once, counts at most once a minute, and the last of them', async () => {
  const { server, writer, mark, go } = start();
  server.add('a');
  await mark('a', policyView());
  server.sync();
  await mark('a', COUNTS[0]);
  await go(30_000);
  await mark('a', COUNTS[1]);
  expect(server.writes).toEqual(['a']);
  await mark('a', policyView({ generation: 2 }));
  expect(server.writes).toEqual(['a', 'a']);
  server.sync();
  await mark('a', { ...(COUNTS[2] as PolicyView), generation: 2 });
  await go(59_000);
  expect(server.writes).toHaveLength(2);
  await go(1_100);
  expect(server.writes).toHaveLength(3);
  expect(server.objects.get('a')?.status).toMatchObject({ agents: { summary: '6/6' } });
  expect(writer.stats()).toMatchObject({ writes: 3, retries: 0 });
});

test('counts of many objects come one after the other, and a transition does not queue behind them', async () => {
  const { server, mark, go } = start({ detailRate: 1 });
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) {
    server.add(name);
    await mark(name, policyView());
  }
  server.sync();
  await go(120_000);
  for (const name of names) await mark(name, COUNTS[0]);
  expect(server.writes.slice(4)).toEqual(['a']);
  await mark('d', policyView({ suspended: true }));
  expect(server.writes.slice(4)).toEqual(['a', 'd']);
  await go(1000);
  await go(1000);
  expect(server.writes.slice(4)).toEqual(['a', 'd', 'b', 'c']);
});

const HOUR = 3_600_000;

function withHead(clock: FakeClock, hours: number): PolicyView {
  const view = policyView();
  const expiresAt = new Date(clock.now() + hours * HOUR).toISOString();
  return view.published === undefined ? view : { ...view, published: { ...view.published, expiresAt } };
}

test('a newer head alone is no reason to write, before the one that is named expires', async () => {
  const { server, clock, views, mark, go } = start();
  server.add('a');
  await mark('a', withHead(clock, 24));
  server.sync();
  await go(12 * HOUR);
  await mark('a', withHead(clock, 24));
  await go(HOUR);
  expect(server.writes).toHaveLength(1);
  // by itself, without being marked
  await go(10.6 * HOUR);
  expect(server.writes).toHaveLength(2);
  server.sync();
  // nobody renews it: nothing to write, and nothing that turns in circles
  await go(48 * HOUR);
  expect(server.writes).toHaveLength(2);
  views.set('a', withHead(clock, 24));
  await mark('a');
  expect(server.writes).toHaveLength(3);
});

test('where somebody else has been at the object, a newer head is written as well', async () => {
  const { server, clock, mark, go } = start();
  server.add('a');
  await mark('a', withHead(clock, 24));
  await go(HOUR);
  const object = server.objects.get('a');
  if (object === undefined) throw new Error('no object');
  server.objects.set('a', { ...object, metadata: { ...object.metadata, resourceVersion: '999' } });
  server.sync();
  await mark('a', withHead(clock, 24));
  expect(server.writes).toHaveLength(2);
});

test('against a leader that does not know yet that it is none, a status is written at most once a second', async () => {
  const { server, writer, mark, go } = start();
  server.add('a');
  await mark('a', policyView());
  const contest = async () => {
    const object = server.objects.get('a');
    if (object === undefined) throw new Error('no object');
    const resourceVersion = String(Number(object.metadata.resourceVersion) + 1000);
    server.objects.set('a', { ...object, metadata: { ...object.metadata, resourceVersion }, status: undefined });
    server.sync();
    writer.seen('AgentPolicy fintech/a', server.copies.get('a') as KubeObject);
    await go(10);
  };
  for (let i = 0; i < 20; i++) await contest();
  expect(server.writes).toHaveLength(1);
  await go(1_000);
  expect(server.writes).toHaveLength(2);
  expect(server.objects.get('a')?.status).toMatchObject({ observedGeneration: 1 });
});

test('nothing is decided on a copy from before the own write', async () => {
  const { server, writer, mark, go } = start();
  server.add('a');
  await mark('a', policyView());
  const other = policyView({ suspended: true });
  await mark('a', other);
  await go(500);
  expect(server.writes).toHaveLength(1);
  server.sync();
  await go(1000);
  expect(server.writes).toHaveLength(2);
  expect(writer.stats().conflicts).toBe(0);
});

test('a copy that stays behind for ever (a restored cluster) is believed in the end', async () => {
  const { server, mark, go } = start();
  server.add('a');
  const before = server.objects.get('a');
  await mark('a', policyView());
  if (before === undefined) throw new Error('no object');
  server.objects.set('a', before);
  server.sync();
  await mark('a', policyView());
  for (let i = 0; i < 15; i++) await go(1000);
  expect(server.writes).toHaveLength(2);
});

test('an API server that asks to wait is left alone by all', async () => {
  const { server, writer, mark, go } = start();
  for (const name of ['a', 'b', 'c']) server.add(name);
  server.failures = [new KubeError(429, 'TooManyRequests', 'slow down', { retryAfter: 3000 })];
  await mark('a', policyView());
  await mark('b', policyView());
  await mark('c', policyView());
  await go(2900);
  expect(server.writes).toEqual([]);
  await go(200);
  await go(1000);
  expect([...server.writes].sort()).toEqual(['a', 'b', 'c']);
  expect(writer.stats()).toMatchObject({ throttled: 1, retries: 0 });
});

test('what is refused is told, and tried again later and later', async () => {
  const { server, errors, writer, mark, go } = start();
  server.add('a');
  server.failures = [500, 500, 0].map((status) => new KubeError(status, 'Other', 'no'));
  await mark('a', policyView());
  for (let i = 0; i < 10; i++) await go(100);
  expect(errors).toHaveLength(3);
  expect(server.writes).toEqual(['a']);
  expect(writer.stats()).toMatchObject({ writes: 1, retries: 3 });
});

test('a conflict is no error: it is looked at again with a newer copy', async () => {
  const { server, errors, writer, mark, go } = start();
  server.add('a');
  const object = server.objects.get('a');
  if (object === undefined) throw new Error('no object');
  server.objects.set('a', { ...object, metadata: { ...object.metadata, resourceVersion: '500' } });
  await mark('a', policyView());
  server.sync();
  await go(1000);
  expect(server.writes).toEqual(['a']);
  expect(errors).toEqual([]);
  expect(writer.stats()).toMatchObject({ conflicts: 1, retries: 0 });
});

test('an object that is gone is forgotten', async () => {
  const { server, errors, writer, mark, go } = start();
  server.add('a');
  server.objects.clear();
  await mark('a', policyView());
  await go(600_000);
  expect(errors).toEqual([]);
  expect(writer.stats()).toMatchObject({ depth: 0, delayed: 0, writes: 0 });
});

test('time alone brings a status about', async () => {
  const { server, clock, mark, go } = start();
  server.add('a');
  const missing = { since: clock.now(), what: 'There is no tool "later".' };
  const { published: _, ...view } = policyView({ takesPart: 'none', missing });
  const reason = () => (server.objects.get('a')?.status as AgentPolicyStatus).conditions?.[1]?.type;
  await mark('a', view);
  server.sync();
  expect(reason()).toBe('Reconciling');
  await go(REFERENCE_GRACE - 1);
  expect(reason()).toBe('Reconciling');
  await go(1);
  expect(reason()).toBe('Stalled');
  expect(server.writes).toHaveLength(2);
});
