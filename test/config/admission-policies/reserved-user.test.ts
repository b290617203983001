/** Who runs as the gateway's user, and who comes near it later: users, debug containers, exec and attach. */
import { GATEWAY_UID } from '../../../policy/wire/pod-contract.ts';
import {
  ADMITTED,
  agentPod,
  app,
  gateway,
  type PodBody,
  PolicyServer,
  plainPod,
  refusal,
  tokenless,
} from './harness.ts';

const RESERVED = refusal('aegis-reserved-user', 'user 16001 is reserved for the container aegis-gateway');
const asGateway = { securityContext: { runAsUser: GATEWAY_UID } };

let server: PolicyServer;
let enabled: string;
let other: string;

beforeAll(async () => {
  server = await PolicyServer.start();
  enabled = await server.api.namespace('enabled', { 'aegis.dev/inject': 'enabled' });
  other = await server.api.namespace('other');
  for (const namespace of [enabled, other]) {
    await server.makePod(namespace, namespace === other ? tokenless(agentPod()) : agentPod());
    await server.makePod(namespace, plainPod({ metadata: { name: 'plain' } }));
  }
});
afterAll(() => server?.stop());

describe("the gateway's user", () => {
  const fresh = (spec: Partial<PodBody['spec']>): PodBody => plainPod({ metadata: { name: 'fresh' }, spec });

  test.each([
    ['the pod', fresh(asGateway)],
    ['a container', fresh({ containers: [app('main'), app('side', asGateway)] })],
    ['an init container', fresh({ initContainers: [app('first', asGateway)] })],
    ['a sidecar', fresh({ initContainers: [app('first', { ...asGateway, restartPolicy: 'Always' })] })],
    ['a pod with the stamp', agentPod({ metadata: { name: 'fresh' }, spec: asGateway })],
    [
      'an app beside the gateway',
      agentPod({ metadata: { name: 'fresh' }, spec: { containers: [app('x', asGateway)] } }),
    ],
  ])('is not that of %s', async (_, pod) => {
    expect(await server.tryPod(enabled, pod)).toEqual(RESERVED);
    expect(await server.tryPod(other, tokenless(pod))).toEqual(ADMITTED);
  });

  test('others are free: none, root, its neighbours', async () => {
    for (const runAsUser of [undefined, 0, 16000, 16002]) {
      const securityContext = { runAsUser };
      const pod = fresh({ securityContext, containers: [app('main', { securityContext })] });
      expect(await server.tryPod(enabled, pod)).toEqual(ADMITTED);
    }
    expect(await server.tryPod(enabled, fresh({ containers: [app('main', { securityContext: {} })] }))).toEqual(
      ADMITTED,
    );
    expect(await server.tryPod(enabled, fresh({ securityContext: { runAsGroup: GATEWAY_UID } }))).toEqual(ADMITTED);
  });

  test('is looked for in a hundred containers with everything that they can have', async () => {
    const mounts = Array.from({ length: 40 }, (_, at) => ({ name: `volume-${at}`, mountPath: `/mnt/${at}` }));
    const many = (prefix: string, count: number, securityContext: Record<string, unknown>) =>
      Array.from({ length: count }, (_, at) => app(`${prefix}-${at}`, { volumeMounts: mounts, securityContext }));
    const volumes = [...mounts.map(({ name }) => ({ name, emptyDir: {} })), ...(agentPod().spec.volumes ?? [])];
    const spec = (uid: number) => ({
      initContainers: [...(agentPod().spec.initContainers ?? []), ...many('init', 50, {})],
      containers: [...many('main', 100, { runAsUser: 1000 }), app('last', { securityContext: { runAsUser: uid } })],
      volumes,
    });
    const labels = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`label-${at}`, 'x']));
    const pod = (uid: number) => agentPod({ metadata: { name: 'large', labels }, spec: spec(uid) });
    expect(await server.tryPod(enabled, pod(1000))).toEqual(ADMITTED);
    expect(await server.tryPod(enabled, pod(GATEWAY_UID))).toEqual(RESERVED);
  });
});

