/** The ground that the other suites stand on: nothing of Aegis, only Kubernetes and Argo CD as they should be. */

import { eventually } from '../../test/apiserver/wait-for.ts';
import { Argo } from '../argocd/argo.ts';
import { GitRepo } from '../argocd/git-repo.ts';
import { Cluster } from '../cluster/cluster.ts';
import { podOf, workload } from '../support/pods.ts';

const cluster = Cluster.attach();
const onOwn = cluster.ownsNode ? test : test.skip;
let namespace = '';

beforeAll(async () => {
  namespace = await cluster.namespace('ground');
});
afterAll(() => cluster.removeNamespace(namespace));

const SERVER = "require('http').createServer((q, s) => s.end('hello ' + q.headers.host + '\\n')).listen(8080)";

test('a node is ready', async () => {
  const { items } = await cluster.json<{ items: { status: { conditions: object[] } }[] }>(['get', 'nodes']);
  expect(items[0]?.status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
});

test('a native sidecar starts before the next init container, and that before the app; logs and exec work', async () => {
  const say = (text: string, then = 'exec sleep infinity') => ({
    command: ['sh', '-c', `echo ${text} $(date +%s%N); ${then}`],
  });
  const startupProbe = { exec: { command: ['true'] }, periodSeconds: 1 };
  const spec = {
    initContainers: [
      workload('side', { ...say('side'), restartPolicy: 'Always', startupProbe }),
      workload('init', say('init', 'true')),
    ],
    containers: [workload('app', say('app'))],
  };
  await cluster.apply(podOf('ordered', spec), { namespace });
  const pod = await cluster.whenReady(namespace, 'ordered');
  expect(pod.status.podIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  expect(statuses.map(({ name, ready }) => [name, ready])).toEqual([
    ['side', true],
    ['init', true],
    ['app', true],
  ]);
  const times: bigint[] = [];
  for (const container of ['side', 'init', 'app']) {
    const [name, time = ''] = (await cluster.logs({ namespace, name: 'ordered', container })).trim().split(' ');
    expect(name).toBe(container);
    times.push(BigInt(time));
  }
  expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
  const ran = await cluster.exec(
    { namespace, name: 'ordered', container: 'app' },
    ['sh', '-c', 'cat; exit 7'],
    'typed',
  );
  expect(ran).toMatchObject({ code: 7, stdout: 'typed' });
});

test('a pod reaches another one by the name of its Service', async () => {
  const labels = { app: 'web' };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  };
  const server = workload('web', {
    command: ['node', '-e', SERVER],
    readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
  });
  await cluster.apply(service, { namespace });
  await cluster.apply(podOf('web', { containers: [server] }, labels), { namespace });
  await cluster.apply(
    podOf('client', { containers: [workload('client', { securityContext: { runAsUser: 12_345 } })] }),
    { namespace },
  );
  await cluster.whenReady(namespace, 'web');
  await cluster.whenReady(namespace, 'client');
  const client = { namespace, name: 'client' };
  await eventually(async () => {
    const host = `web.${namespace}.svc.cluster.local`;
    expect((await cluster.exec(client, ['curl', '-sS', '-m', '5', `http://${host}/`])).stdout).toBe(`hello ${host}\n`);
    expect((await cluster.exec(client, ['curl', '-sS', '-m', '5', 'http://web/'])).stdout).toBe('hello web\n');
  }, 20_000);
  const unknown = await cluster.exec(client, ['busybox', 'nslookup', 'nobody.invalid']);
  expect(unknown.stdout).toMatch(/NXDOMAIN/);
});

test('the workload image has the unmodified clients of Stripe', async () => {
  const client = { namespace, name: 'client' };
  expect(await cluster.exec(client, ['python3', '-c', 'import stripe; print(stripe.VERSION)'])).toMatchObject({
    code: 0,
  });
  const load =
    "const S = require('stripe'); console.log(typeof new (S.default ?? S)('sk_test_x').paymentIntents.create)";
  expect((await cluster.exec(client, ['node', '-e', load])).stdout).toBe('function\n');
});

onOwn('a name of the outside leads where the suite says', async () => {
  const client = { namespace, name: 'client' };
  cluster.addDnsName('api.example.com', '203.0.113.80');
  await eventually(async () => {
    const { stdout } = await cluster.exec(client, ['getent', 'hosts', 'api.example.com']);
    expect(stdout).toMatch(/^203\.0\.113\.80\s/);
  }, 20_000);
  cluster.removeDnsName('api.example.com');
});

describe('Argo CD', () => {
  const repo = new GitRepo();
  const name = 'ground';
  let argo: Argo;

  beforeAll(async () => {
    argo = await Argo.start(cluster);
  });
  afterAll(async () => {
    await argo?.removeApplication(name);
    await argo?.stop();
    repo.remove();
  });

  const note = (text: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-git}\ndata: {text: ${text}}\n`;
  const read = () => cluster.json<{ data: object }>(['-n', namespace, 'get', 'configmap/from-git']);

  test('an Application becomes Synced and Healthy, and follows a commit', async () => {
    const first = repo.commit('first', { 'app/note.yaml': note('one') });
    await argo.application(name, { repoUrl: repo.url, path: 'app', namespace });
    await argo.untilSynced(name, first);
    expect((await read()).data).toEqual({ text: 'one' });
    const second = repo.commit('second', { 'app/note.yaml': note('two') });
    await argo.untilSynced(name, second);
    expect((await read()).data).toEqual({ text: 'two' });
  });
});

describe('faults of the node', () => {
  const client = { namespace, name: 'client' };

  onOwn('the API server goes away and comes back', async () => {
    await cluster.stopApiServer();
    expect((await cluster.run(['get', 'nodes', '--request-timeout=2s'])).code).not.toBe(0);
    await cluster.startApiServer();
    await eventually(() => cluster.kubectl(['get', 'nodes']), 30_000);
  });

  onOwn('kubelet and containerd start anew without the containers', async () => {
    const before = await cluster.pod(namespace, 'client');
    await cluster.restartNode();
    await eventually(async () => {
      expect((await cluster.exec({ ...client, namespace }, ['true'])).code).toBe(0);
    }, 60_000);
    const after = await cluster.pod(namespace, 'client');
    expect(after.status.containerStatuses).toEqual(before.status.containerStatuses);
  });

  onOwn('after a loss of power every pod is made anew', async () => {
    await cluster.rebootNode();
    await eventually(async () => {
      const { status } = await cluster.pod(namespace, 'client');
      expect(status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
      expect((await cluster.exec({ ...client, namespace }, ['true'])).code).toBe(0);
    }, 120_000);
  });

  onOwn('a pod whose sandbox ends gets a new one', async () => {
    const { metadata } = await cluster.pod(namespace, 'client');
    const before = (await cluster.pod(namespace, 'client')).status.containerStatuses?.[0]?.restartCount ?? 0;
    await cluster.killSandboxes([metadata.uid]);
    await eventually(async () => {
      const { status } = await cluster.pod(namespace, 'client');
      expect(status.containerStatuses?.[0]).toMatchObject({ restartCount: before + 1, ready: true });
    }, 120_000);
  });
});
