/** What a pod is known by stays: its labels and its stamp; and controllers go on as ever. */
import { STAMP_ANNOTATION } from '../../../policy/wire/pod-contract.ts';
import { waitFor } from '../../apiserver/api-server.ts';
import { agentPod, type PodBody, PolicyServer, plainPod, refusal, stamp, tokenless, type User } from './harness.ts';

const MINUTES = 180_000;
let server: PolicyServer;
let enabled: string;
let other: string;

const ann: User = { user: 'ann', groups: ['pod-editors'] };
const marker: User = { user: 'system:serviceaccount:rollouts:marker', groups: ['pod-editors', 'relabellers'] };

beforeAll(async () => {
  server = await PolicyServer.start({ controllerManager: true });
  enabled = await server.api.namespace('enabled', { 'aegis.dev/inject': 'enabled' });
  other = await server.api.namespace('other');
  const rbac = (kind: string, name: string, more: object) =>
    JSON.stringify({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name }, ...more });
  const bound = (role: string, group: string) =>
    rbac('ClusterRoleBinding', group, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
    });
  const resources = ['pods', 'pods/status', 'pods/binding', 'bindings', 'pods/resize'];
  await server.api.applyYaml(
    [
      rbac('ClusterRole', 'pod-editor', { rules: [{ apiGroups: [''], resources, verbs: ['*'] }] }),
      bound('pod-editor', 'pod-editors'),
      bound('aegis-relabel', 'relabellers'),
    ].join('\n---\n'),
  );
  const path = await pod(agentPod());
  for (const as of [ann, marker]) {
    const permitted = async () => {
      const { status } = await server.merge(`${path}/status`, { metadata: { annotations: { note: 'x' } } }, as);
      return status === 200;
    };
    await waitFor(permitted, 30_000, 'the roles are not in force');
  }
  const relabelled = async () => (await server.merge(path, labels({ role: 'canary' }), marker)).status === 200;
  await waitFor(relabelled, 30_000, 'the role is not in force');
}, MINUTES);
afterAll(() => server?.stop());

async function pod(body: PodBody, namespace = enabled): Promise<string> {
  const name = `pod-${Math.random().toString(36).slice(2, 8)}`;
  await server.makePod(namespace, { ...body, metadata: { ...body.metadata, name } });
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}
const labels = (of: Record<string, string | null>) => ({ metadata: { labels: of } });

