/**
 * The life of a release, by the real helm at a real API server: installed, upgraded, rolled back, removed, installed
 * again. There are no nodes, so nothing gets ready; whatever the API server refuses fails the test.
 */
import { join } from 'node:path';
import { ApiServer } from '../apiserver/api-server.ts';
import { CHART, copyOfChart, edit, FULL, helmAt, type Manifest, manifestsIn, nameOf, render } from './helm.ts';

const NAMESPACE = 'aegis-system';
const WHERE = `--namespace=${NAMESPACE}`;
const BUNDLE = Buffer.from('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n').toString('base64');

/** What the Prometheus operator would bring. */
const SERVICE_MONITORS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

let server: ApiServer;
/** Of the AgentTool, which outlives everything that happens to the release. */
let uid: string;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  await server.applyYaml(JSON.stringify(SERVICE_MONITORS));
  await established();
});
afterAll(() => server?.stop());

const manifestOf = async () => manifestsIn(await helmAt(server, 'get', 'manifest', 'aegis', WHERE));

/** Those of the objects that are there. */
async function present(manifests: readonly Manifest[]): Promise<Manifest[]> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
  const text = await server.runKubectl(['get', '-f', '-', '--ignore-not-found', '-o', 'json'], list);
  const { items = [] } = text === '' ? {} : (JSON.parse(text) as { items?: Manifest[] });
  return items;
}

const names = (manifests: readonly Manifest[]): string[] => manifests.map(nameOf).sort();
const isDefinition = ({ kind }: Manifest): boolean => kind === 'CustomResourceDefinition';
const established = () => server.runKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);

async function tool(): Promise<Manifest & { spec: Record<string, unknown> }> {
  return JSON.parse(await server.runKubectl(['get', 'agenttool', 'notes', '-n', 'default', '-o', 'json']));
}
async function deployment(): Promise<{ spec: { replicas: number; template: unknown } }> {
  return JSON.parse(await server.runKubectl(['get', 'deployment', 'aegis-operator', '-n', NAMESPACE, '-o', 'json']));
}
const caBundle = () =>
  server.runKubectl([
    'get',
    'mutatingwebhookconfiguration',
    'aegis-injection',
    '-o=jsonpath={.webhooks[0].clientConfig.caBundle}',
  ]);

describe('what is said after the install', () => {
  const notes = async (...flags: string[]): Promise<string> => {
    const words = await helmAt(server, 'install', 'aegis', CHART, WHERE, '--dry-run=client', ...flags);
    return words.replace(/^[\s\S]*\nNOTES:\n/, '');
  };

  test('names the next steps', async () => {
    const steps = await notes();
    expect(steps).toContain('kubectl label namespace NAMESPACE aegis.dev/inject=enabled');
    expect(steps).toContain('aegis-gateway:0.1.0');
    expect(steps.split('\n').length).toBeLessThan(20);
    expect(await notes('--set=injection.enabled=false')).toContain('run them beside your agents yourself');
    expect(await notes(FULL, '--set=injection.enabled=true')).toContain('mirror.example.com/aegis/gateway:1.2.4');
  });

  test('warns of metrics that nobody may read', async () => {
    const monitored = '--set=serviceMonitor.enabled=true';
    expect(await notes(monitored)).toContain('networkPolicy.monitoring.namespaces');
    expect(await notes(monitored, '--set=networkPolicy.monitoring.namespaces={a}')).not.toContain('ServiceMonitor');
  });
});

test('the install: every object is there', async () => {
  await helmAt(server, 'install', 'aegis', CHART, WHERE, '--create-namespace');
  const manifests = await manifestOf();
  expect(names(manifests)).toEqual(names(manifestsIn(render())));
  expect(names(await present(manifests))).toEqual(names(manifests));

  await established();
  const actions = [{ name: 'get_note', effect: 'read', match: { method: 'GET', path: '/notes' } }];
  const spec = { protocol: 'HTTP', upstream: { url: 'https://notes.example.com' }, actions };
  const object = {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentTool',
    metadata: { name: 'notes', namespace: 'default' },
    spec,
  };
  // nobody answers for the webhook here, which costs its timeout
  await server.applyYaml(JSON.stringify(object));
  uid = (await tool()).metadata.uid as string;

  // as the operator does
  const patch = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: BUNDLE }];
  const where = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/aegis-injection';
  const options = { contentType: 'application/json-patch+json' };
  expect(await server.raw('PATCH', `${where}?fieldManager=aegis-webhook-ca`, patch, options)).toMatchObject({
    status: 200,
  });
});

