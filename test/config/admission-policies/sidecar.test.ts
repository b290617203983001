/** What a pod may look like in a namespace of agents, with the operator not running: policies of pods that are made. */
import fc from 'fast-check';
import { GATEWAY_UID, STAMP_ANNOTATION } from '../../../policy/wire/pod-contract.ts';
import {
  ADMITTED,
  agentPod,
  app,
  capture,
  gateway,
  type PodBody,
  PolicyServer,
  plainPod,
  refusal,
  stamp,
  tokenless,
} from './harness.ts';

const OPT_OUT = { 'aegis.dev/inject': 'false' };

let server: PolicyServer;
let enabled: string;
let strict: string;
let open: string;
let other: string;

beforeAll(async () => {
  server = await PolicyServer.start();
  enabled = await server.api.namespace('enabled', { 'aegis.dev/inject': 'enabled' });
  strict = await server.api.namespace('strict', { 'aegis.dev/inject': 'strict' });
  open = await server.api.namespace('open', { 'aegis.dev/inject': 'strict', 'aegis.dev/allow-opt-out': 'true' });
  other = await server.api.namespace('other', { 'aegis.dev/inject': 'disabled' });
});
afterAll(() => server?.stop());

const without = (...names: string[]): PodBody => {
  const pod = agentPod();
  pod.spec.initContainers = pod.spec.initContainers?.filter(({ name }) => !names.includes(name)) ?? [];
  return pod;
};
const inits = (...initContainers: ReturnType<typeof app>[]): PodBody => agentPod({ spec: { initContainers } });
const explicit = (spec: Partial<PodBody['spec']> = {}): PodBody =>
  agentPod({ metadata: { annotations: { [STAMP_ANNOTATION]: stamp({ capture: 'Explicit' }) } }, spec });

describe('a pod with the stamp', () => {
  test('is admitted as the webhook leaves it', async () => {
    expect(await server.tryPod(enabled, agentPod())).toEqual(ADMITTED);
    expect(await server.tryPod(strict, agentPod())).toEqual(ADMITTED);
    expect(await server.tryPod(enabled, explicit({ initContainers: [gateway()] }))).toEqual(ADMITTED);
    expect(await server.tryPod(enabled, explicit({ initContainers: [gateway(), app('migrate')] }))).toEqual(ADMITTED);
    expect(await server.tryPod(enabled, inits(gateway({ image: 'aegis-gateway' }), capture()))).toEqual(ADMITTED);
    const digest = `aegis-gateway@sha256:${'a'.repeat(64)}`;
    expect(await server.tryPod(enabled, inits(gateway({ image: digest }), capture()))).toEqual(ADMITTED);
  });

  const FIRST = 'its first init container is not aegis-gateway with restartPolicy Always';
  const SECOND = 'the second init container is not aegis-capture';
  const IMAGE = 'aegis-gateway and aegis-capture run the image aegis-gateway and no other';
  const USER = 'the container aegis-gateway runs as user 16001, unprivileged and without added capabilities';
  const NAMES = 'names of containers that begin with aegis- are reserved';
  const secure = (more: object) => gateway({ securityContext: { runAsUser: GATEWAY_UID, ...more } });
  const cases: [string, PodBody, string, number][] = [
    ['without init containers', agentPod({ spec: { initContainers: [] } }), FIRST, 422],
    ['without the gateway', without('aegis-gateway'), FIRST, 422],
    ['with another first', inits(app('first'), gateway(), capture()), FIRST, 422],
    ['with a gateway that ends', inits(gateway({ restartPolicy: undefined }), capture()), FIRST, 422],
    ['without the capture that it promises', without('aegis-capture'), SECOND, 422],
    ['with another before the capture', inits(gateway(), app('between'), capture()), SECOND, 422],
    ['with a capture that does not end', inits(gateway(), capture({ restartPolicy: 'Always' })), SECOND, 422],
    ['with a capture that it does not promise', explicit(), NAMES, 422],
    ['with one more of our names', inits(gateway(), capture(), app('aegis-helper')), NAMES, 422],
    ['with one of our names as the app', agentPod({ spec: { containers: [app('aegis-main')] } }), NAMES, 422],
    ['with another image', inits(gateway({ image: 'docker.io/mallory/gateway' }), capture()), IMAGE, 403],
    ['with a longer image name', inits(gateway({ image: 'aegis-gateway-fake:1' }), capture()), IMAGE, 403],
    ['with a folder below the image', inits(gateway({ image: 'aegis-gateway/x:1' }), capture()), IMAGE, 403],
    ['with another image of the capture', inits(gateway(), capture({ image: 'none.invalid/x' })), IMAGE, 403],
    ['with another user', inits(secure({ runAsUser: 1000 }), capture()), USER, 403],
    ['with no user', inits(gateway({ securityContext: undefined }), capture()), USER, 403],
    ['with a privileged gateway', inits(secure({ privileged: true }), capture()), USER, 403],
    ['with added capabilities', inits(secure({ capabilities: { add: ['NET_RAW'] } }), capture()), USER, 403],
    ['that promises nothing readable', stamped('yes', [gateway()]), SECOND, 422],
    ['that is empty', stamped('', [gateway()]), SECOND, 422],
  ];
  test.each(cases)('%s is refused', async (_, pod, words, status) => {
    expect(await server.tryPod(enabled, tokenless(pod))).toEqual(refusal('aegis-sidecar', words, status));
    expect((await server.tryPod(other, tokenless(pod))).status).toBe(201);
  });

  function stamped(text: string, initContainers: ReturnType<typeof app>[]): PodBody {
    return agentPod({ metadata: { annotations: { [STAMP_ANNOTATION]: text } }, spec: { initContainers } });
  }

  const MOUNT = 'only the container aegis-gateway mounts the volumes aegis-…';
  test.each([
    'aegis-state',
    'aegis-token',
    'aegis-tools',
    'aegis-trust',
  ])('%s is mounted by nobody, or read', async (name) => {
    const mounting = (readOnly: boolean) => app('main', { volumeMounts: [{ name, mountPath: '/x', readOnly }] });
    const pod = (spec: Partial<PodBody['spec']>): PodBody => {
      const base = tokenless(agentPod());
      const whole = { ...base, spec: { ...base.spec, ...spec } };
      const volumes = whole.spec.volumes?.filter((volume) => volume.name !== name) ?? [];
      return { ...whole, spec: { ...whole.spec, volumes: [...volumes, { name, emptyDir: {} }] } };
    };
    const init = pod({
      initContainers: [gateway({ volumeMounts: [] }), capture(), { ...mounting(false), name: 'init' }],
    });
    for (const each of [pod({ containers: [mounting(false)] }), init]) {
      expect(await server.tryPod(enabled, each)).toEqual(refusal('aegis-sidecar', MOUNT));
    }
    const read = await server.tryPod(enabled, pod({ containers: [mounting(true)] }));
    expect(read).toEqual(name === 'aegis-trust' ? ADMITTED : refusal('aegis-sidecar', MOUNT));
  });

  test('has none of our volumes but those that the contract names', async () => {
    const pod = agentPod();
    pod.spec.volumes?.push({ name: 'aegis-more', emptyDir: {} });
    const words = 'names of volumes that begin with aegis- are reserved';
    expect(await server.tryPod(enabled, pod)).toEqual(refusal('aegis-sidecar', words, 422));
  });
});

