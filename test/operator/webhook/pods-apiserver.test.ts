/** Pods created on a real API server, with the real operator as the webhook, and another injector beside it. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AdmittedPod, Container } from '../../../operator/injection/types.ts';
import { PATHS, type PodStamp, STAMP_ANNOTATION, VOLUMES } from '../../../policy/wire/pod-contract.ts';
import { ApiServer, waitFor } from '../../apiserver/api-server.ts';
import { loopbackCertificate } from '../../apiserver/loopback-certificate.ts';
import { installOperator, type OperatorProcess, startOperator } from '../../support/operator-process.ts';
import { installPodWebhooks, podWebhookManifests } from '../../support/pod-webhooks.ts';

const ROOT = join(__dirname, '../../..');
const IMAGE = 'registry.example.com/aegis-gateway:1';

let server: ApiServer;
let operator: OperatorProcess;
let other: Server;
/** What the other injector does to a pod: JSON Patch. */
let otherPatch: (pod: AdmittedPod) => object[] = () => [];
let serial = 0;

/** Another injector, called before (a…) or after (z…) ours: webhooks run in the order of their configurations' names. */
async function installOther(name: string): Promise<void> {
  const { ca, cert, key } = loopbackCertificate();
  other = createServer({ cert, key }, (request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      const { request: review } = JSON.parse(body) as { request: { uid: string; object: AdmittedPod } };
      const patch = Buffer.from(JSON.stringify(otherPatch(review.object))).toString('base64');
      const answer = { uid: review.uid, allowed: true, patchType: 'JSONPatch', patch };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
    });
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const [mutating] = podWebhookManifests(operator.webhook);
  const [webhook] = mutating?.webhooks ?? [];
  const configuration = {
    ...mutating,
    metadata: { name },
    webhooks: [
      {
        ...webhook,
        name: 'other.example.com',
        sideEffects: 'None',
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(ca).toString('base64') },
      },
    ],
  };
  await server.applyYaml(JSON.stringify(configuration));
}

interface PodOptions {
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  account?: string;
  spec?: Record<string, unknown>;
  dryRun?: boolean;
}