describe('labels and stamp of a running pod', () => {
  const OWN = 'labels aegis.dev/… of a pod are read when the pod is made, and never changed';
  const STAMP = 'the annotation aegis.dev/status of a pod is written by the webhook when the pod is made';
  const BOUND = 'labels bind this pod to its AgentRegistration and are not changed while it runs';

  test.each(['', '/status'])('the stamp is changed by nobody (pods%s)', async (subresource) => {
    const path = `${await pod(agentPod())}${subresource}`;
    for (const value of [null, '{}', stamp({ agent: 'other-agent' })]) {
      const patch = { metadata: { annotations: { [STAMP_ANNOTATION]: value } } };
      for (const as of [undefined, ann, marker]) {
        expect(await server.merge(path, patch, as)).toEqual(refusal('aegis-labels', STAMP));
      }
    }
    const plain = `${await pod(plainPod())}${subresource}`;
    const forged = { metadata: { annotations: { [STAMP_ANNOTATION]: stamp() } } };
    expect(await server.merge(plain, forged)).toEqual(refusal('aegis-labels', STAMP));
    expect((await server.merge(plain, { metadata: { annotations: { note: 'x' } } })).status).toBe(200);
  });

  test.each(['', '/status'])('our labels are changed by nobody (pods%s)', async (subresource) => {
    const bodies = [agentPod({ metadata: { labels: { 'aegis.dev/x': 'y' } } }), plainPod(), agentPod()];
    for (const body of bodies) {
      const path = `${await pod(body)}${subresource}`;
      for (const change of [{ 'aegis.dev/inject': 'false' }, { 'aegis.dev/x': 'z' }]) {
        expect(await server.merge(path, labels(change))).toEqual(refusal('aegis-labels', OWN));
      }
    }
    const labelled = `${await pod(bodies[0] as PodBody)}${subresource}`;
    expect(await server.merge(labelled, labels({ 'aegis.dev/x': null }))).toEqual(refusal('aegis-labels', OWN));
  });

  test.each(['', '/status'])('labels of an agent are changed by no editor of pods (pods%s)', async (subresource) => {
    const path = `${await pod(agentPod({ metadata: { labels: { tier: 'a' } } }))}${subresource}`;
    for (const change of [{ app: 'planner-agent' }, { app: null }, { more: 'x' }, { tier: 'b' }]) {
      const answer = await server.merge(path, labels(change), ann);
      expect(answer).toEqual(refusal('aegis-labels', BOUND));
      expect(answer.message).toContain('verb relabel on pods.aegis.dev (ClusterRole aegis-relabel)');
    }
    expect((await server.merge(path, labels({ app: 'finance-agent' }), ann)).status).toBe(200);
    expect((await server.merge(path, { metadata: { annotations: { note: 'x' } } }, ann)).status).toBe(200);
  });

  test('but by whoever is permitted, and by the controllers of Kubernetes', async () => {
    const path = await pod(agentPod());
    expect((await server.merge(path, labels({ role: 'canary' }), marker)).status).toBe(200);
    expect((await server.merge(path, labels({ role: 'stable' }))).status).toBe(200);
    const controller = {
      user: 'system:serviceaccount:kube-system:statefulset-controller',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
    };
    expect((await server.merge(path, labels({ 'apps.kubernetes.io/pod-index': '0' }), controller)).status).toBe(200);
    // the kubelet's word on the status changes no label
    const status = await server.merge(`${path}/status`, { status: { phase: 'Running' } }, ann);
    expect(status.status).toBe(200);
  });

  test('pods without a gateway, and those of other namespaces, are labelled freely', async () => {
    const plain = await pod(plainPod({ metadata: { labels: { a: 'b' } } }));
    expect((await server.merge(plain, labels({ a: 'c', app: 'x' }), ann)).status).toBe(200);
    const elsewhere = await pod(tokenless(agentPod()), other);
    expect((await server.merge(elsewhere, labels({ app: 'x', 'aegis.dev/x': 'y' }), ann)).status).toBe(200);
    const patch = { metadata: { annotations: { [STAMP_ANNOTATION]: null } } };
    expect((await server.merge(elsewhere, patch, ann)).status).toBe(200);
  });

  test.each(['pods/NAME/binding', 'bindings'])('a Binding brings neither (%s)', async (place) => {
    const path = await pod(plainPod());
    const name = path.split('/').at(-1) as string;
    const url = `/api/v1/namespaces/${enabled}/${place.replace('NAME', name)}`;
    const bind = (metadata: object) =>
      server.ask('POST', url, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, ...metadata },
        target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
      });
    const forged = await bind({ annotations: { [STAMP_ANNOTATION]: stamp() } });
    expect(forged).toEqual(refusal('aegis-labels', STAMP));
    expect(await bind({ labels: { 'aegis.dev/inject': 'false' } })).toEqual(refusal('aegis-labels', OWN));
    expect((await bind({ annotations: { a: 'b' } })).status).toBe(201);
  });
});

test('no expression is wrong in its types', async () => {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
  interface Checked {
    metadata: { name: string; generation: number };
    status?: { observedGeneration?: number; typeChecking?: { expressionWarnings?: unknown[] } };
  }
  const list = async () => ((await server.api.raw('GET', path)).body as { items: Checked[] }).items;
  const checked = async () => {
    const all = await list();
    return all.every(({ metadata, status }) => status?.observedGeneration === metadata.generation) && all;
  };
  const all = await waitFor(checked, 60_000, 'the expressions are not checked');
  expect(all.length).toBeGreaterThan(9);
  for (const { metadata, status } of all) {
    expect([metadata.name, status?.typeChecking?.expressionWarnings ?? []]).toEqual([metadata.name, []]);
  }
});

