/**
 * A stricter second revision on a real API server, with three real gateways: it shadows, is counted, disturbs nothing;
 * then it takes one agent of three; then all.
 */
import type { KubeObject } from '../../../operator/kube/types.ts';
import type { AgentPolicyStatus } from '../../../policy/resources/types.generated.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { eventually } from '../../apiserver/wait-for.ts';
import { type AgentPod, startAgentPod } from '../../support/agent-pod.ts';
import { CREATE_PAYMENT } from '../../support/create-payment.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { installOperator, type OperatorProcess, startOperator } from '../../support/operator-process.ts';
import { ToolServer } from '../../support/tool-server.ts';

const AGENTS = ['buyer-one', 'buyer-two', 'buyer-three'];
const POLICY = '/apis/aegis.dev/v1alpha1/namespaces/shop/agentpolicies/payments';

const TOOL = {
  apiVersion: 'aegis.dev/v1alpha1',
  kind: 'AgentTool',
  metadata: { name: 'stripe-payments', namespace: 'shop' },
  spec: {
    protocol: 'HTTP',
    upstream: { url: 'https://api.stripe.com' },
    riskTier: 'high',
    actions: [CREATE_PAYMENT],
  },
};

function registration(agent: string): object {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name: agent, namespace: 'shop' },
    spec: {
      owner: 'payments@example.com',
      workload: { selector: { matchLabels: { app: agent } }, serviceAccountName: agent },
      tools: [{ toolId: 'stripe-payments' }],
      delegation: { selfOrigin: true },
    },
  };
}

function policy(cap: number, rollout: object): object {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentPolicy',
    metadata: { name: 'payments', namespace: 'shop' },
    spec: {
      scope: { agents: AGENTS, tools: ['stripe-payments'] },
      rules: [{ name: 'cap', actions: ['create_payment'], conditions: { maxAmount: cap, currency: 'USD' } }],
      rollout,
    },
  };
}

/** Each step waits for no more than the word of `targetStage`. */
function staged(targetStage: string): object {
  const gate = { minDuration: '1s', minDecisions: 0, minAgents: 0 };
  return {
    targetStage,
    gates: [
      { to: 'Partial', ...gate },
      { to: 'Enforce', ...gate },
    ],
    partial: { percent: 33 },
  };
}

let server: ApiServer;
let operator: OperatorProcess;
let tool: ToolServer;
const pods: AgentPod[] = [];

async function apply(...objects: object[]): Promise<void> {
  await server.applyYaml(objects.map((object) => JSON.stringify(object)).join('\n---\n'), { force: true });
}

async function status(): Promise<AgentPolicyStatus> {
  const { body } = await server.raw('GET', POLICY);
  return (body as KubeObject & { status: AgentPolicyStatus }).status;
}

/** HTTP status of a real call through the gateway. */
async function pay(pod: AgentPod, dollars: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${pod.proxy}/stripe-payments/v1/payment_intents`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ amount: String(dollars * 100), currency: 'usd' }).toString(),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function statuses(dollars: number): Promise<number[]> {
  return Promise.all(pods.map((pod) => pay(pod, dollars)));
}

beforeAll(async () => {
  tool = await ToolServer.start();
  server = await ApiServer.start();
  await installOperator(server);
  server.kubectl(['create', 'namespace', 'shop']);
  operator = await startOperator(server);
  await apply(TOOL, ...AGENTS.map(registration), policy(5000, { profile: 'immediate' }));
  await eventually(async () => expect((await status()).rollout?.phase).toBe('Complete'), 15_000);
  for (const agent of AGENTS) {
    const settings = {
      'upstream.overrides': `stripe-payments=http://127.0.0.1:${tool.port}`,
      'upstream.allowPrivate': '127.0.0.0/8',
      'report.interval': '1s',
    };
    pods.push(await startAgentPod(server, operator, { namespace: 'shop', agent, settings }));
  }
}, 120_000);

afterAll(async () => {
  for (const pod of pods) await pod.remove();
  await operator?.stop();
  await server?.stop();
  await tool?.stop();
});

test('the first revision enforces for everybody', async () => {
  expect(await statuses(4000)).toEqual([200, 200, 200]);
  expect(await statuses(6000)).toEqual([403, 403, 403]);
});

test('the second shadows: counted, and no call disturbed', async () => {
  const first = (await status()).rollout?.stableRevision;
  await apply(policy(1000, staged('Shadow')));
  await eventually(async () => {
    const { rollout, conditions } = await status();
    expect(rollout).toMatchObject({ stage: 'Shadow', stableRevision: first });
    expect(rollout?.revision).not.toBe(first);
    expect(conditions?.find(({ type }) => type === 'Programmed')).toMatchObject({ status: 'True' });
  }, 15_000);
  expect(await statuses(4000)).toEqual([200, 200, 200]);
  expect(await statuses(500)).toEqual([200, 200, 200]);
  expect(await statuses(6000)).toEqual([403, 403, 403]);
  await eventually(async () => {
    const counts = await Promise.all(
      pods.map(async (pod) => (await fetch(`http://127.0.0.1:${pod.admin}/metrics`)).text()),
    );
    for (const text of counts) {
      expect(text).toMatch(/aegis_gateway_candidate_calls_total\{[^}]*would_?[dD]eny[^}]*\} 1\b/);
    }
    // and the operator has heard of all three
    expect(await operator.metrics()).toMatch(
      /aegis_operator_candidate_calls\{policy="shop\/payments",result="would_deny"\} 3\b/,
    );
  }, 20_000);
  const { body } = await server.raw('GET', POLICY);
  // a long shadow is what was asked for, not a rollout that hangs
  expect(kstatusOf(body as KubeObject)).toBe('Current');
});

test('then it takes one agent of three', async () => {
  await apply(policy(1000, staged('Partial')));
  await eventually(async () => {
    expect((await status()).rollout).toMatchObject({ stage: 'Partial', phase: 'Complete', partialPercent: 33 });
    expect((await statuses(4000)).sort()).toEqual([200, 200, 403]);
  }, 20_000);
  expect(await statuses(500)).toEqual([200, 200, 200]);
});

test('then all, and nothing is left of the first', async () => {
  await apply(policy(1000, staged('Enforce')));
  await eventually(async () => {
    const { rollout } = await status();
    expect(rollout).toMatchObject({ stage: 'Enforce', phase: 'Complete' });
    expect(rollout?.stableRevision).toBe(rollout?.revision);
    expect(await statuses(4000)).toEqual([403, 403, 403]);
  }, 20_000);
  expect(await statuses(500)).toEqual([200, 200, 200]);
});

test('refused calls are told by an Event on the registration, without their values', async () => {
  await eventually(async () => {
    const { body } = await server.raw('GET', '/apis/events.k8s.io/v1/namespaces/shop/events');
    const { items } = body as { items: { reason: string; note: string; regarding: { kind: string; name: string } }[] };
    const violations = items.filter(({ reason }) => reason === 'PolicyViolation');
    expect(violations.map(({ regarding }) => regarding.name).sort()).toEqual(expect.arrayContaining(['buyer-one']));
    for (const { note, regarding } of violations) {
      expect(regarding.kind).toBe('AgentRegistration');
      expect(note).not.toMatch(/4000|6000|400000|600000/);
    }
  }, 30_000);
});
