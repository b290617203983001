/** `aegis doctor` against a real API server, with pods in states that the webhook would have refused or never seen. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { doctorCommandWith } from '../../../cli/commands/doctor.ts';
import type { CliContext } from '../../../cli/context.ts';
import type { Diagnosis } from '../../../cli/doctor/check.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { currentNamespace } from '../../../operator/kube/current-namespace.ts';
import type { PodStamp } from '../../../policy/wire/pod-contract.ts';
import { ApiServer } from '../../apiserver/api-server.ts';

const STAMP: PodStamp = {
  version: 1,
  registration: 'finance-agent',
  agent: 'finance-agent',
  tenant: 'fintech',
  template: `sha256:${'a'.repeat(64)}`,
  capture: 'Transparent',
  egressGuard: 'Enforce',
  guarded: true,
};

const folder = mkdtempSync(join(tmpdir(), 'aegis-doctor-'));
let server: ApiServer;
let restricted: string;

beforeAll(async () => {
  server = await ApiServer.start();
  apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fintech', labels: { 'aegis.dev/inject': 'enabled' } } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'empty' } },
    ...['fintech', 'plain'].map((namespace) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'finance-agent', namespace },
    })),
    registration('fintech'),
    registration('plain'),
    ...binding('fintech'),
  );
  setStatus('fintech', ['Accepted', 'BundlePublished', 'Injected', 'Programmed', 'EgressGuarded']);
  await makePod('fintech', 'healthy', STAMP);
  await makePod('fintech', 'old', undefined);
  await makePod('fintech', 'wrong-account', undefined, { serviceAccountName: 'default' });
  await makePod('fintech', 'stranger', undefined, { app: 'web' });
  await makePod('fintech', 'forged', STAMP, { containers: false });
  await makePod('plain', 'unseen', undefined);
  restricted = await restrictedKubeconfig();
}, 120_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function apply(...items: object[]): void {
  server.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

const registration = (namespace: string) => ({
  apiVersion: 'aegis.dev/v1alpha1',
  kind: 'AgentRegistration',
  metadata: { name: 'finance-agent', namespace },
  spec: {
    owner: 'payments@example.com',
    workload: { selector: { matchLabels: { app: 'finance-agent' } }, serviceAccountName: 'finance-agent' },
    egressGuard: 'Enforce',
  },
});

/** A reader of one namespace, as `view` would be. */
const binding = (namespace: string) => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader', namespace } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'reader', namespace },
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: ['aegis.dev'], resources: ['*'], verbs: ['get', 'list'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'reader', namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
  },
];

function setStatus(namespace: string, types: readonly string[]): void {
  const conditions = types.map((type) => ({
    ...{ type, status: 'True', reason: type, message: '', observedGeneration: 1 },
    lastTransitionTime: '2026-03-01T08:00:00Z',
  }));
  const pods = { matched: 1, injected: 1, acknowledged: 1, summary: '1/1' };
  const status = { observedGeneration: 1, conditions, egressGuard: 'Enforce', pods };
  const patch = ['patch', 'agreg', 'finance-agent', '-n', namespace, '--subresource=status', '--type=merge', '-p'];
  server.kubectl([...patch, JSON.stringify({ status })]);
}

async function makePod(
  namespace: string,
  name: string,
  stamp: PodStamp | undefined,
  { app = 'finance-agent', serviceAccountName = 'finance-agent', containers = stamp !== undefined } = {},
): Promise<void> {
  const container = (each: string) => ({ name: each, image: 'example.com/none' });
  await server.createPod({
    ...{ namespace, name, labels: { app }, serviceAccountName },
    ...(stamp !== undefined && { annotations: { 'aegis.dev/status': JSON.stringify(stamp) } }),
    spec: {
      containers: [container('agent')],
      ...(containers && {
        initContainers: [{ ...container('aegis-gateway'), restartPolicy: 'Always' }, container('aegis-capture')],
      }),
    },
  });
  if (!containers) return;
  const initContainerStatuses = [
    { name: 'aegis-gateway', ready: true, restartCount: 0, image: 'x', imageID: 'x', state: { running: {} } },
    {
      name: 'aegis-capture',
      ready: true,
      restartCount: 0,
      image: 'x',
      imageID: 'x',
      state: { terminated: { exitCode: 0 } },
    },
  ];
  const patch = ['patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=strategic', '-p'];
  server.kubectl([...patch, JSON.stringify({ status: { initContainerStatuses } })]);
}

