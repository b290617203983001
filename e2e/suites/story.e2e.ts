/**
 * The user's story: policies in Git, synced by Argo CD, hold in a running pod that nobody had to change.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Argo } from '../argocd/argo.ts';
import { GitRepo } from '../argocd/git-repo.ts';
import { Cluster } from '../cluster/cluster.ts';
import { OPERATOR_NAMESPACE, OPERATOR_SELECTOR } from '../support/operator.ts';
import { initNames } from '../support/pods.ts';
import { installAegis } from '../world/aegis.ts';
import { AgentPod, deployment } from '../world/agent.ts';
import { Outside } from '../world/outside.ts';

const SAMPLE = join(__dirname, '../../config/samples/fintech');
const NAMESPACE = 'fintech';
const AGENT = 'finance-agent';

const cluster = Cluster.attach();
const repository = new GitRepo();
const APPLICATION = 'fintech';
let outside: Outside;
let argo: Argo;
let commit = '';
let agent: AgentPod;

/** Changes a file of the folder that is synced. */
function rewrite(file: string, change: (text: string) => string): void {
  const path = join(repository.checkout, NAMESPACE, file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing changes in ${file}`);
  writeFileSync(path, after);
}

/** Changes the policy by a commit. @returns when Argo CD has synced it, ms since the epoch */
async function edit(change: (text: string) => string, message: string): Promise<number> {
  rewrite('policies.yaml', change);
  commit = repository.commitAll(message);
  await waitFor(
    async () => {
      await argo.refresh(APPLICATION);
      const { sync, revision } = await argo.status(APPLICATION);
      return sync === 'Synced' && revision === commit;
    },
    60_000,
    'Argo CD does not sync',
  );
  return Date.now();
}

async function payments(work: () => Promise<unknown>): Promise<number> {
  const before = outside.arrived.length;
  await work();
  return outside.since(before).filter(({ method }) => method === 'POST').length;
}

/** When the gateway took new bundles into force, ms since the epoch. */
async function activations(): Promise<number[]> {
  const lines = (await agent.logs('aegis-gateway')).split('\n').filter((line) => line.includes('"bundle.activated"'));
  return lines.map((line) => Date.parse((JSON.parse(line) as { time: string }).time));
}

/** When Argo CD wrote the policy, ms since the epoch; the API server keeps whole seconds. */
async function appliedAt(): Promise<number> {
  const { metadata } = await cluster.json<{ metadata: { managedFields: { manager: string; time: string }[] } }>([
    ...['get', '-n', NAMESPACE, 'agpol/finance-payments', '--show-managed-fields'],
  ]);
  return Date.parse(metadata.managedFields.find(({ manager }) => manager === 'argocd-controller')?.time ?? '');
}

interface Status {
  rollout?: { stage: string; phase: string; revision?: string; stableRevision?: string };
  conditions?: { type: string; status: string; reason: string }[];
}

async function policyStatus(): Promise<Status> {
  const { status } = await cluster.json<{ status: Status }>(['get', '-n', NAMESPACE, 'agpol/finance-payments']);
  return status;
}

beforeAll(async () => {
  outside = await Outside.open(cluster, ['api.stripe.com', 'files.example.com']);
  await installAegis(cluster);
  // what a platform team gives its tenants, and what the operator's sample leaves open: where the tool is
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'aegis.dev/inject': 'enabled' } },
  });
  const data = { 'ca.crt': outside.authority.ca };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'payments-ca', namespace: NAMESPACE },
    data,
  });
  cpSync(SAMPLE, join(repository.checkout, NAMESPACE), { recursive: true });
  rewrite('tool.yaml', (text) =>
    text.replace('url: "https://api.stripe.com"', 'url: "https://api.stripe.com", tls: {caRef: {name: payments-ca}}'),
  );
  const tools = '  tools: [{toolId: stripe-payments}]\n';
  rewrite('registrations.yaml', (text) => text.replace(tools, `${tools}  egressGuard: Enforce\n`));
  // more calls in one test than an agent makes in a day
  rewrite('policies.yaml', (text) => text.replace(/ {4}limits: .*\n/, ''));
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: AGENT, namespace: NAMESPACE } };
  const workload = deployment({ namespace: NAMESPACE, name: AGENT });
  // of unknown kinds Argo CD thinks last: the registration has to be there before its pods
  workload.metadata.annotations = { 'argocd.argoproj.io/sync-wave': '1' };
  writeFileSync(
    join(repository.checkout, NAMESPACE, 'agent.yaml'),
    `${JSON.stringify(account)}\n---\n${JSON.stringify(workload)}\n`,
  );
  rewrite('Kustomization', (text) => `${text}- agent.yaml\n`);
  commit = repository.commitAll('the FinTech sample and its agent');
  argo = await Argo.start(cluster);
  await argo.application(APPLICATION, { repoUrl: repository.url, path: NAMESPACE, namespace: NAMESPACE });
}, 300_000);

afterAll(async () => {
  await argo?.stop();
  await outside?.close();
  repository?.remove();
});

test('the Application on the Git repository reads Synced and Healthy', async () => {
  await argo.untilSynced(APPLICATION, commit);
  agent = await AgentPod.of(cluster, NAMESPACE, AGENT);
  expect(initNames(await agent.pod())).toEqual(['aegis-gateway', 'aegis-capture']);
});

test('from inside the pod $50,000 is refused, and $4,999 arrives', async () => {
  expect(await payments(async () => expect(await agent.pay(5_000_000)).toMatchObject({ status: 403 }))).toBe(0);
  expect(await payments(async () => expect(await agent.pay(499_900)).toMatchObject({ id: expect.any(String) }))).toBe(
    1,
  );
});

test('what goes around the gateway is dropped', async () => {
  const before = outside.arrived.length;
  expect(await agent.fetch('https://files.example.com/')).not.toBe('200');
  expect(await agent.fetch('http://files.example.com/')).not.toBe('200');
  expect(await agent.fetch(`http://${outside.address}/`)).not.toBe('200');
  expect(await agent.fetch(`https://${outside.address}/`)).not.toBe('200');
  expect(await agent.fetch(`http://${outside.address}:8080/`)).toContain('connect to');
  expect(outside.since(before)).toEqual([]);
});