describe('controllers', () => {
  const template = (body: PodBody, app: string) => ({
    metadata: { labels: { app }, annotations: body.metadata.annotations ?? {} },
    spec: { ...body.spec, serviceAccountName: 'default', terminationGracePeriodSeconds: 0 },
  });
  const podsOf = async (namespace: string, app: string) => {
    const { body } = await server.api.raw('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`);
    return (body as { items: { metadata: { name: string; ownerReferences?: unknown[] } }[] }).items;
  };
  const deployment = (namespace: string, app: string, body: PodBody) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace },
    spec: { replicas: 2, selector: { matchLabels: { app } }, template: template(body, app) },
  });

  test(
    'Deployments are made, changed and scaled, in namespaces of agents, others, and of the system',
    async () => {
      for (const [namespace, body] of [
        [enabled, agentPod()],
        [enabled, plainPod()],
        [other, plainPod()],
        ['kube-system', plainPod()],
      ] as const) {
        const name = `app-${Math.random().toString(36).slice(2, 8)}`;
        const pods = async (count: number) => (await podsOf(namespace, name)).length === count;
        await server.api.applyYaml(JSON.stringify(deployment(namespace, name, body)));
        await waitFor(() => pods(2), 60_000, `no pods of ${name} in ${namespace}`);
        await server.api.runKubectl(['scale', 'deployment', name, '-n', namespace, '--replicas=0']);
        await waitFor(() => pods(0), 60_000, `pods of ${name} in ${namespace} are left`);
      }
    },
    MINUTES,
  );

  test(
    'a pod is adopted, and released by whoever may relabel it',
    async () => {
      const name = 'adopting';
      const path = await pod(agentPod({ metadata: { labels: { app: name } } }));
      const own = async () => {
        const { body } = await server.api.raw('GET', path);
        return ((body as PodBody).metadata.ownerReferences as unknown[] | undefined)?.length ?? 0;
      };
      const set = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: { name, namespace: enabled },
        spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: template(agentPod(), name) },
      };
      await server.api.applyYaml(JSON.stringify(set));
      await waitFor(async () => (await own()) === 1, 60_000, 'the pod was not adopted');
      expect((await server.merge(path, labels({ app: 'free' }), ann)).status).toBe(403);
      expect((await server.merge(path, labels({ app: 'free' }), marker)).status).toBe(200);
      await waitFor(async () => (await own()) === 0, 60_000, 'the pod was not released');
    },
    MINUTES,
  );

  test(
    'a Job ends, and its pods lose their finalizers',
    async () => {
      const name = 'once';
      const body = template(agentPod(), name);
      const job = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name, namespace: enabled },
        spec: { template: { ...body, spec: { ...body.spec, restartPolicy: 'Never' } } },
      };
      await server.api.applyYaml(JSON.stringify(job));
      const found = await waitFor(async () => (await podsOf(enabled, name))[0], 60_000, 'the Job makes no pod');
      await server.api.setPodPhase({ namespace: enabled, name: found.metadata.name }, 'Succeeded');
      const path = `/apis/batch/v1/namespaces/${enabled}/jobs/${name}`;
      const done = async () => {
        const { body: now } = await server.api.raw('GET', path);
        return (now as { status: { succeeded?: number } }).status.succeeded === 1;
      };
      await waitFor(done, 60_000, 'the Job does not end');
    },
    MINUTES,
  );

  test(
    'a namespace is deleted with everything in it',
    async () => {
      const name = await server.api.namespace('space', { 'aegis.dev/inject': 'strict' });
      await server.makePod(name, agentPod());
      await server.api.runKubectl(['delete', 'namespace', name, '--wait=false']);
      const pods = `/api/v1/namespaces/${name}/pods/agent`;
      await waitFor(async () => (await server.ask('GET', pods)).status === 404, 60_000, 'the pod is not deleted');
      const gone = async () => (await server.ask('GET', `/api/v1/namespaces/${name}`)).status === 404;
      await waitFor(gone, 60_000, 'the namespace is not deleted');
    },
    MINUTES,
  );
});