describe('debug containers', () => {
  const debug = (namespace: string, pod: string, ephemeral: object) =>
    server.ask(
      'PATCH',
      `/api/v1/namespaces/${namespace}/pods/${pod}/ephemeralcontainers?dryRun=All`,
      { spec: { ephemeralContainers: [{ name: 'debug', image: 'none.invalid/debug', ...ephemeral }] } },
      { contentType: 'application/strategic-merge-patch+json' },
    );

  test('do not come into a pod with a gateway, and the answer says what to do instead', async () => {
    const answer = await debug(enabled, 'agent', {});
    expect(answer).toEqual(
      refusal('aegis-reserved-user', 'a debug container would stand inside the guard of this pod'),
    );
    expect(answer.message).toContain(
      'kubectl debug agent --copy-to=agent-debug --profile=baseline --keep-labels --keep-init-containers=false',
    );
    expect(answer.message).toContain('aegis doctor agent');
    expect((await debug(other, 'agent', {})).status).toBe(200);
  });

  test('come into others, but neither with our user nor with our names', async () => {
    expect((await debug(enabled, 'plain', {})).status).toBe(200);
    expect(await debug(enabled, 'plain', asGateway)).toEqual(RESERVED);
    const named = await debug(enabled, 'plain', { name: 'aegis-gateway' });
    expect(named).toEqual(
      refusal('aegis-reserved-user', 'names of containers that begin with aegis- are reserved', 422),
    );
    expect((await debug(other, 'plain', { ...asGateway, name: 'aegis-debug' })).status).toBe(200);
  });
});

describe('exec and attach', () => {
  type Way = 'exec' | 'attach';
  const enter = (way: Way, namespace: string, pod: string, container?: string, method = 'POST') => {
    const named = container === undefined ? '' : `&container=${container}`;
    const command = way === 'exec' ? '&command=sh' : '';
    return server.ask(method, `/api/v1/namespaces/${namespace}/pods/${pod}/${way}?stdout=true${command}${named}`);
  };
  const entered = { status: 400, message: expect.not.stringContaining('ValidatingAdmissionPolicy') };

  test.each(['exec', 'attach'] as const)('%s does not lead into our containers, for nobody', async (way) => {
    for (const container of ['aegis-gateway', 'aegis-capture', 'aegis-anything']) {
      for (const method of ['POST', 'GET']) {
        const words = `nobody enters the container ${container}`;
        expect(await enter(way, enabled, 'agent', container, method)).toEqual(refusal('aegis-exec', words));
      }
    }
    const { message } = await enter(way, enabled, 'agent', 'aegis-gateway');
    expect(message).toContain('kubectl logs agent -c aegis-gateway');
  });

  // there is no node: 400 is as far as it gets
  test.each([
    'exec',
    'attach',
  ] as const)('%s leads into all others, and into the only one without a name', async (way) => {
    expect(await enter(way, enabled, 'agent', 'main')).toEqual(entered);
    expect(await enter(way, enabled, 'agent')).toEqual(entered);
    expect(await enter(way, enabled, 'plain')).toEqual(entered);
    expect(await enter(way, other, 'agent', 'aegis-gateway')).toEqual(entered);
  });

  test('without a name an init container is never meant', async () => {
    const two = { containers: [app('one'), app('two')] };
    await server.makePod(enabled, agentPod({ metadata: { name: 'several' }, spec: two }));
    const { status, message } = await enter('exec', enabled, 'several');
    expect([status, message]).toEqual([400, expect.stringContaining('a container name must be specified')]);
  });

  test('by kubectl, whatever it takes for the default', async () => {
    const annotations = { 'kubectl.kubernetes.io/default-container': 'aegis-gateway' };
    await server.makePod(enabled, agentPod({ metadata: { name: 'lured', annotations } }));
    const exec = server.api.runKubectl(['exec', '-n', enabled, 'lured', '--', 'sh']);
    await expect(exec).rejects.toThrow('nobody enters the container aegis-gateway');
  });
});

test('a second container of the name is no way out', async () => {
  const pod = agentPod({ metadata: { name: 'twice' }, spec: { containers: [gateway({ volumeMounts: [] })] } });
  expect((await server.tryPod(enabled, pod)).status).toBe(422);
});
