/** Pods as the webhook really renders them, and pods that were there before. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { GATEWAY_UID, STAMP_ANNOTATION } from '../../../policy/wire/pod-contract.ts';
import { waitFor } from '../../apiserver/api-server.ts';
import { ADMITTED, app, type PodBody, PolicyServer, plainPod, ROOT } from './harness.ts';

const GOLDEN = join(ROOT, 'test/operator/injection/golden');
const files = readdirSync(GOLDEN).filter((name) => name.endsWith('.out.yaml') && !name.startsWith('refused-'));

let server: PolicyServer;
let strict: string;

beforeAll(async () => {
  server = await PolicyServer.start();
  strict = await server.api.namespace('strict', { 'aegis.dev/inject': 'strict' });
});
afterAll(() => server?.stop());

/** With image and user of these policies. The webhook is asked before the API server compares fields with each other. */
function rendered(file: string): PodBody {
  const text = readFileSync(join(GOLDEN, file), 'utf8')
    .replaceAll('registry.example.com/aegis/gateway', 'aegis-gateway')
    .replaceAll('runAsUser: 20001', `runAsUser: ${GATEWAY_UID}`)
    .replace('  hostPID: true\n', '');
  const { metadata, ...pod } = parse(text) as PodBody;
  const { labels = {}, annotations = {} } = metadata;
  return { ...pod, metadata: { name: 'rendered', labels, annotations } };
}

test.each(files)('%s is admitted', async (file) => {
  expect(await server.tryPod(strict, rendered(file))).toEqual(ADMITTED);
});

test('pods that were there before the namespace was protected are not held up', async () => {
  const late = await server.api.namespace('late');
  const metadata = { finalizers: ['example.com/wait'], annotations: { [STAMP_ANNOTATION]: '{}' } };
  const broken = plainPod({ metadata: { name: 'broken', ...metadata }, spec: { containers: [app('aegis-main')] } });
  await server.makePod(late, broken);
  await server.api.runKubectl(['label', 'namespace', late, 'aegis.dev/inject=strict']);
  const protecting = async () => (await server.tryPod(late, plainPod())).status === 403;
  await waitFor(protecting, 30_000, 'the namespace is not protected');
  const path = `/api/v1/namespaces/${late}/pods/broken`;
  const image = { spec: { containers: [{ name: 'aegis-main', image: 'none.invalid/app:2' }] } };
  const contentType = 'application/strategic-merge-patch+json';
  expect((await server.ask('PATCH', path, image, { contentType })).status).toBe(200);
  expect((await server.merge(`${path}/status`, { status: { phase: 'Running' } })).status).toBe(200);
  expect((await server.ask('DELETE', `${path}?gracePeriodSeconds=0`)).status).toBe(200);
  expect((await server.merge(path, { metadata: { finalizers: null } })).status).toBe(200);
  await waitFor(async () => (await server.ask('GET', path)).status === 404, 20_000, 'the pod is not deleted');
});
