import { createKubeClient } from '../../../operator/kube/client.ts';
import type { KubeClient, WatchEvent } from '../../../operator/kube/types.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { failure } from './failure.ts';
import { CONFIG_MAP, type ConfigMap, configMap, NAMESPACE } from './types.ts';

let server: ApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'kube-test' });
  await client.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-test' } });
});
afterAll(async () => {
  await client?.close();
  await server?.stop();
});

const here = (name: string, data?: Record<string, string>) => configMap(name, data, 'kube-test');
const key = (name: string) => ({ namespace: 'kube-test', name });

test('create, get, replace and delete', async () => {
  const made = await client.create(CONFIG_MAP, here('life', { a: '1' }));
  expect(made.metadata.uid).toBeDefined();
  expect(await failure(client.create(CONFIG_MAP, here('life')))).toMatchObject({
    status: 409,
    reason: 'AlreadyExists',
  });

  const replaced = await client.replace(CONFIG_MAP, { ...made, data: { a: '2' } });
  const late = await failure(client.replace(CONFIG_MAP, { ...made, data: { a: '3' } }));
  expect(late).toMatchObject({ status: 409, reason: 'Conflict', isConflict: true });
  expect(await client.get<ConfigMap>(CONFIG_MAP, key('life'))).toEqual(replaced);

  const other = await failure(client.delete(CONFIG_MAP, key('life'), { uid: 'another-uid' }));
  expect(other.status).toBe(409);
  await client.delete(CONFIG_MAP, key('life'), { uid: made.metadata.uid ?? '', propagation: 'Background' });
  await client.delete(CONFIG_MAP, key('life'));
  expect(await client.get(CONFIG_MAP, key('life'))).toBeUndefined();
});

test('a dry run makes nothing', async () => {
  await client.create(CONFIG_MAP, here('dry'), { dryRun: true });
  expect(await client.get(CONFIG_MAP, key('dry'))).toBeUndefined();
});

test('reviews have no name', async () => {
  const review = await client.post<{ status: { authenticated: boolean; user: { username: string } } }>(
    '/apis/authentication.k8s.io/v1/tokenreviews',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: server.adminToken } },
  );
  expect(review.status).toMatchObject({ authenticated: true, user: { username: 'admin' } });
});

test('a list comes in pages, with what the kind is, and as of one version', async () => {
  const names = Array.from({ length: 7 }, (_, i) => `page-${i}`);
  for (const name of names) await client.create(CONFIG_MAP, here(name));
  const seen: string[] = [];
  const { items, resourceVersion } = await client.list<ConfigMap>(CONFIG_MAP, {
    namespace: 'kube-test',
    pageSize: 2,
    map: (item) => {
      seen.push(item.metadata.name);
      return item;
    },
  });
  expect(items.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(names));
  expect(items.every(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'ConfigMap')).toBe(true);
  expect(seen).toHaveLength(items.length);
  expect(Number(resourceVersion)).toBeGreaterThan(0);
});

test('selectors choose', async () => {
  await client.create(CONFIG_MAP, { ...here('chosen'), metadata: { ...key('chosen'), labels: { colour: 'blue' } } });
  const labelled = await client.list(CONFIG_MAP, { labelSelector: 'colour=blue' });
  const named = await client.list(CONFIG_MAP, { namespace: 'kube-test', fieldSelector: 'metadata.name=chosen' });
  expect([labelled.items.length, named.items.length]).toEqual([1, 1]);
});

test('server-side apply: everybody owns what they applied', async () => {
  const a = { fieldManager: 'manager-a' };
  const b = { fieldManager: 'manager-b' };
  await client.apply(CONFIG_MAP, here('applied', { a: '1' }), a);
  await client.apply(CONFIG_MAP, here('applied', { b: '1' }), b);
  const conflict = await failure(client.apply(CONFIG_MAP, here('applied', { a: '2' }), b));
  expect(conflict).toMatchObject({ status: 409, reason: 'Conflict' });
  const forced = await client.apply(CONFIG_MAP, here('applied', { a: '2', b: '1' }), { ...b, force: true });
  expect(forced.data).toEqual({ a: '2', b: '1' });
  // what one manager leaves out goes, unless somebody else owns it as well
  expect((await client.apply(CONFIG_MAP, { ...here('applied'), data: {} }, b)).data).toBeUndefined();
});

