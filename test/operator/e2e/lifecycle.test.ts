/**
 * The whole way on a real API server: samples applied, a bundle committed, a real gateway activates it and decides;
 * edited, deleted, staged.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../operator/kube/types.ts';
import type { AgentPolicyStatus } from '../../../policy/resources/types.generated.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { eventually } from '../../apiserver/wait-for.ts';
import { type AgentPod, startAgentPod } from '../../support/agent-pod.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { installOperator, type OperatorProcess, startOperator } from '../../support/operator-process.ts';

const SAMPLE = join(__dirname, '..', '..', '..', 'config/samples/fintech');

function sample(): string {
  const files = readdirSync(SAMPLE).filter((file) => file.endsWith('.yaml') && !file.includes('suite'));
  return files.map((file) => readFileSync(join(SAMPLE, file), 'utf8')).join('\n---\n');
}

let server: ApiServer;
let operator: OperatorProcess;
let gateway: AgentPod;

async function object<T = KubeObject & { status?: AgentPolicyStatus }>(path: string): Promise<T> {
  const { status, body } = await server.raw('GET', `/apis/aegis.dev/v1alpha1/${path}`);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return body as T;
}

const POLICY = 'namespaces/fintech/agentpolicies/finance-payments';

function conditions(status: AgentPolicyStatus | undefined): Record<string, string> {
  return Object.fromEntries(
    (status?.conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]),
  );
}

async function patch(path: string, body: unknown): Promise<void> {
  const contentType = 'application/merge-patch+json';
  const answer = await server.raw('PATCH', `/apis/aegis.dev/v1alpha1/${path}`, body, { contentType });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}

beforeAll(async () => {
  server = await ApiServer.start();
  await installOperator(server);
  server.kubectl(['create', 'namespace', 'fintech']);
  operator = await startOperator(server);
});

afterAll(async () => {
  await gateway?.remove();
  await operator?.stop();
  await server?.stop();
});

test('samples applied: a bundle, and every condition as the design says', async () => {
  await server.applyYaml(sample());
  await eventually(async () => {
    const policy = await object(POLICY);
    expect(kstatusOf(policy)).toBe('Current');
    expect(conditions(policy.status)).toEqual({
      Ready: 'True Completed',
      Accepted: 'True Valid',
      Compiled: 'True Succeeded',
      BundlePublished: 'True Published',
      Programmed: 'True NoMatchingAgents',
      RolloutComplete: 'True Completed',
    });
  }, 20_000);
  for (const path of [
    'namespaces/fintech/agenttools/stripe-payments',
    'namespaces/fintech/agentregistrations/finance-agent',
    'agenttenants/fintech',
  ]) {
    await eventually(async () => expect(kstatusOf(await object(path))).toBe('Current'), 10_000);
  }
});

test('a gateway activates it and decides; its pod is counted', async () => {
  gateway = await startAgentPod(server, operator, { namespace: 'fintech', agent: 'finance-agent' });
  expect(await gateway.sequence()).toBeGreaterThan(0);
  expect(await gateway.decide({ amount: 4999, currency: 'USD' })).toMatchObject({ verdict: 'allow' });
  expect(await gateway.decide({ amount: 5001, currency: 'USD' })).toMatchObject({ verdict: 'approval_needed' });
  await eventually(async () => {
    const { status } = await object(POLICY);
    expect(conditions(status).Programmed).toBe('True AllAcknowledged');
    expect(status?.agents?.summary).toBe('1/1');
  }, 75_000);
});

test('edited: a new sequence, and another decision', async () => {
  const before = (await gateway.sequence()) as number;
  const policy = await object<KubeObject & { spec: { rules: { conditions?: object }[] } }>(POLICY);
  const rules = policy.spec.rules.map((rule, index) =>
    index === 0 ? { ...rule, conditions: { maxAmount: 1000, currency: 'USD' } } : rule,
  );
  await patch(POLICY, { spec: { rules } });
  await eventually(async () => expect(await gateway.sequence()).toBe(before + 1), 10_000);
  expect(await gateway.decide({ amount: 4999, currency: 'USD' })).toMatchObject({ verdict: 'approval_needed' });
  await eventually(async () => {
    const edited = await object(POLICY);
    expect(edited.status?.observedGeneration).toBe(edited.metadata.generation);
    expect(conditions(edited.status).Programmed).toBe('True AllAcknowledged');
    expect(edited.status?.bundle?.sequence).toBe(before + 1);
  }, 10_000);
});

test('an edit that is wrong stalls the policy alone; what was in force stays', async () => {
  const before = await gateway.sequence();
  await patch(POLICY, { spec: { scop: { agents: ['planner-agent'] } } });
  await eventually(async () => {
    const policy = await object(POLICY);
    expect(kstatusOf(policy)).toBe('Failed');
    expect(conditions(policy.status)).toMatchObject({
      Accepted: expect.stringMatching(/^False /),
      Stalled: expect.stringMatching(/^True /),
    });
  }, 10_000);
  expect(await gateway.sequence()).toBe(before);
  expect(await gateway.decide({ amount: 999, currency: 'USD' })).toMatchObject({ verdict: 'allow' });
  await patch(POLICY, { spec: { scop: null } });
  await eventually(async () => expect(kstatusOf(await object(POLICY))).toBe('Current'), 10_000);
});

test('deleted: gone, and no permit is left', async () => {
  server.kubectl(['delete', 'agpol', 'finance-payments', '-n', 'fintech']);
  await eventually(
    async () => expect(await gateway.decide({ amount: 1, currency: 'USD' })).toMatchObject({ verdict: 'deny' }),
    10_000,
  );
  await server.applyYaml(sample());
  await eventually(
    async () => expect(await gateway.decide({ amount: 1, currency: 'USD' })).toMatchObject({ verdict: 'allow' }),
    10_000,
  );
});

test('a deleted registration: its running gateway is told to refuse everything', async () => {
  server.kubectl(['delete', 'agreg', 'finance-agent', '-n', 'fintech']);
  await eventually(
    async () => expect(await gateway.decide({ amount: 1, currency: 'USD' })).toMatchObject({ verdict: 'deny' }),
    10_000,
  );
});