describe('a pod without the stamp', () => {
  test('is none of our business', async () => {
    expect(await server.tryPod(enabled, plainPod())).toEqual(ADMITTED);
    expect(await server.tryPod(enabled, plainPod({ metadata: { annotations: { a: 'b' } } }))).toEqual(ADMITTED);
    const generated = { ...plainPod(), metadata: { generateName: 'pod-' } } as unknown as PodBody;
    expect(await server.tryPod(enabled, generated)).toEqual(ADMITTED);
    const named = plainPod({ spec: { containers: [app('aegis')], volumes: [{ name: 'my-aegis', emptyDir: {} }] } });
    expect(await server.tryPod(enabled, named)).toEqual(ADMITTED);
  });

  test('carries none of our names', async () => {
    const containers = 'names of containers that begin with aegis- are reserved';
    const volumes = 'names of volumes that begin with aegis- are reserved';
    const init = plainPod({ spec: { initContainers: [gateway({ volumeMounts: [] })] } });
    expect(await server.tryPod(enabled, init)).toEqual(refusal('aegis-sidecar', containers, 422));
    const main = plainPod({ spec: { containers: [app('aegis-gateway')] } });
    expect(await server.tryPod(enabled, main)).toEqual(refusal('aegis-sidecar', containers, 422));
    const volume = plainPod({ spec: { volumes: [{ name: 'aegis-trust', emptyDir: {} }] } });
    expect(await server.tryPod(enabled, volume)).toEqual(refusal('aegis-sidecar', volumes, 422));
    for (const pod of [init, main, volume]) expect((await server.tryPod(other, pod)).status).toBe(201);
  });

  test('is refused in a strict namespace, operator or not', async () => {
    const words = 'this namespace takes only pods with a gateway';
    expect(await server.tryPod(strict, plainPod())).toEqual(refusal('aegis-sidecar', words));
    expect(await server.tryPod(open, plainPod())).toEqual(refusal('aegis-sidecar', words));
    expect(await server.tryPod(open, plainPod({ metadata: { labels: OPT_OUT } }))).toEqual(ADMITTED);
  });

  test('may be the shadow of a static pod', async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
    const made = (await server.api.raw('POST', '/api/v1/nodes', node)).body as { metadata: { uid: string } };
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: made.metadata.uid, controller: true };
    const mirror = plainPod({
      metadata: { annotations: { 'kubernetes.io/config.mirror': 'abc' }, ownerReferences: [owner] },
      spec: { nodeName: 'node-1' },
    });
    const kubelet = { user: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] };
    for (const namespace of ['kube-system', strict, enabled]) {
      expect([namespace, await server.tryPod(namespace, mirror, kubelet)]).toEqual([namespace, ADMITTED]);
    }
  });
});

