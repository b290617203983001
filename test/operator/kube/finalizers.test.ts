import { addFinalizer, removeFinalizer } from '../../../operator/kube/finalizers.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import type { JsonPatchOperation, KubeClient } from '../../../operator/kube/types.ts';
import { failure } from './failure.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeCluster } from './fake-cluster.ts';
import { CONFIG_MAP, type ConfigMap, configMap } from './types.ts';

const OURS = 'example.com/ours';
let cluster: FakeCluster;
let client: KubeClient;
let patches: (readonly JsonPatchOperation[])[];

beforeEach(() => {
  cluster = new FakeCluster(new FakeClock());
  patches = [];
  const plain = cluster.client();
  client = {
    ...plain,
    jsonPatch: (type, key, operations, options) => {
      patches.push(operations);
      return plain.jsonPatch(type, key, operations, options);
    },
  };
});

const made = (finalizers?: string[]) => {
  const object = configMap('it');
  return cluster.put({ ...object, metadata: { ...object.metadata, ...(finalizers && { finalizers }) } }) as ConfigMap;
};
const stored = () => cluster.objects.get('default/it')?.metadata.finalizers;

test('added to none, to others, and only once', async () => {
  const first = await addFinalizer(client, CONFIG_MAP, made(), OURS);
  expect(stored()).toEqual([OURS]);
  expect(await addFinalizer(client, CONFIG_MAP, first ?? made(), OURS)).toBe(first);
  expect(patches).toHaveLength(1);
  await addFinalizer(client, CONFIG_MAP, made(['example.com/theirs']), OURS);
  expect(stored()).toEqual(['example.com/theirs', OURS]);
});

test('removed from between others', async () => {
  await removeFinalizer(client, CONFIG_MAP, made(['a.b/c', OURS, 'd.e/f']), OURS);
  expect(stored()).toEqual(['a.b/c', 'd.e/f']);
  await removeFinalizer(client, CONFIG_MAP, made(['a.b/c']), OURS);
  expect(patches).toHaveLength(1);
});

test('what others change meanwhile is never lost', async () => {
  const old = made([OURS]);
  made(['first.of/all', OURS]);
  await removeFinalizer(client, CONFIG_MAP, old, OURS);
  expect(stored()).toEqual(['first.of/all']);
  const before = made();
  made(['theirs.x/y']);
  await addFinalizer(client, CONFIG_MAP, before, OURS);
  expect(stored()).toEqual(['theirs.x/y', OURS]);
});

test('an object that is gone, going, or another one', async () => {
  const object = made();
  const going = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(await addFinalizer(client, CONFIG_MAP, going, OURS)).toBeUndefined();
  cluster.remove('default/it');
  expect(await addFinalizer(client, CONFIG_MAP, object, OURS)).toBeUndefined();
  expect(await removeFinalizer(client, CONFIG_MAP, { ...object, ...finalized(object) }, OURS)).toBeUndefined();
  made();
  expect(await addFinalizer(client, CONFIG_MAP, object, OURS)).toBeUndefined();
  expect(stored()).toBeUndefined();
});

function finalized({ metadata }: ConfigMap): Pick<ConfigMap, 'metadata'> {
  return { metadata: { ...metadata, finalizers: [OURS] } };
}

test('whoever always loses gives up; other failures are told at once', async () => {
  const object = made();
  cluster.faults.push(new KubeError(403, 'Forbidden', 'no'));
  expect((await failure(addFinalizer(client, CONFIG_MAP, object, OURS))).status).toBe(403);
  const busy = cluster.client();
  const losing: KubeClient = {
    ...busy,
    jsonPatch: async () => {
      throw new KubeError(409, 'Conflict', 'no');
    },
  };
  expect((await failure(addFinalizer(losing, CONFIG_MAP, object, OURS))).status).toBe(409);
});
