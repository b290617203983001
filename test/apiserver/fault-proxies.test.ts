import { readFileSync } from 'node:fs';
import { ApiServer, eventually, waitFor } from './api-server.ts';
import { FaultProxy } from './fault-proxy.ts';
import { HttpFaultProxy } from './http-fault-proxy.ts';
import { RawClient } from './raw-client.ts';
import { requestInfo } from './request-info.ts';

let server: ApiServer;
let namespace: string;
let path: string;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  namespace = await server.namespace('proxied');
  path = `/api/v1/namespaces/${namespace}/configmaps`;
});
afterAll(() => server?.stop());

const noteOf = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

describe('bytes', () => {
  let proxy: FaultProxy;
  let client: RawClient;
  const get = (timeout = 5_000) => client.ask('GET', '/readyz', undefined, { timeout });

  beforeEach(async () => {
    proxy = await FaultProxy.start(server);
    client = new RawClient(proxy.url, server.adminToken, readFileSync(server.caFile, 'utf8'));
  });
  afterEach(async () => {
    client.close();
    await proxy.stop();
  });

  test('pass, also for kubectl', async () => {
    expect((await get()).status).toBe(200);
    expect(await server.runKubectl(['get', 'ns', '-o', 'name'], '', proxy.kubeconfig)).toContain('namespace/default');
    expect(proxy.accepted).toBeGreaterThanOrEqual(2);
  });

  test('stalled: open connections and new ones stay silent; what was held back passes later', async () => {
    await get();
    proxy.stall();
    const late = get(20_000);
    await expect(get(300)).rejects.toThrow('no answer');
    expect(proxy.open).toBeGreaterThanOrEqual(1);
    proxy.resume();
    expect((await late).status).toBe(200);
  });

  test('stalled: the end of the server is not told', async () => {
    const watch = client.ask('GET', `${path}?watch=1&timeoutSeconds=1`, undefined, { timeout: 2_500 });
    await waitFor(() => proxy.open > 0);
    proxy.stall();
    await expect(watch).rejects.toThrow('no answer');
  });

  test('reset and refused', async () => {
    const watch = client.ask('GET', `${path}?watch=1&timeoutSeconds=20`);
    const ended = expect(watch).rejects.toThrow(/ECONNRESET|aborted|hang up/);
    await waitFor(() => proxy.open > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.reset();
    await ended;
    proxy.refusing = true;
    await expect(get()).rejects.toThrow(/ECONNRESET|hang up|disconnected/);
    proxy.refusing = false;
    expect((await get()).status).toBe(200);
    await waitFor(() => proxy.open <= 1);
  });

  test('slow', async () => {
    await get();
    proxy.delay = 150;
    const start = performance.now();
    await get();
    expect(performance.now() - start).toBeGreaterThanOrEqual(290);
  });
});

describe('requests', () => {
  let proxy: HttpFaultProxy;
  let client: RawClient;
  const ask = (method: string, target: string, body?: unknown) => client.ask(method, target, body, { timeout: 10_000 });

  beforeEach(async () => {
    proxy = await HttpFaultProxy.start(server);
    client = new RawClient(proxy.url, server.adminToken, readFileSync(proxy.caFile, 'utf8'));
  });
  afterEach(async () => {
    client.close();
    await proxy.stop();
  });

  test('pass and are counted, also for kubectl', async () => {
    expect((await ask('POST', path, noteOf('counted'))).status).toBe(201);
    expect((await ask('GET', `${path}/counted`)).status).toBe(200);
    const names = await server.runKubectl(['-n', namespace, 'get', 'configmaps', '-o', 'name'], '', proxy.kubeconfig);
    expect(names).toContain('configmap/counted');
    expect([proxy.count('create', 'configmaps'), proxy.count('get', 'configmaps')]).toEqual([1, 1]);
    expect(proxy.count('list', 'configmaps')).toBe(1);
  });

  test('are answered as an overloaded or broken server would, as often as said', async () => {
    proxy.answer({ verb: ['create', 'update'], resource: 'configmaps', times: 2 }, { status: 429, retryAfter: 3 });
    const answer = await ask('POST', path, noteOf('refused'));
    expect(answer).toMatchObject({ status: 429, body: { kind: 'Status', reason: 'TooManyRequests' } });
    expect(answer.headers['retry-after']).toBe('3');
    expect((await ask('GET', path)).status).toBe(200);
    expect((await ask('POST', path, noteOf('refused'))).status).toBe(429);
    expect((await ask('POST', path, noteOf('refused'))).status).toBe(201);
    const undo = proxy.answer({ namespace, name: 'refused' }, { status: 503 });
    expect((await ask('GET', `${path}/refused`)).status).toBe(503);
    undo();
    expect((await ask('GET', `${path}/refused`)).status).toBe(200);
  });

  test('are carried out without an answer', async () => {
    proxy.loseAnswer({ verb: 'create', times: 1 });
    await expect(ask('POST', path, noteOf('lost'))).rejects.toThrow(/ECONNRESET|hang up/);
    expect((await ask('POST', path, noteOf('lost'))).status).toBe(409);
  });

  test('watches lose chosen events, and end when told', async () => {
    proxy.dropWatchEvents({ resource: 'configmaps', namespace, times: 1 }, ({ type }) => type === 'MODIFIED');
    const { body } = await ask('GET', path);
    const { resourceVersion } = (body as { metadata: { resourceVersion: string } }).metadata;
    const watch = ask('GET', `${path}?watch=1&timeoutSeconds=30&resourceVersion=${resourceVersion}`);
    await waitFor(() => proxy.watches('configmaps') === 1);
    await server.raw('POST', path, noteOf('watched'));
    for (const value of ['1', '2']) {
      const patch = { data: { value } };
      const contentType = 'application/merge-patch+json';
      await server.raw('PATCH', `${path}/watched`, patch, { contentType });
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    proxy.endWatches();
    const events = String((await watch).body)
      .trim()
      .split('\n');
    const seen = events.map((line) => JSON.parse(line)).map(({ type, object }) => [type, object.data?.value]);
    expect(seen).toEqual([
      ['ADDED', undefined],
      ['MODIFIED', '2'],
    ]);
    await eventually(() => expect(proxy.watches()).toBe(0));
  });
});

test.each([
  ['GET', '/api/v1/pods?watch=1', { verb: 'watch', resource: 'pods' }],
  ['GET', '/api/v1/namespaces', { verb: 'list', resource: 'namespaces' }],
  ['GET', '/api/v1/namespaces/a', { verb: 'get', resource: 'namespaces', name: 'a' }],
  ['PUT', '/api/v1/namespaces/a/finalize', { verb: 'update', resource: 'namespaces/finalize', name: 'a' }],
  ['DELETE', '/api/v1/namespaces/a/pods', { verb: 'deletecollection', resource: 'pods', namespace: 'a' }],
  [
    'PATCH',
    '/apis/aegis.dev/v1alpha1/namespaces/a/agentpolicies/p/status?fieldManager=x',
    { verb: 'patch', resource: 'agentpolicies/status', namespace: 'a', name: 'p' },
  ],
  ['GET', '/apis/aegis.dev/v1alpha1/agenttenants/t', { verb: 'get', resource: 'agenttenants', name: 't' }],
  ['POST', '/apis/authentication.k8s.io/v1/tokenreviews', { verb: 'create', resource: 'tokenreviews' }],
  ['GET', '/readyz', { verb: 'get', resource: '/readyz' }],
  ['GET', '/apis/aegis.dev/v1alpha1', { verb: 'get', resource: '/apis/aegis.dev/v1alpha1' }],
])('%s %s', (method, target, info) => {
  expect(requestInfo(method, target)).toEqual(info);
});
