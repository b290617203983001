import type { EventDetails, EventObject } from '../../../operator/kube/event-object.ts';
import { EventRecorder } from '../../../operator/kube/events.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeCluster } from './fake-cluster.ts';
import { configMap } from './types.ts';

let cluster: FakeCluster;
let clock: FakeClock;
let recorder: EventRecorder;
let stop: AbortController;
let errors: unknown[];
let running: Promise<void>;

beforeEach(() => {
  clock = new FakeClock();
  cluster = new FakeCluster(clock);
  stop = new AbortController();
  errors = [];
  recorder = new EventRecorder({
    client: cluster.client(),
    reportingController: 'example.com/operator',
    reportingInstance: 'operator-0',
    clock,
    random: () => 0.5,
    onError: (error) => errors.push(error),
  });
  running = recorder.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await clock.advance(20_000);
  await running;
});

function details(more: Partial<EventDetails> = {}): EventDetails {
  const regarding = { ...configMap('it'), metadata: { name: 'it', namespace: 'default', uid: 'u1' } };
  return { regarding, type: 'Normal', reason: 'Promoted', action: 'Promote', note: 'to enforce', ...more };
}

const events = () => [...cluster.objects.values()] as EventObject[];

test('what happened, once', async () => {
  recorder.record(details());
  await settle();
  const [event] = events();
  expect(event).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace: 'default' },
    regarding: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'it', uid: 'u1' },
    type: 'Normal',
    reason: 'Promoted',
    action: 'Promote',
    note: 'to enforce',
    reportingController: 'example.com/operator',
    reportingInstance: 'operator-0',
  });
  expect(event?.eventTime).toBe('2026-01-01T00:00:00.000000Z');
  expect(event?.metadata.name).toMatch(/^it\.[0-9a-f]+$/);
  expect(event?.series).toBeUndefined();
  expect(recorder.stats()).toEqual({ written: 1, repeated: 0, dropped: 0, pending: 0 });
});

test('what repeats is counted, and the count written once a minute', async () => {
  for (let i = 0; i < 100; i++) {
    recorder.record(details());
    await clock.advance(1_000);
  }
  expect(events()).toHaveLength(1);
  expect(events()[0]?.series).toMatchObject({ count: 60 });
  await clock.advance(60_000);
  expect(events()[0]?.series).toEqual({ count: 100, lastObservedTime: '2026-01-01T00:01:39.000000Z' });
  expect(recorder.stats()).toEqual({ written: 3, repeated: 99, dropped: 0, pending: 0 });
  // much later it is news
  await clock.advance(400_000);
  recorder.record(details());
  await settle();
  expect(events()).toHaveLength(2);
});

test('another note, another object, another reason are other events', async () => {
  recorder.record(details());
  recorder.record(details({ note: 'to partial' }));
  recorder.record(details({ reason: 'Demoted' }));
  recorder.record(
    details({ regarding: { ...configMap('it'), metadata: { name: 'it', namespace: 'default', uid: 'u2' } } }),
  );
  recorder.record(details({ related: configMap('other') }));
  await settle();
  expect(events()).toHaveLength(5);
  expect(new Set(events().map(({ metadata }) => metadata.name)).size).toBe(5);
});

test('one object cannot fill the cluster, and the others are still heard', async () => {
  for (let i = 0; i < 1_000; i++) recorder.record(details({ note: `note ${i}` }));
  recorder.record(details({ regarding: configMap('other') }));
  await settle();
  expect(events()).toHaveLength(21);
  expect(recorder.stats().dropped).toBe(980);
  await clock.advance(120_000);
  for (let i = 0; i < 10; i++) recorder.record(details({ note: `later ${i}` }));
  await settle();
  expect(events()).toHaveLength(23);
});

test('memory is bounded, whatever comes while nothing can be written', async () => {
  cluster.faults.push(...Array.from({ length: 100 }, () => new KubeError(0, 'ECONNREFUSED', 'no')));
  for (let i = 0; i < 5_000; i++) recorder.record(details({ regarding: configMap(`object-${i}`) }));
  expect(recorder.stats()).toMatchObject({ pending: 1_000, dropped: 4_000 });
});

test('a server that fails is left alone for a while, and told later', async () => {
  cluster.faults.push(...Array.from({ length: 3 }, () => new KubeError(500, 'InternalError', 'no')));
  recorder.record(details());
  await settle();
  // recording goes on without more attempts
  for (let i = 0; i < 50; i++) recorder.record(details({ note: `note ${i % 5}` }));
  await settle();
  expect(errors).toHaveLength(1);
  await clock.advance(60_000);
  expect(errors).toHaveLength(3);
  expect(events()).toHaveLength(6);
  expect(events()[1]?.series?.count).toBe(10);
});

test('an event that is refused is dropped, and the next one is written', async () => {
  cluster.faults.push(new KubeError(422, 'Invalid', 'no'), new KubeError(403, 'Forbidden', 'terminating'));
  for (const note of ['a', 'b', 'c']) recorder.record(details({ note }));
  await settle();
  expect(events().map(({ note }) => note)).toEqual(['c']);
  expect(recorder.stats()).toMatchObject({ dropped: 2, pending: 0 });
});

test('a name that is taken is not used, and an event that has expired is made again', async () => {
  cluster.faults.push(new KubeError(409, 'AlreadyExists', 'taken'));
  recorder.record(details());
  await clock.advance(1);
  expect(events()).toHaveLength(1);
  cluster.objects.clear();
  recorder.record(details());
  await clock.advance(120_000);
  expect(events()[0]?.series?.count).toBe(2);
});

test('texts are cut to what the API server takes', async () => {
  recorder.record(
    details({
      regarding: { ...configMap('it'), metadata: { name: `Some:Role.-${'x'.repeat(250)}` } },
      reason: 'r'.repeat(200),
      action: '',
      note: '€'.repeat(1_000),
    }),
  );
  await settle();
  const [event] = events();
  expect(event?.reason).toHaveLength(128);
  expect(event?.action).toBe('Unknown');
  expect(event?.note).toBe('€'.repeat(341));
  expect(event?.metadata.namespace).toBe('default');
  expect(event?.metadata.name).toMatch(/^some-role\.x{189,190}\.[0-9a-f]+$/);
});

test('at the end everything is written, counts as well', async () => {
  recorder.record(details());
  await settle();
  recorder.record(details());
  recorder.record(details({ note: 'the last' }));
  stop.abort();
  await running;
  expect(events().map(({ note, series }) => [note, series?.count])).toEqual([
    ['to enforce', 2],
    ['the last', undefined],
  ]);
});

test('a server that does not answer does not hold up the end', async () => {
  const hanging = new EventRecorder({
    client: { ...cluster.client(), create: () => new Promise(() => {}) },
    reportingController: 'example.com/operator',
    reportingInstance: 'operator-0',
    clock,
  });
  hanging.record(details());
  const flushed = hanging.flush();
  await clock.advance(5_000);
  await flushed;
});

test('recording never throws', () => {
  const broken = details();
  expect(() => recorder.record({ ...broken, regarding: undefined as never })).not.toThrow();
  expect(errors).toHaveLength(1);
});