async function restrictedKubeconfig(): Promise<string> {
  const token = server.kubectl(['create', 'token', 'reader', '-n', 'fintech']).trim();
  const config = parse(readFileSync(server.kubeconfig, 'utf8')) as {
    users: { name: string; user: object }[];
    contexts: { context: { namespace?: string } }[];
  };
  for (const each of config.users) each.user = { token };
  for (const { context } of config.contexts) context.namespace = 'fintech';
  const file = join(folder, 'reader.kubeconfig');
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}

async function doctor(argv: readonly string[], kubeconfig = server.kubeconfig) {
  const result = { stdout: '', code: -1, closed: 0 };
  const context = { stdout: (text: string) => (result.stdout += text), isTerminal: false } as unknown as CliContext;
  const command = doctorCommandWith(async () => {
    const client = createKubeClient({ kubeconfig, userAgent: 'aegis-doctor-test' });
    const close = async () => {
      result.closed++;
      await client.close();
    };
    return { client: { ...client, close }, namespace: () => currentNamespace(kubeconfig) };
  })(context, (code) => (result.code = code));
  await command.parseAsync([...argv], { from: 'user' });
  expect(result.closed).toBe(1);
  return result;
}

async function codesOf(argv: readonly string[], kubeconfig?: string) {
  const { stdout, code } = await doctor([...argv, '--output', 'json'], kubeconfig);
  const { sections, unknowns } = JSON.parse(stdout) as Diagnosis & { unknowns: number };
  const pods = sections.filter(({ title }) => title !== 'Installation');
  const codes = pods.flatMap(({ checks }) => checks.flatMap((check) => (check.code === undefined ? [] : [check.code])));
  return { codes, code, unknowns, sections };
}

test.each([
  ['healthy', []],
  ['old', ['PodsPredateInjection', 'NotInjected']],
  ['wrong-account', ['ServiceAccountMismatch']],
  ['stranger', ['NoRegistration']],
  ['forged', ['GatewayMissing']],
  ['nobody', ['PodNotFound']],
])('pod %s', async (name, expected) => {
  const { codes, code } = await codesOf([name, '-n', 'fintech']);
  expect(codes).toEqual(expected);
  // there is no operator here, and no webhook
  expect(code).toBe(1);
});

test('a namespace without the label, and a registration that nobody has looked at', async () => {
  const { codes } = await codesOf(['pod/unseen', '-n', 'plain']);
  expect(codes).toEqual(['NamespaceNotLabelled', 'PodsPredateInjection', 'NotInjected', 'OperatorBehind']);
});

test('the installation: no operator, no webhooks, and every namespace with agents or a label', async () => {
  const { sections, code, unknowns } = await codesOf([]);
  expect([code, unknowns]).toEqual([1, 0]);
  const [first, ...others] = sections;
  const codes = first?.checks.flatMap((check) => check.code ?? []);
  expect(codes).toEqual(['OperatorMissing', 'WebhookMissing', 'WebhookMissing']);
  expect(others.map(({ title }) => title)).toEqual(['Namespace fintech', 'Namespace plain']);
  const { stdout } = await doctor([]);
  expect(stdout).toContain('  ✗ pod old: PodsPredateInjection: ');
  expect(stdout).toContain('  ✗ pod wrong-account: ServiceAccountMismatch: ');
  expect(stdout).not.toContain('stranger');
  expect(stdout).not.toContain('pod healthy');
});

test('who may read one namespace alone is told what could not be read', async () => {
  const { codes, unknowns, sections } = await codesOf(['healthy'], restricted);
  expect(codes).toEqual([]);
  expect(unknowns).toBeGreaterThan(3);
  expect(JSON.stringify(sections)).toMatch(/is forbidden: User/);
  const all = await codesOf([], restricted);
  expect(all.sections.map(({ title }) => title)).toEqual(['Installation', 'Namespace fintech']);
  expect(all.codes).toEqual(expect.arrayContaining(['PodsPredateInjection', 'ServiceAccountMismatch']));
});

test('nothing was written', () => {
  const events = server.kubectl(['get', 'events', '-A', '-o', 'name']);
  expect(events.trim()).toBe('');
});