test('an upgrade: other values, a new field of a definition, and what is no longer wanted goes', async () => {
  const next = copyOfChart();
  edit(join(next, 'Chart.yaml'), /^version: .*/m, 'version: 9.0.0');
  const definition = join(next, 'templates/from-config/crds/agenttools.yaml');
  edit(
    definition,
    / {10}spec:\n(?: {12}[^\n]*\n)*? {12}properties:\n/,
    '$&              addedLater: {type: string, default: new}\n',
  );
  expect((await tool()).spec.addedLater).toBeUndefined();

  await helmAt(server, 'upgrade', 'aegis', next, WHERE, '--set=replicas=1,operator.settings.workers=8');
  expect(JSON.stringify((await deployment()).spec.template)).toContain('{"name":"AEGIS_OPERATOR_WORKERS","value":"8"}');
  expect((await deployment()).spec.replicas).toBe(1);
  await established();
  expect((await tool()).spec.addedLater).toBe('new');
  expect((await tool()).metadata.uid).toBe(uid);
  const gone = (await present(manifestsIn(render()))).some(({ kind }) => kind === 'PodDisruptionBudget');
  expect(gone).toBe(false);
  // the operator's field is nobody else's
  expect(await caBundle()).toBe(BUNDLE);
});

test('a rollback: all as it was, with the resources of the users', async () => {
  await helmAt(server, 'rollback', 'aegis', '1', WHERE);
  expect((await deployment()).spec.replicas).toBe(2);
  expect(names(await present(await manifestOf()))).toContain('PodDisruptionBudget aegis-operator');
  await established();
  expect((await tool()).spec.addedLater).toBeUndefined();
  expect((await tool()).metadata.uid).toBe(uid);
  expect(await caBundle()).toBe(BUNDLE);
});

test('a definition that is no longer installed by the chart stays', async () => {
  await helmAt(server, 'upgrade', 'aegis', CHART, WHERE, '--set=crds.install=false');
  expect((await manifestOf()).some(isDefinition)).toBe(false);
  expect((await tool()).metadata.uid).toBe(uid);
  await helmAt(server, 'upgrade', 'aegis', CHART, WHERE);
  expect((await tool()).metadata.uid).toBe(uid);
});

test('the uninstall: definitions and what users wrote stay, nothing else does', async () => {
  const manifests = await manifestOf();
  await helmAt(server, 'uninstall', 'aegis', WHERE);
  expect(names(await present(manifests))).toEqual(names(manifests.filter(isDefinition)));
  expect((await tool()).metadata.uid).toBe(uid);
});

test('another install takes over what was kept', async () => {
  await helmAt(server, 'install', 'aegis', CHART, WHERE);
  expect(names(await present(await manifestOf()))).toEqual(names(manifestsIn(render())));
  expect((await tool()).metadata.uid).toBe(uid);
  await helmAt(server, 'uninstall', 'aegis', WHERE);
});

test('under another name or in another namespace only where that is asked for', async () => {
  const elsewhere = ['--namespace=elsewhere', '--create-namespace'];
  await expect(helmAt(server, 'install', 'guard', CHART, ...elsewhere)).rejects.toThrow(
    /CustomResourceDefinition "\w+\.aegis\.dev" .*invalid ownership metadata/,
  );
  await helmAt(server, 'install', 'guard', CHART, ...elsewhere, '--take-ownership');
  expect((await tool()).metadata.uid).toBe(uid);
  const binding = await server.runKubectl([
    'get',
    'clusterrolebinding',
    'aegis-operator',
    '-o=jsonpath={.subjects[0].namespace}',
  ]);
  expect(binding).toBe('elsewhere');
  await helmAt(server, 'uninstall', 'guard', '--namespace=elsewhere');
});

test('with every value', async () => {
  const values = [FULL, '--set=injection.enabled=true,crds.install=true'];
  await helmAt(server, 'install', 'aegis', CHART, WHERE, ...values, '--take-ownership');
  const manifests = await manifestOf();
  expect(names(manifests)).toContain('ServiceMonitor aegis-operator');
  expect(names(await present(manifests))).toEqual(names(manifests));
});
