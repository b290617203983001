/** Who writes status, and who gets a token by which gateways and the operator's replicas are known. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse, parseAllDocuments } from 'yaml';
import { waitFor } from '../../apiserver/api-server.ts';
import {
  ADMITTED,
  agentPod,
  app,
  capture,
  gateway,
  OPERATOR,
  POLICIES,
  type PodBody,
  PolicyServer,
  plainPod,
  ROOT,
  refusal,
  tokenVolume,
} from './harness.ts';

const documents = (text: string): unknown[] => parseAllDocuments(text).map((document) => document.toJS());

const operator = {
  user: OPERATOR,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:aegis-system', 'system:authenticated'],
};
const kubelet = { user: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] };

let server: PolicyServer;
let enabled: string;
let other: string;

beforeAll(async () => {
  server = await PolicyServer.start();
  enabled = await server.api.namespace('enabled', { 'aegis.dev/inject': 'enabled' });
  other = await server.api.namespace('other');
  await server.api.runKubectl(['create', 'namespace', 'fintech']);
});
afterAll(() => server?.stop());

describe('status', () => {
  const paths: Record<string, string> = {
    agentpolicies: 'namespaces/fintech/agentpolicies/finance-payments',
    agentregistrations: 'namespaces/fintech/agentregistrations/finance-agent',
    agenttools: 'namespaces/fintech/agenttools/stripe-payments',
    agenttenants: 'agenttenants/fintech',
    emergencyactions: 'namespaces/fintech/emergencyactions/stop',
  };
  const status = { status: { observedGeneration: 1 } };
  const url = (kind: string, more = '') => `/apis/aegis.dev/v1alpha1/${paths[kind]}${more}`;

  beforeAll(async () => {
    const action = {
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'EmergencyAction',
      metadata: { name: 'stop', namespace: 'fintech' },
      spec: { action: 'Freeze', target: { tenant: 'fintech' }, reason: 'a test' },
    };
    const files = ['policies', 'tool', 'registrations', 'tenant'].map((name) => `config/samples/fintech/${name}.yaml`);
    const texts = files.map((file) => readFileSync(join(ROOT, file), 'utf8'));
    await server.api.applyYaml([...texts, JSON.stringify(action)].join('\n---\n'));
  });

  test.each(Object.keys(paths))('of %s is not written by an administrator', async (kind) => {
    for (const contentType of ['application/merge-patch+json', 'application/apply-patch+yaml']) {
      const { body } = await server.api.raw('GET', url(kind));
      const { apiVersion, kind: name, metadata } = body as PodBody;
      const whole = { apiVersion, kind: name, metadata: { name: metadata.name }, ...status };
      const force = contentType.includes('apply') ? '?fieldManager=someone&force=true' : '';
      const at = url(kind, `/status${force}`);
      const answer = await server.ask('PATCH', at, whole, { contentType });
      expect(answer).toEqual(
        refusal('aegis-status', `the status of ${kind}.aegis.dev is written by ${OPERATOR} alone`),
      );
    }
    expect((await server.merge(url(kind), { metadata: { labels: { team: 'x' } } })).status).toBe(200);
  });

  test.each(Object.keys(paths).slice(0, 4))('of %s is written by the operator', async (kind) => {
    expect((await server.merge(url(kind, '/status'), status, operator)).status).toBe(200);
  });

  test('of other kinds is as free as ever', async () => {
    await server.makePod('fintech', plainPod());
    const answer = await server.merge('/api/v1/namespaces/fintech/pods/pod/status', { status: { phase: 'Failed' } });
    expect(answer.status).toBe(200);
  });
});

describe('tokens that somebody asks for', () => {
  const request = (namespace: string, account: string, audiences: string[], as?: typeof kubelet, pod?: object) =>
    server.ask(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences, ...(pod && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }) },
      },
      { as },
    );
  const uidOf = async (path: string) =>
    ((await server.api.raw('GET', path)).body as { metadata: { uid: string } }).metadata.uid;

  /** A pod of that account on node-1, which the kubelet may ask for. */
  async function placed(namespace: string, account: string, volume: ReturnType<typeof tokenVolume>): Promise<object> {
    const name = `placed-${account}`;
    const spec = { nodeName: 'node-1', serviceAccountName: account, volumes: [volume] };
    const container = app('main', { securityContext: restricted() });
    await server.makePod(namespace, plainPod({ metadata: { name }, spec: { ...spec, containers: [container] } }));
    return { name, uid: await uidOf(`/api/v1/namespaces/${namespace}/pods/${name}`) };
  }

  beforeAll(async () => {
    await server.ask('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
    await server.api.runKubectl(['create', 'serviceaccount', 'agent', '-n', other]);
    await server.api.runKubectl(['create', 'serviceaccount', 'finance-agent', '-n', enabled]);
    await server.api.runKubectl(['create', 'serviceaccount', 'aegis-operator', '-n', 'aegis-system']);
    await server.api.runKubectl(['create', 'serviceaccount', 'aegis-operator', '-n', other]);
    await server.api.runKubectl(['create', 'serviceaccount', 'second', '-n', 'aegis-system']);
  });

  test.each([
    [['aegis.dev']],
    [['aegis.dev', 'api']],
    [['api', 'aegis.dev']],
  ])('%j: not by people', async (audiences) => {
    const words = 'tokens for the audience aegis.dev are made by kubelets for a pod';
    const answer = await request(other, 'agent', audiences);
    expect(answer).toEqual(refusal('aegis-token-requests', words));
    const impostor = { user: 'system:node:node-1', groups: ['system:masters'] };
    expect(await request(other, 'agent', audiences, impostor)).toEqual(refusal('aegis-token-requests', words));
  });

  test('the kubelet gets one for the pod of an agent', async () => {
    const name = 'placed-agent';
    await server.makePod(enabled, agentPod({ metadata: { name }, spec: { nodeName: 'node-1' } }));
    const pod = { name, uid: await uidOf(`/api/v1/namespaces/${enabled}/pods/${name}`) };
    expect(await request(enabled, 'finance-agent', ['aegis.dev'], kubelet, pod)).toEqual(ADMITTED);
  });

  test('for replicas: the kubelet, for the ServiceAccount of the operator alone', async () => {
    const words = `tokens for the audiences aegis.dev/… are for ${OPERATOR} alone`;
    const volume = tokenVolume('relay-token', 'aegis.dev/operator');
    const pod = await placed('aegis-system', 'aegis-operator', volume);
    expect(await request('aegis-system', 'aegis-operator', ['aegis.dev/operator'], kubelet, pod)).toEqual(ADMITTED);
    const byPerson = await request('aegis-system', 'aegis-operator', ['aegis.dev/operator']);
    expect(byPerson).toEqual(refusal('aegis-token-requests', 'are made by kubelets for a pod'));
    // a kubelet that asks for what the pod does not: the node restriction of newer versions forbids that by itself, but for
    // whom a role permits it
    const kubelets = { user: 'system:node:node-1', groups: ['system:nodes', 'system:masters'] };
    for (const [namespace, account] of [
      [other, 'aegis-operator'],
      ['aegis-system', 'second'],
    ] as const) {
      const bound = await placed(namespace, account, tokenVolume('api', 'api'));
      for (const audience of ['aegis.dev/operator', 'aegis.dev/more']) {
        const answer = await request(namespace, account, [audience], kubelets, bound);
        expect(answer).toEqual(refusal('aegis-token-requests', words));
      }
    }
  });

  test('every other audience is free', async () => {
    for (const audiences of [[], ['api'], ['aegis.development'], ['example.com/aegis.dev']]) {
      expect(await request(other, 'agent', audiences)).toEqual(ADMITTED);
    }
  });
});