async function create(options: PodOptions = {}): Promise<{ status: number; pod: AdmittedPod; message: string }> {
  const { namespace = 'fintech', labels = { app: 'finance-agent' }, account = 'finance-agent' } = options;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${serial++}`, namespace, labels, annotations: options.annotations ?? {} },
    spec: { serviceAccountName: account, containers: [{ name: 'app', image: 'app:1' }], ...options.spec },
  };
  const query = options.dryRun === true ? '?dryRun=All' : '';
  const { status, body } = await server.raw('POST', `/api/v1/namespaces/${namespace}/pods${query}`, pod);
  return { status, pod: body as AdmittedPod, message: (body as { message?: string }).message ?? '' };
}

const named = (list: Container[] | undefined, name: string) => (list ?? []).find((each) => each.name === name);
const stampOf = (pod: AdmittedPod) => JSON.parse(pod.metadata.annotations?.[STAMP_ANNOTATION] ?? 'null') as PodStamp;

async function eventsOn(registration: string): Promise<{ reason: string; note: string }[]> {
  const { body } = await server.raw('GET', '/apis/events.k8s.io/v1/namespaces/fintech/events');
  const { items } = body as { items: { reason: string; note: string; regarding: { name: string } }[] };
  return items.filter(({ regarding }) => regarding.name === registration);
}

beforeAll(async () => {
  server = await ApiServer.start();
  await installOperator(server);
  const namespaces = { fintech: 'enabled', strict: 'strict', plain: undefined };
  for (const [name, mode] of Object.entries(namespaces)) {
    const labels = mode === undefined ? {} : { 'aegis.dev/inject': mode };
    await server.applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }));
    for (const account of ['default', 'finance-agent', 'planner-agent']) {
      const metadata = { name: account, namespace: name };
      await server.applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }));
    }
  }
  operator = await startOperator(server, { settings: { 'injection.image': IMAGE } });
  const sample = join(ROOT, 'config/samples/fintech');
  for (const file of readdirSync(sample).filter((name) => name.endsWith('.yaml') && !name.includes('suite'))) {
    await server.applyYaml(readFileSync(join(sample, file), 'utf8'));
  }
  await installPodWebhooks(server, operator.webhook);
}, 120_000);

afterAll(async () => {
  other?.close();
  await operator?.stop();
  await server?.stop();
});

afterEach(async () => {
  otherPatch = () => [];
  await server.runKubectl(['delete', 'mutatingwebhookconfiguration', 'a-other', 'z-other', '--ignore-not-found']);
});

test('a pod of an agent gets its gateway: first of the init containers, with what it needs pinned', async () => {
  const { status, pod } = await create();
  expect(status).toBe(201);
  const [gateway, capture] = pod.spec.initContainers ?? [];
  expect([gateway?.name, gateway?.restartPolicy, gateway?.image]).toEqual(['aegis-gateway', 'Always', IMAGE]);
  expect(capture?.name).toBe('aegis-capture');
  const values = Object.fromEntries((gateway?.env ?? []).map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({
    AEGIS_GATEWAY_AGENT: 'finance-agent',
    AEGIS_GATEWAY_TENANT: 'fintech',
    AEGIS_GATEWAY_BUNDLE_PINNED_KEYS: expect.stringMatching(/^[0-9a-f]+,[0-9a-f]+$/),
    AEGIS_GATEWAY_BUNDLE_CA: expect.stringContaining('BEGIN CERTIFICATE'),
  });
  expect(stampOf(pod)).toMatchObject({ registration: 'finance-agent', agent: 'finance-agent', capture: 'Transparent' });
  const app = named(pod.spec.containers, 'app');
  expect(app?.volumeMounts).toContainEqual(
    expect.objectContaining({ name: VOLUMES.trust, mountPath: PATHS.trust, readOnly: true }),
  );
  expect(app?.volumeMounts?.some(({ name }) => name === VOLUMES.token)).toBe(false);
});

test('pods of nobody are left alone; in a strict namespace they are refused', async () => {
  const { status, pod } = await create({ labels: { app: 'unrelated' } });
  expect([status, pod.spec.initContainers]).toEqual([201, undefined]);
  const refused = await create({ namespace: 'strict', labels: { app: 'unrelated' } });
  expect([refused.status, refused.message]).toEqual([403, expect.stringContaining('AEGIS_INJECT_NO_AGENT')]);
  const elsewhere = await create({ namespace: 'plain' });
  expect([elsewhere.status, elsewhere.pod.spec.initContainers]).toEqual([201, undefined]);
});

test('the labels of an agent under another ServiceAccount: a warning, and an Event on the registration', async () => {
  const { status, pod } = await create({ account: 'default' });
  expect([status, pod.spec.initContainers]).toEqual([201, undefined]);
  await waitFor(async () => (await eventsOn('finance-agent')).some(({ reason }) => reason === 'PodUnguarded'), 20_000);
});

test('the network of the node: refused, with an Event on the registration; a dry run leaves none', async () => {
  const spec = { hostNetwork: true };
  const before = (await eventsOn('finance-agent')).length;
  expect((await create({ spec, dryRun: true })).status).toBe(403);
  const { status, message } = await create({ spec });
  expect([status, message]).toEqual([403, expect.stringContaining('AEGIS_INJECT_HOST_NETWORK')]);
  await waitFor(
    async () => (await eventsOn('finance-agent')).some(({ note }) => note.includes('AEGIS_INJECT_HOST_NETWORK')),
    20_000,
  );
  expect((await eventsOn('finance-agent')).length).toBe(before + 1);
});

test('two registrations for one pod: refused', async () => {
  const registration = {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name: 'twin', namespace: 'fintech' },
    spec: {
      owner: 'twins@example.com',
      workload: {
        selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['finance-agent'] }] },
        serviceAccountName: 'finance-agent',
      },
    },
  };
  await server.applyYaml(JSON.stringify(registration));
  await waitFor(async () => (await create({ dryRun: true })).message.includes('AEGIS_INJECT_AMBIGUOUS'), 20_000);
  await server.runKubectl(['-n', 'fintech', 'delete', 'agreg', 'twin']);
  await waitFor(async () => (await create({ dryRun: true })).status === 201, 20_000);
});

test('what looks like ours and is not: overwritten', async () => {
  const { status, pod } = await create({
    annotations: { [STAMP_ANNOTATION]: JSON.stringify({ version: 1, registration: 'finance-agent', guarded: true }) },
    spec: {
      initContainers: [{ name: 'aegis-gateway', image: 'evil:1', restartPolicy: 'Always' }],
      containers: [
        { name: 'app', image: 'app:1', volumeMounts: [{ name: 'aegis-token', mountPath: '/stolen' }] },
        { name: 'second', image: 'app:1' },
      ],
      volumes: [{ name: 'aegis-token', emptyDir: {} }],
    },
  });
  expect(status).toBe(201);
  expect(named(pod.spec.initContainers, 'aegis-gateway')?.image).toBe(IMAGE);
  expect(JSON.stringify(pod.spec.containers)).not.toContain('/stolen');
  expect(pod.spec.volumes?.find(({ name }) => name === VOLUMES.token)).toHaveProperty('projected');
});

describe.each(['a-other', 'z-other'])('beside another injector (%s)', (name) => {
  test('its containers stay, and get the CA as well; ours are first', async () => {
    await installOther(name);
    otherPatch = ({ spec }) =>
      named(spec.containers, 'mesh') === undefined
        ? [{ op: 'add', path: '/spec/containers/-', value: { name: 'mesh', image: 'mesh:1' } }]
        : [];
    await waitFor(async () => named((await create()).pod.spec?.containers, 'mesh') !== undefined, 20_000);
    const { pod } = await create();
    expect(pod.spec.initContainers?.[0]?.name).toBe('aegis-gateway');
    expect(named(pod.spec.containers, 'mesh')?.volumeMounts).toContainEqual(
      expect.objectContaining({ name: VOLUMES.trust }),
    );
  });
});

test('another injector that changes our gateway every time: the pod is refused', async () => {
  await installOther('z-other');
  otherPatch = ({ spec }) => {
    const index = (spec.initContainers ?? []).findIndex(({ name }) => name === 'aegis-gateway');
    return index < 0 ? [] : [{ op: 'replace', path: `/spec/initContainers/${index}/image`, value: 'evil:1' }];
  };
  await waitFor(async () => (await create()).message.includes('AEGIS_INJECT_DIFFERS'), 20_000);
});

test('with the operator away, no pod of a labelled namespace is started, and others are', async () => {
  await operator.stop();
  expect((await create()).status).toBeGreaterThanOrEqual(400);
  expect((await create({ namespace: 'plain' })).status).toBe(201);
  operator = await startOperator(server, {
    settings: { 'injection.image': IMAGE, 'listen.webhook': `127.0.0.1:${operator.webhook}` },
  });
  await waitFor(async () => (await create()).status === 201, 30_000, 'the webhook does not come back');
});
