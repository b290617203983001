/**
 * From the first chart that there was to the present one, at a real API server, with the operators of both as real
 * programs that may do what their chart grants them and nothing else. The first operator also works on the definitions of
 * the present chart: while an upgrade is under way, and after a rollback.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WEBHOOK_CONFIGURATIONS } from '../../operator/certificates/ca-bundle.ts';
import { ApiServer, eventually, waitFor } from '../apiserver/api-server.ts';
import { type OperatorProcess, startOperator } from '../support/operator-process.ts';
import { checkOut, firstChartCommit } from './first-chart.ts';
import { CHART, helmAt, ROOT } from './helm.ts';

const NAMESPACE = 'aegis-system';
const WHERE = `--namespace=${NAMESPACE}`;
const commit = firstChartCommit();
const first =
  commit === undefined ? 'the present chart, as the history has no first one' : `chart of ${commit.slice(0, 12)}`;

let folder: string;
/** Of chart and operator of that time. */
let before: string;
let server: ApiServer;
let operator: OperatorProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-first-chart-'));
  before = commit === undefined ? ROOT : join(folder, 'first');
  if (commit !== undefined) checkOut(commit, before);
  server = await ApiServer.start({ crds: false });
});
afterAll(async () => {
  await operator?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As a pod of the chart's Deployment: with its ServiceAccount. */
async function start(root: string): Promise<OperatorProcess> {
  // There is no kubelet to ask for the token by which replicas know each other, and nobody else may.
  const only = ['delete', 'validatingadmissionpolicybinding', 'aegis-token-requests', '--ignore-not-found'];
  await server.runKubectl(only);
  const token = ['create', 'token', 'aegis-operator', '-n', NAMESPACE];
  await eventually(() => server.runKubectl([...token, '--audience=aegis.dev/operator']), 30_000);
  const kubeconfig = join(folder, 'kubeconfig');
  server.writeKubeconfig(kubeconfig, (await server.runKubectl(token)).trim());
  operator = await startOperator(server, { kubeconfig, command: [process.execPath, join(root, 'operator/main.ts')] });
  return operator;
}

const ready = () =>
  server.runKubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'agpol,agtool,agreg', '--all', '-n', 'fintech']);

/** A change that has to be published. @returns once it is in force */
async function setCap(maxAmount: number): Promise<void> {
  const path = '/spec/rules/0/conditions/maxAmount';
  const patch = JSON.stringify([{ op: 'replace', path, value: maxAmount }]);
  const policy = ['agpol/finance-payments', '-n', 'fintech'];
  await server.runKubectl(['patch', ...policy, '--type=json', `--patch=${patch}`]);
  const generation = await server.runKubectl(['get', ...policy, '-o=jsonpath={.metadata.generation}']);
  await server.runKubectl([
    'wait',
    ...policy,
    '--timeout=60s',
    `--for=jsonpath={.status.observedGeneration}=${generation}`,
  ]);
  await ready();
}

test(`${first}: installed, with its operator`, async () => {
  await helmAt(server, 'install', 'aegis', join(before, 'charts/aegis'), WHERE, '--create-namespace');
  await server.runKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await start(before);
  await server.runKubectl(['create', 'namespace', 'fintech']);
  await server.runKubectl(['apply', '--server-side', '-k', join(ROOT, 'config/samples/fintech')]);
  await ready();
}, 180_000);

test('the present chart over it: its operator goes on with the new definitions', async () => {
  await helmAt(server, 'upgrade', 'aegis', CHART, WHERE);
  await server.runKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await setCap(4000);
  expect(await operator?.stop()).toBe(0);
}, 180_000);

test('the present operator goes on from there, with what the chart grants it', async () => {
  const { log } = await start(ROOT);
  await setCap(3000);
  for (const { type, name } of WEBHOOK_CONFIGURATIONS) {
    const bundle = ['get', type.plural, name, '-o=jsonpath={.webhooks[*].clientConfig.caBundle}'];
    await waitFor(async () => (await server.runKubectl(bundle)) !== '', 30_000, `${name} has no CA`);
  }
  const refused = log().filter(({ status }) => status === 403);
  expect(refused).toEqual([]);
}, 180_000);

test('a rollback to the first release: the first operator takes over again', async () => {
  expect(await operator?.stop()).toBe(0);
  await helmAt(server, 'rollback', 'aegis', '1', WHERE);
  await server.runKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await start(before);
  await setCap(2000);
}, 180_000);
