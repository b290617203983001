/** A real API server calls the injection, twice where others change the pod, and the check at the end takes the pod. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { checkPod } from '../../../operator/injection/check-pod.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import { patchOf } from '../../../operator/injection/json-patch.ts';
import type { AdmittedPod, Container } from '../../../operator/injection/types.ts';
import { ApiServer, eventually } from '../../apiserver/api-server.ts';
import { loopbackCertificate } from '../../apiserver/loopback-certificate.ts';
import { digest, podOf, situation } from './sample-injection.ts';

const AROUND = situation({ registration: { egressGuard: 'Enforce' }, settings: { image: 'gateway:1' } });
const NAMESPACE = 'fintech';

let server: ApiServer;
let webhooks: Server;
/** Paths that were asked, since the last pod. */
let calls: string[] = [];

type Answer = { patch: unknown[] } | { refused: string };

/** Puts a container in front of all others, as some injectors insist on. */
function inFront(pod: AdmittedPod, name: string): AdmittedPod {
  const there = pod.spec.initContainers ?? [];
  const own = there.find((container) => container.name === name) ?? { name, image: 'other:1' };
  return { ...pod, spec: { ...pod.spec, initContainers: [own, ...there.filter((container) => container !== own)] } };
}

function answer(path: string, pod: AdmittedPod): Answer {
  const { facts, namespace, settings } = AROUND;
  if (path === '/inject') return { patch: patchOf(pod, injectPod(pod, facts, namespace, settings, digest).pod) };
  if (path !== '/check') return { patch: patchOf(pod, inFront(pod, path.slice(1))) };
  const findings = checkPod(pod, [AROUND], digest);
  return findings.length === 0 ? { patch: [] } : { refused: JSON.stringify(findings) };
}

beforeAll(async () => {
  const { ca, cert, key } = loopbackCertificate();
  webhooks = createServer({ cert, key }, async (request, response) => {
    const { request: asked } = (await json(request)) as { request: { uid: string; object: AdmittedPod } };
    const path = request.url ?? '';
    calls.push(path);
    const given = answer(path.split('?')[0] as string, asked.object);
    const decided =
      'refused' in given
        ? { allowed: false, status: { code: 403, message: given.refused } }
        : { allowed: true, ...patched(given.patch) };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: asked.uid, ...decided },
      }),
    );
  });
  await new Promise<void>((resolve) => void webhooks.listen(0, '127.0.0.1', resolve));
  server = await ApiServer.start({
    crds: false,
    serviceAccounts: true,
    serverFlags: ['--enable-admission-plugins=NodeRestriction,AlwaysPullImages'],
  });
  const { port } = webhooks.address() as AddressInfo;
  const caBundle = Buffer.from(ca).toString('base64');
  const webhook = (name: string, path: string) => ({
    name,
    admissionReviewVersions: ['v1'],
    clientConfig: { url: `https://127.0.0.1:${port}${path}`, caBundle },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
  });
  const again = { reinvocationPolicy: 'IfNeeded' };
  await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'finance-agent' },
  });
  await create(`/api/v1/namespaces/${NAMESPACE}/limitranges`, {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'defaults' },
    spec: { limits: [{ type: 'Container', default: { cpu: '2', memory: '1Gi' }, max: { cpu: '4', memory: '2Gi' } }] },
  });
  const admission = '/apis/admissionregistration.k8s.io/v1';
  await create(`${admission}/mutatingwebhookconfigurations`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'injection' },
    webhooks: [
      { ...webhook('before.example.com', '/before'), ...again },
      { ...webhook('inject.aegis.dev', '/inject'), ...again },
      webhook('after.example.com', '/after'),
    ],
  });
  await create(`${admission}/validatingwebhookconfigurations`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'check' },
    webhooks: [webhook('pods.aegis.dev', '/check')],
  });
});

afterAll(async () => {
  await server?.stop();
  webhooks?.closeAllConnections();
  await new Promise((resolve) => webhooks?.close(resolve));
});

function patched(operations: readonly unknown[]): object {
  if (operations.length === 0) return {};
  return { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}

async function create(path: string, body: object): Promise<void> {
  const { status, body: said } = await server.raw('POST', path, body);
  expect({ status, said }).toMatchObject({ status: 201 });
}

test('beside two injectors, a LimitRange, AlwaysPullImages and the token of the ServiceAccount', async () => {
  // the API server takes its time to know new webhooks and ServiceAccounts
  await eventually(async () => {
    calls = [];
    const { status, body } = await server.raw('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`, podOf());
    expect({ status, said: status === 201 || body, calls }).toMatchObject({ status: 201, said: true });
    expect(new Set(calls.map((path) => path.split('?')[0]))).toEqual(
      new Set(['/before', '/inject', '/after', '/check']),
    );
  }, 30_000);

  calls = [];
  const { status, body } = await server.raw('POST', `/api/v1/namespaces/${NAMESPACE}/pods`, podOf());
  expect({ status, said: status === 201 || body, calls }).toMatchObject({ status: 201, said: true });
  expect(calls.map((path) => path.split('?')[0])).toEqual([
    '/before',
    '/inject',
    '/after',
    '/before',
    '/inject',
    '/check',
  ]);

  const { spec } = body as AdmittedPod;
  expect(spec.initContainers?.map(({ name }) => name)).toEqual(['aegis-gateway', 'aegis-capture', 'before', 'after']);
  const token = '/var/run/secrets/kubernetes.io/serviceaccount';
  const hasToken = ({ volumeMounts }: Container) => volumeMounts?.some(({ mountPath }) => mountPath === token) === true;
  expect(spec.initContainers?.map(hasToken)).toEqual([false, false, true, true]);
  expect(spec.containers.map(hasToken)).toEqual([true]);
  const [gateway] = spec.initContainers as [Container];
  expect(gateway).toMatchObject({
    imagePullPolicy: 'Always',
    resources: { limits: { cpu: '2', memory: '256Mi' }, requests: { cpu: '50m', memory: '96Mi' } },
  });
});