describe('a pod that stays out', () => {
  const pod = plainPod({ metadata: { labels: OPT_OUT } });

  test('only where the namespace allows it', async () => {
    const words = (namespace: string) => `pods of namespace ${namespace} cannot stay out: remove the label`;
    expect(await server.tryPod(enabled, pod)).toEqual(refusal('aegis-opt-out', words(enabled)));
    expect((await server.tryPod(strict, pod)).status).toBe(403);
    expect(await server.tryPod(open, pod)).toEqual(ADMITTED);
    expect(await server.tryPod(other, pod)).toEqual(ADMITTED);
  });

  test('only "true" allows it, and only "false" stays out', async () => {
    const almost = await server.api.namespace('almost', {
      'aegis.dev/inject': 'enabled',
      'aegis.dev/allow-opt-out': 'True',
    });
    expect(await server.tryPod(almost, pod)).toEqual(refusal('aegis-opt-out', 'cannot stay out'));
    const no = plainPod({ metadata: { labels: { 'aegis.dev/inject': 'no' } } });
    expect(await server.tryPod(enabled, no)).toEqual(ADMITTED);
  });

  test('does not claim to be guarded', async () => {
    const answer = await server.tryPod(open, agentPod({ metadata: { labels: OPT_OUT } }));
    expect(answer).toEqual(refusal('aegis-opt-out', 'cannot carry the annotation aegis.dev/status', 422));
  });
});

describe('images of a running pod', () => {
  const path = () => `/api/v1/namespaces/${enabled}/pods/agent`;
  const setImage = (index: number, list: string, image: string) =>
    server.ask('PATCH', path(), [{ op: 'replace', path: `/spec/${list}/${index}/image`, value: image }], {
      contentType: 'application/json-patch+json',
    });

  test('ours stay, those of the app change, and nothing else is looked at', async () => {
    await server.makePod(enabled, agentPod());
    const words = 'the image of aegis-gateway and aegis-capture is not changed in a running pod';
    for (const index of [0, 1]) {
      const answer = await setImage(index, 'initContainers', 'aegis-gateway:0.0.9');
      expect(answer).toEqual(refusal('aegis-sidecar', words));
    }
    const foreign = await setImage(0, 'initContainers', 'none.invalid/x');
    expect(foreign).toEqual(refusal('aegis-sidecar', 'run the image aegis-gateway and no other'));
    expect((await setImage(2, 'initContainers', 'none.invalid/migrate:2')).status).toBe(200);
    expect((await setImage(0, 'containers', 'none.invalid/app:2')).status).toBe(200);
    expect((await server.merge(path(), { metadata: { finalizers: ['example.com/x'] } })).status).toBe(200);
    expect((await server.merge(path(), { metadata: { finalizers: null } })).status).toBe(200);
  });
});

test('a pod with one thing wrong is never admitted, and never refused without one', async () => {
  type Change = (pod: PodBody) => void;
  const first = (pod: PodBody) => pod.spec.initContainers?.[0] as ReturnType<typeof app>;
  const wrong: Change[] = [
    (pod) => pod.spec.initContainers?.unshift(app('before')),
    (pod) => pod.spec.initContainers?.push(app('aegis-later')),
    (pod) => pod.spec.containers.push(app('aegis-side')),
    (pod) => pod.spec.initContainers?.splice(1, 1),
    (pod) => {
      first(pod).image = 'none.invalid/gateway';
    },
    (pod) => {
      first(pod).securityContext = {};
    },
    (pod) => pod.spec.volumes?.push({ name: 'aegis-mine', emptyDir: {} }),
    (pod) => pod.spec.containers.push(app('root', { securityContext: { runAsUser: GATEWAY_UID } })),
    (pod) => {
      pod.spec.securityContext = { runAsUser: GATEWAY_UID };
    },
  ];
  const fine: Change[] = [
    (pod) => pod.spec.initContainers?.push(app('later', { securityContext: { runAsUser: 0 } })),
    (pod) => pod.spec.containers.push(app('side', { securityContext: { runAsUser: 1000 } })),
    (pod) => pod.spec.volumes?.push({ name: 'mine', emptyDir: {} }),
    (pod) => {
      pod.metadata.labels = { ...pod.metadata.labels, tier: 'x' };
    },
    (pod) => {
      pod.spec.priority = 0;
    },
  ];
  const run = fc.asyncProperty(fc.subarray(wrong), fc.subarray(fine), async (bad, good) => {
    const pod = tokenless(agentPod({ metadata: { name: 'another' } }));
    for (const change of [...good, ...bad]) change(pod);
    const [inside, outside] = [await server.tryPod(enabled, pod), await server.tryPod(other, pod)];
    expect([outside.status, inside.status < 300, inside.status < 500]).toEqual([201, bad.length === 0, true]);
  });
  await fc.assert(run, { numRuns: 120 });
});
