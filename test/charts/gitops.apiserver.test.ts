/**
 * Argo CD applies the same manifests again and again, and shows whatever is not as they say. What it would see, asked of a
 * real API server: by server-side and by client-side apply, with the operator's CA in the webhook configurations.
 */
import { WEBHOOK_CONFIGURATIONS } from '../../operator/certificates/ca-bundle.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import { type Manifest, manifestsIn, nameOf, render } from './helm.ts';

const BUNDLE = Buffer.from('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n').toString('base64');
const MANAGER = '--field-manager=argocd-controller';

let server: ApiServer;
const manifests = manifestsIn(render());
const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  await server.runKubectl(['create', 'namespace', 'aegis-system']);
});
afterAll(() => server?.stop());

async function live(): Promise<Map<string, Manifest>> {
  const { items } = JSON.parse(await server.runKubectl(['get', '-f', '-', '-o', 'json'], text)) as {
    items: Manifest[];
  };
  return new Map(items.map((object) => [nameOf(object), object]));
}

const versions = (objects: Map<string, Manifest>) =>
  Object.fromEntries(
    [...objects].map(([name, { metadata }]) => [name, [metadata.resourceVersion, metadata.generation]]),
  );

/** What the operator writes. */
async function putCa(): Promise<void> {
  for (const { type, name } of WEBHOOK_CONFIGURATIONS) {
    const path = `/apis/${type.group}/${type.version}/${type.plural}/${name}?fieldManager=aegis-webhook-ca`;
    const patch = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: BUNDLE }];
    const { status } = await server.raw('PATCH', path, patch, { contentType: 'application/json-patch+json' });
    expect(status).toBe(200);
  }
}

/** Paths of what is declared and not so at the server. */
function differences(declared: unknown, found: unknown, path = ''): string[] {
  if (typeof declared !== 'object' || declared === null) return Object.is(declared, found) ? [] : [path];
  if (typeof found !== 'object' || found === null) return [path];
  if (Array.isArray(declared) && declared.length !== (found as unknown[]).length) return [path];
  return Object.entries(declared).flatMap(([key, value]) =>
    differences(value, (found as Record<string, unknown>)[key], `${path}/${key}`),
  );
}

const bundles = (objects: Map<string, Manifest>): unknown[] =>
  WEBHOOK_CONFIGURATIONS.map(({ type, name }) => {
    const { webhooks } = objects.get(`${type.kind} ${name}`) as unknown as {
      webhooks: { clientConfig: { caBundle?: string } }[];
    };
    return webhooks[0]?.clientConfig.caBundle;
  });

test.each([
  ['server-side', ['--server-side', '--force-conflicts', MANAGER], ['--server-side', '--force-conflicts', MANAGER]],
  ['client-side', [MANAGER], []],
])('%s apply: nothing is ever different, and the CA of the operator stays', async (_, apply, diff) => {
  await server.runKubectl(['apply', ...apply, '-f', '-'], text);
  await server.runKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await putCa();
  const before = await live();
  expect(before.size).toBe(manifests.length);

  // ends with 1 where there is a difference
  expect(await server.runKubectl(['diff', ...diff, '-f', '-'], text)).toBe('');
  await server.runKubectl(['apply', ...apply, '-f', '-'], text);
  const after = await live();
  expect(versions(after)).toEqual(versions(before));
  expect(bundles(after)).toEqual(WEBHOOK_CONFIGURATIONS.map(() => BUNDLE));
});

test('everything is written as the API server writes it', async () => {
  const found = await live();
  const wrong = manifests.flatMap((manifest) =>
    differences(manifest, found.get(nameOf(manifest))).map((path) => `${nameOf(manifest)} ${path}`),
  );
  expect(wrong).toEqual([]);
});