test('what was read may be applied', async () => {
  const made = await client.create(CONFIG_MAP, here('read', { a: '1' }), { fieldManager: 'x' });
  expect(made.metadata.managedFields).toHaveLength(1);
  await client.apply(CONFIG_MAP, made, { fieldManager: 'y', force: true });
});

test('a JSON patch whose test does not hold changes nothing', async () => {
  await client.create(CONFIG_MAP, here('patched', { a: '1' }));
  const patch = [
    { op: 'test' as const, path: '/data/a', value: 'other' },
    { op: 'replace' as const, path: '/data/a', value: '2' },
  ];
  expect((await failure(client.jsonPatch(CONFIG_MAP, key('patched'), patch))).status).toBe(422);
  const done = await client.jsonPatch<ConfigMap>(CONFIG_MAP, key('patched'), patch.slice(1));
  expect(done.data).toEqual({ a: '2' });
});

test('a watch tells what happens from a version on, and ends when the server ends it', async () => {
  const { resourceVersion } = await client.list(CONFIG_MAP, { namespace: 'kube-test' });
  const made = await client.create(CONFIG_MAP, here('watched'));
  await client.replace(CONFIG_MAP, { ...made, data: { now: 'this' } });
  await client.delete(CONFIG_MAP, key('watched'));
  const events: WatchEvent<ConfigMap>[] = [];
  const selection = { namespace: 'kube-test', resourceVersion, timeoutSeconds: 2 };
  for await (const event of client.watch<ConfigMap>(CONFIG_MAP, selection, new AbortController().signal)) {
    events.push(event);
  }
  expect(events.filter(({ type }) => type !== 'BOOKMARK').map(({ type }) => type)).toEqual([
    'ADDED',
    'MODIFIED',
    'DELETED',
  ]);
});

test('an aborted watch ends at once', async () => {
  const controller = new AbortController();
  const { resourceVersion } = await client.list(CONFIG_MAP);
  const watch = client.watch(CONFIG_MAP, { resourceVersion, timeoutSeconds: 300 }, controller.signal);
  const next = failure(watch[Symbol.asyncIterator]().next());
  setTimeout(() => controller.abort(), 50);
  expect(await next).toMatchObject({ status: 0, reason: 'Aborted' });
});

test('a version that was compacted is 410', async () => {
  const { resourceVersion: old } = await client.list(CONFIG_MAP);
  for (let i = 0; i < 3; i++) {
    await client.create(CONFIG_MAP, here('noise'));
    await client.delete(CONFIG_MAP, key('noise'));
  }
  const { resourceVersion: revision } = await client.list(CONFIG_MAP);
  const answer = await fetch(`http://127.0.0.1:${server.etcdPort}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision, physical: true }),
  });
  expect(answer.status).toBe(200);
  // a watch of what the server holds no cache of is answered by etcd; the cache is new after a restart
  await server.killServer();
  await server.startServer();
  const watch = client.watch(CONFIG_MAP, { resourceVersion: old, timeoutSeconds: 5 }, new AbortController().signal);
  const error = await failure(watch[Symbol.asyncIterator]().next());
  expect(error).toMatchObject({ status: 410, isExpired: true });
});

test('who may not is told so, and a wrong token as well', async () => {
  const file = `${server.folder}/stranger`;
  server.writeKubeconfig(file, 'no-such-token');
  const stranger = createKubeClient({ kubeconfig: file, userAgent: 'kube-test' });
  expect(await failure(stranger.get(CONFIG_MAP, key('life')))).toMatchObject({ status: 401, reason: 'Unauthorized' });
  // the file is written anew: no restart is needed
  server.writeKubeconfig(file, server.adminToken);
  expect(await stranger.get(CONFIG_MAP, key('life'))).toBeUndefined();
  await stranger.close();
});
