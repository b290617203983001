import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Outside } from './outside.ts';

const API = 'aegis.dev/v1alpha1';
export const AGENT = 'payer';
/** By it the registration knows its pods; a Deployment has another, so that one can change without the other. */
export const AGENT_LABEL = { 'example.com/agent': AGENT };
export const AGENT_TOOL = 'stripe-payments';

/** A guarded agent that may pay up to `cap` USD at a time. */
export function paymentResources(namespace: string, outside: Outside, cap: number): object[] {
  const named = (name: string) => ({ name, namespace });
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: named('payments-ca'),
      data: { 'ca.crt': outside.authority.ca },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named(AGENT) },
    {
      apiVersion: API,
      kind: 'AgentTool',
      metadata: named(AGENT_TOOL),
      spec: {
        protocol: 'HTTP',
        upstream: { url: 'https://api.stripe.com', tls: { caRef: { name: 'payments-ca' } } },
        riskTier: 'high',
        actions: [
          {
            name: 'create_payment',
            effect: 'write',
            match: { method: 'POST', path: '/v1/payment_intents' },
            parameters: {
              amount: { in: 'form', type: 'integer', role: 'amount', scale: 'byCurrency' },
              currency: { in: 'form', type: 'string', role: 'currency', case: 'upper' },
            },
          },
        ],
      },
    },
    paymentPolicy(namespace, cap),
    paymentRegistration(namespace),
  ];
}

export function paymentPolicy(namespace: string, cap: number): object {
  return {
    apiVersion: API,
    kind: 'AgentPolicy',
    metadata: { name: 'payments', namespace },
    spec: {
      scope: { agents: [AGENT], tools: [AGENT_TOOL] },
      rules: [{ name: 'cap', actions: ['create_payment'], conditions: { maxAmount: cap, currency: 'USD' } }],
      rollout: { profile: 'immediate' },
    },
  };
}

export function paymentRegistration(namespace: string): object {
  return {
    apiVersion: API,
    kind: 'AgentRegistration',
    metadata: { name: AGENT, namespace },
    spec: {
      owner: 'payments@example.com',
      workload: { selector: { matchLabels: AGENT_LABEL }, serviceAccountName: AGENT },
      tools: [{ toolId: AGENT_TOOL }],
      egressGuard: 'Enforce',
    },
  };
}

/** The bootstrap copy is there, so that pods can start. */
export async function agentPublished(cluster: Cluster, namespace: string): Promise<void> {
  const there = async () =>
    (await cluster.run(['get', '-n', namespace, `configmap/aegis-bootstrap-${AGENT}`])).code === 0;
  await waitFor(there, 60_000, 'the agent is not published');
}
