/** The operator of `config/operator`, from the image that the shipped Dockerfile makes. */
import { fileURLToPath } from 'node:url';
import { eventually } from '../../test/apiserver/wait-for.ts';
import { Cluster } from '../cluster/cluster.ts';
import { installOperator, OPERATOR_NAMESPACE, OPERATOR_SELECTOR } from '../support/operator.ts';

const cluster = Cluster.attach();
const SAMPLE = fileURLToPath(new URL('../../config/samples/fintech', import.meta.url));

interface Condition {
  type: string;
  status: string;
  reason?: string;
}
type Resource = {
  metadata: { name: string; generation: number };
  status?: { conditions?: Condition[]; observedGeneration?: number };
};

beforeAll(() => installOperator(cluster));
afterAll(() => cluster.removeNamespace('fintech'));

test('two replicas are ready', async () => {
  const pods = await cluster.pods(OPERATOR_NAMESPACE, OPERATOR_SELECTOR);
  const ready = pods.filter(({ status }) =>
    status.conditions?.some((it) => it.type === 'Ready' && it.status === 'True'),
  );
  expect(ready).toHaveLength(2);
  expect(pods.flatMap(({ status }) => status.containerStatuses?.map(({ restartCount }) => restartCount))).toEqual([
    0, 0,
  ]);
});

test('the FinTech sample is reconciled', async () => {
  await cluster.applyYaml('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fintech"}}');
  await cluster.kubectl(['apply', '--server-side', '-k', SAMPLE]);
  await eventually(async () => {
    for (const kind of ['agentpolicies', 'agentregistrations', 'agenttools']) {
      const { items } = await cluster.json<{ items: Resource[] }>(['-n', 'fintech', 'get', `${kind}.aegis.dev`]);
      expect(items.length).toBeGreaterThan(0);
      for (const { metadata, status } of items) {
        expect(status?.observedGeneration).toBe(metadata.generation);
        expect(status?.conditions?.filter(({ type, status: is }) => type === 'Stalled' && is === 'True')).toEqual([]);
        expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
      }
    }
  }, 60_000);
});

test('a policy that cannot be is refused by the webhook', async () => {
  const policy = `apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: nonsense, namespace: fintech}
spec:
  scope: {agents: [finance-agent], tools: [stripe-payments]}
  rules: [{name: cap, actions: [no_such_action], conditions: {expression: "this is ("}}]
`;
  await expect(cluster.applyYaml(policy)).rejects.toThrow(/aegis|denied|unknown/i);
});