function restricted(): Record<string, unknown> {
  return {
    runAsNonRoot: true,
    runAsUser: 65532,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

describe('tokens that a pod asks for', () => {
  const account = { serviceAccountName: 'default' };
  const mounting = (name: string, volume: string) =>
    app(name, { volumeMounts: [{ name: volume, mountPath: '/token' }] });
  const pod = (spec: Partial<PodBody['spec']>) =>
    plainPod({ metadata: { name: 'fresh' }, spec: { ...account, ...spec } });
  const VOLUME = 'a token for the audience aegis.dev is for the gateway, in the volume aegis-token';
  const MOUNT = 'the volume aegis-token is mounted by the container aegis-gateway alone';
  const LABELLED = 'a token for the audience aegis.dev is given where Aegis looks after pods alone';
  const RELAY = `tokens for the audiences aegis.dev/… are for the pods of ${OPERATOR} alone`;

  test('a gateway gets it, as the webhook leaves it', async () => {
    expect(await server.tryPod(enabled, agentPod({ metadata: { name: 'fresh' } }))).toEqual(ADMITTED);
  });

  test('not a gateway made by hand, where nobody compares it: it may run anything', async () => {
    const anything = gateway({ command: ['node', '--eval', 'whatever reads the token'] });
    const disabled = await server.api.namespace('disabled', { 'aegis.dev/inject': 'disabled' });
    for (const namespace of [other, disabled, 'default']) {
      for (const initContainers of [[gateway(), capture()], [anything]]) {
        const byHand = agentPod({
          metadata: { name: 'fresh' },
          spec: { serviceAccountName: 'default', initContainers },
        });
        expect(await server.tryPod(namespace, byHand)).toEqual(refusal('aegis-audience', LABELLED));
      }
    }
    const unstamped = { ...plainPod({ metadata: { name: 'fresh' } }), spec: agentPod().spec };
    expect((await server.tryPod(enabled, unstamped)).status).toBe(422);
  });

  test.each([
    ['another volume', { volumes: [tokenVolume('token')], containers: [mounting('main', 'token')] }, VOLUME],
    ['a volume that nobody mounts', { volumes: [tokenVolume('token')] }, VOLUME],
    ['one volume more', { volumes: [tokenVolume(), tokenVolume('second')] }, VOLUME],
    ['one source of several', { volumes: [severalSources('all')] }, VOLUME],
    ['the app', { volumes: [tokenVolume()], containers: [mounting('main', 'aegis-token')] }, MOUNT],
    ['an init container', { volumes: [tokenVolume()], initContainers: [mounting('first', 'aegis-token')] }, MOUNT],
    [
      'the capture beside the gateway',
      {
        volumes: agentPod().spec.volumes ?? [],
        initContainers: [gateway(), capture({ volumeMounts: [{ name: 'aegis-token', mountPath: '/x' }] })],
      },
      MOUNT,
    ],
    [
      'a look-alike with an image of its own',
      { volumes: [tokenVolume()], containers: [{ ...mounting('aegis-gateway', 'aegis-token') }] },
      MOUNT,
    ],
    ['a token between replicas', { volumes: [tokenVolume('relay', 'aegis.dev/operator')] }, RELAY],
    ['anything below the audience', { volumes: [tokenVolume('relay', 'aegis.dev/anything')] }, RELAY],
    ['an account of the same name', { ...relay(), serviceAccountName: 'aegis-operator' }, RELAY],
  ])('not %s', async (_, spec, words) => {
    for (const namespace of [other, 'default']) {
      expect(await server.tryPod(namespace, pod(spec))).toEqual(refusal('aegis-audience', words));
    }
  });

  function relay() {
    return { volumes: [tokenVolume('relay', 'aegis.dev/operator')] };
  }

  function severalSources(name: string) {
    const [token] = tokenVolume().projected.sources;
    return { name, projected: { sources: [{ downwardAPI: { items: [] } }, { configMap: { name: 'x' } }, token] } };
  }

  test("the operator's pods are admitted, and no others beside them", async () => {
    const text = readFileSync(join(ROOT, 'config/operator/deployment.yaml'), 'utf8');
    const { spec } = parse(text) as { spec: { template: { metadata: object; spec: PodBody['spec'] } } };
    const body = { ...plainPod(), spec: spec.template.spec };
    expect(await server.tryPod('aegis-system', body)).toEqual(ADMITTED);
    const second = { ...body, spec: { ...body.spec, serviceAccountName: 'default' } };
    expect(await server.tryPod('aegis-system', second)).toEqual(refusal('aegis-audience', RELAY));
  });

  test('other volumes are never looked at', async () => {
    const many = Array.from({ length: 120 }, (_, at) => tokenVolume(`volume-${at}`, `audience-${at}`));
    const plain = { serviceAccountToken: { path: 'token' } };
    for (const volumes of [
      many,
      [{ name: 'a', projected: { sources: [plain] } }],
      [{ name: 'a', projected: { sources: [] } }],
      [{ name: 'a', emptyDir: {} }, { name: 'b' }],
      [tokenVolume('a', 'aegis.development')],
    ]) {
      for (const namespace of [other, enabled, 'kube-system', 'default']) {
        expect(await server.tryPod(namespace, pod({ volumes }))).toEqual(ADMITTED);
      }
    }
  });

  test('whoever mounts it: never admitted but in the one container', async () => {
    const names = ['main', 'aegis-gatewa', 'gateway', 'aegis-gateway2', 'aegis-capture', 'sidecar'];
    const run = fc.asyncProperty(
      fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), mounts: fc.boolean(), init: fc.boolean() }), {
        selector: ({ name }) => name,
      }),
      async (containers) => {
        const of = (init: boolean) =>
          containers
            .filter((one) => one.init === init)
            .map(({ name, mounts }) => (mounts ? mounting(name, 'aegis-token') : app(name)));
        const whole = pod({
          volumes: [tokenVolume()],
          initContainers: [gateway({ volumeMounts: [{ name: 'aegis-token', mountPath: '/t' }] }), ...of(true)],
          containers: [app('last'), ...of(false)],
        });
        const words = containers.some(({ mounts }) => mounts) ? MOUNT : LABELLED;
        expect(await server.tryPod(other, whole)).toEqual(refusal('aegis-audience', words));
      },
    );
    await fc.assert(run, { numRuns: 60 });
  });
});

test('the glass is broken by deleting a binding, and mended by applying it again', async () => {
  const path = '/apis/aegis.dev/v1alpha1/agenttenants/probe/status';
  const write = () => server.merge(path, { status: { observedGeneration: 3 } });
  expect((await write()).status).toBe(403);
  await server.api.runKubectl(['delete', 'validatingadmissionpolicybinding', 'aegis-status']);
  await waitFor(async () => (await write()).status === 200, 30_000, 'the policy is still in force');
  await server.api.runKubectl(['apply', '--server-side', '-k', POLICIES]);
  await waitFor(async () => (await write()).status === 403, 30_000, 'the policy is not in force again');
});

test('everything that the project applies itself gets by', async () => {
  const text = await server.api.runKubectl(['kustomize', join(ROOT, 'config/operator')]);
  expect(documents(text).length).toBeGreaterThan(10);
  await server.api.runKubectl(['apply', '--server-side', '--force-conflicts', '-k', join(ROOT, 'config/operator')]);
});
