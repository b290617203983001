import { existsSync } from 'node:fs';
import { ApiServer, eventually } from './api-server.ts';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start({ controllerManager: true });
});
afterAll(async () => {
  const { folder } = server;
  await server.stop();
  expect(existsSync(folder)).toBe(false);
});

async function writeNote(namespace: string, name: string): Promise<void> {
  const note = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { written: 'yes' } };
  expect((await server.raw('POST', `/api/v1/namespaces/${namespace}/configmaps`, note)).status).toBe(201);
}

const statusOf = async (path: string) => (await server.raw('GET', path)).status;

/** The first event of a watch; how the server ends it where that is no event. */
async function firstEvent(path: string): Promise<{ type: string; object: { code?: number } }> {
  const { body } = await server.raw('GET', path);
  const [line = ''] = (typeof body === 'string' ? body : JSON.stringify(body)).split('\n');
  return JSON.parse(line);
}

test('serves the kinds of Aegis', () => {
  const kinds = server.kubectl(['api-resources', '--api-group=aegis.dev', '--no-headers', '-o', 'name']);
  expect(kinds.trim().split('\n')).toContain('agentpolicies.aegis.dev');
});

test('applies YAML, and says what is wrong with it', async () => {
  const namespace = await server.namespace('apply');
  const note = (data: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note, namespace: ${namespace}}\ndata: ${data}\n`;
  await server.applyYaml(note('{a: "1"}'), { fieldManager: 'me' });
  await expect(server.applyYaml(note('{a: "2"}'), { fieldManager: 'you' })).rejects.toThrow(/conflict with "me"/);
  await server.applyYaml(note('{a: "2"}'), { fieldManager: 'you', force: true });
  await expect(server.applyYaml(note('{a: [1]}'))).rejects.toThrow(/a: .*/);
  const { body } = await server.raw('GET', `/api/v1/namespaces/${namespace}/configmaps/note`);
  expect(body).toMatchObject({ data: { a: '2' } });
});

test('pods without a kubelet, and tokens that are bound to them', async () => {
  const namespace = await server.namespace('pods');
  const key = { namespace, name: 'agent-0' };
  const token = { namespace, name: 'agent', audience: 'aegis.dev' };
  await server.serviceAccountToken(token);
  const pod = await server.createPod({ ...key, labels: { app: 'a' }, serviceAccountName: 'agent' });
  expect(pod).toMatchObject({ status: { phase: 'Running' }, spec: { serviceAccountName: 'agent' } });
  const bound = await server.serviceAccountToken({ ...token, pod: { name: 'agent-0', uid: pod.metadata.uid } });

  const review = async (audience: string) => {
    const spec = { token: bound, audiences: [audience] };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
    return (await server.raw('POST', '/apis/authentication.k8s.io/v1/tokenreviews', body)).body as {
      status: { authenticated?: boolean; user?: { username: string; extra: Record<string, string[]> } };
    };
  };
  const { status } = await review('aegis.dev');
  expect(status).toMatchObject({
    authenticated: true,
    user: {
      username: `system:serviceaccount:${namespace}:agent`,
      extra: { 'authentication.kubernetes.io/pod-uid': [pod.metadata.uid] },
    },
  });
  expect((await review('other')).status.authenticated).toBeUndefined();
  expect((await server.setPodPhase(key, 'Failed')).status.phase).toBe('Failed');
  await server.deletePod(key);
  expect(await statusOf(`/api/v1/namespaces/${namespace}/pods/agent-0`)).toBe(404);
});

test('with a controller manager, what has lost its owner goes, and namespaces can be deleted', async () => {
  const namespace = await server.namespace('owned');
  await writeNote(namespace, 'owner');
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  const owner = (await server.raw('GET', `${configMaps}/owner`)).body as { metadata: { uid: string } };
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
  const child = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'child', ownerReferences: [reference] } };
  await server.raw('POST', configMaps, child);
  await server.raw('DELETE', `${configMaps}/owner`);
  await eventually(async () => expect(await statusOf(`${configMaps}/child`)).toBe(404), 30_000);
  await server.raw('DELETE', `/api/v1/namespaces/${namespace}`);
  await eventually(async () => expect(await statusOf(`/api/v1/namespaces/${namespace}`)).toBe(404), 30_000);
});

test('the API server and etcd start again at the same address with the same data', async () => {
  const namespace = await server.namespace('restart');
  await writeNote(namespace, 'before');
  const { url } = server;
  await server.restartServer();
  await server.restartEtcd();
  expect(server.url).toBe(url);
  await eventually(async () => expect(await statusOf(`/api/v1/namespaces/${namespace}/configmaps/before`)).toBe(200));
});

test('a paused server holds its connections and answers nothing', async () => {
  server.pause();
  try {
    const waiting = server.raw('GET', '/readyz', undefined, { timeout: 500 });
    await expect(waiting).rejects.toThrow('no answer to GET /readyz within 500 ms');
  } finally {
    server.resume();
  }
  expect(await statusOf('/readyz')).toBe(200);
});

test('after a compaction and a restart an old watch is told 410', async () => {
  const namespace = await server.namespace('compact');
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  const { body } = await server.raw('GET', configMaps);
  const { resourceVersion } = (body as { metadata: { resourceVersion: string } }).metadata;
  await writeNote(namespace, 'after');
  const watch = `${configMaps}?watch=1&timeoutSeconds=2&resourceVersion=${resourceVersion}`;
  expect(await firstEvent(watch)).toMatchObject({ type: 'ADDED' });
  const revision = await server.compact({ restart: true });
  expect(Number(revision)).toBeGreaterThan(Number(resourceVersion));
  await eventually(async () => expect(JSON.stringify(await firstEvent(watch))).toMatch(/"code":410/));
});

test('a backup brings back what was, and nothing else', async () => {
  const namespace = await server.namespace('backup');
  await writeNote(namespace, 'first');
  const backup = await server.backup();
  await writeNote(namespace, 'second');
  await server.restore(backup);
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  expect(await statusOf(`${configMaps}/first`)).toBe(200);
  expect(await statusOf(`${configMaps}/second`)).toBe(404);
});