test('a commit that lowers the cap to 1,000 holds in the running pod, without a restart', async () => {
  const { status: earlier } = await agent.pod();
  const known = (await activations()).length;
  await edit((text) => text.replace('maxAmount: 5000', 'maxAmount: 1000'), 'lower the cap to 1,000');
  await waitFor(async () => (await agent.pay(499_900)).status === 403, 15_000, 'the old cap still holds');
  const activated = (await activations())[known] ?? Number.NaN;
  const applied = await appliedAt();
  console.log(`in force ${((activated - applied) / 1000).toFixed(1)} s after Argo CD had applied it`);
  expect(await agent.pay(99_900)).toMatchObject({ id: expect.any(String) });
  const { status } = await agent.pod();
  expect(status.containerStatuses).toEqual(earlier.containerStatuses);
});

test('a stricter revision with targetStage Shadow blocks nothing, and counts what it would deny', async () => {
  await edit(
    (text) =>
      text
        .replace('maxAmount: 1000', 'maxAmount: 100')
        .replace('rollout: {profile: immediate}', 'rollout: {profile: immediate, targetStage: Shadow}'),
    'a cap of 100, in shadow',
  );
  await waitFor(async () => (await policyStatus()).rollout?.stage === 'Shadow', 60_000, 'no revision in shadow');
  await waitFor(async () => (await candidateCalls()) > 0, 60_000, 'nothing is counted');
  expect(await agent.pay(99_900)).toMatchObject({ id: expect.any(String) });
});

/** Calls that the candidate would deny, as the leader counts them; every look makes one more. */
async function candidateCalls(): Promise<number> {
  expect(await agent.pay(99_900)).toMatchObject({ id: expect.any(String) });
  const pods = await cluster.pods(OPERATOR_NAMESPACE, OPERATOR_SELECTOR);
  let calls = 0;
  for (const { metadata } of pods) {
    const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods/${metadata.name}:15020/proxy/metrics`;
    const { stdout } = await cluster.run(['get', '--raw', path]);
    for (const line of stdout.split('\n')) {
      if (line.startsWith('aegis_operator_candidate') && /would_?deny/i.test(line))
        calls += Number(line.split(' ').at(-1));
    }
  }
  return calls;
}

test('raised in Git to Enforce, it blocks', async () => {
  await edit((text) => text.replace('targetStage: Shadow', 'targetStage: Enforce'), 'enforce the cap of 100');
  await waitFor(async () => (await agent.pay(99_900)).status === 403, 60_000, 'the cap of 100 does not hold');
  expect(await agent.pay(9_900)).toMatchObject({ id: expect.any(String) });
});

test('kubectl tells the story, and a PolicyViolation is on the registration', async () => {
  const text = await cluster.kubectl(['get', '-n', NAMESPACE, 'agpol,agreg,agtool']);
  console.log(text);
  expect(text).toMatch(/finance-payments +Enforce +True +Completed +1\/1/);
  expect(text).toMatch(/finance-agent +finance-agent +True +Bound +1\/1 +Enforce/);
  const violation = async () =>
    (await cluster.kubectl(['get', '-n', NAMESPACE, 'events'])).includes('PolicyViolation') &&
    (await cluster.kubectl(['describe', '-n', NAMESPACE, `agreg/${AGENT}`])).includes('PolicyViolation');
  await waitFor(violation, 60_000, 'no PolicyViolation');
});
