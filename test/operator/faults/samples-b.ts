/** Resources of a small shop: one tool, agents, and caps on what they pay. */
import type { KubeObject } from '../../../operator/kube/types.ts';
import { CREATE_PAYMENT } from '../../support/create-payment.ts';

export type Resource = KubeObject & { spec: Record<string, unknown> };

const API = 'aegis.dev/v1alpha1';

export function tool(namespace: string, name = 'stripe-payments', more: Record<string, unknown> = {}): Resource {
  return {
    apiVersion: API,
    kind: 'AgentTool',
    metadata: { name, namespace },
    spec: {
      protocol: 'HTTP',
      upstream: { url: 'https://api.stripe.com' },
      // tests change what they are given
      actions: [structuredClone(CREATE_PAYMENT)],
      ...more,
    },
  };
}

export function registration(
  namespace: string,
  name = 'buyer',
  { tools = ['stripe-payments'], ...more }: { tools?: readonly string[]; agentId?: string } = {},
): Resource {
  return {
    apiVersion: API,
    kind: 'AgentRegistration',
    metadata: { name, namespace },
    spec: {
      owner: 'payments@example.com',
      workload: { selector: { matchLabels: { app: name } }, serviceAccountName: name },
      tools: tools.map((toolId) => ({ toolId })),
      delegation: { selfOrigin: true },
      ...more,
    },
  };
}

/** Permits payments up to `cap` US dollars. */
export function policy(
  namespace: string,
  name: string,
  { cap = 100, agents = ['buyer'], tools = ['stripe-payments'], rollout = { profile: 'immediate' } as object } = {},
): Resource {
  return {
    apiVersion: API,
    kind: 'AgentPolicy',
    metadata: { name, namespace },
    spec: {
      scope: { agents, tools },
      rules: [{ name: 'cap', actions: ['create_payment'], conditions: { maxAmount: cap, currency: 'USD' } }],
      rollout,
    },
  };
}

export function tenant(name: string, namespaces?: readonly string[], more: Record<string, unknown> = {}): Resource {
  return {
    apiVersion: API,
    kind: 'AgentTenant',
    metadata: { name },
    spec: { ...(namespaces !== undefined && { namespaces }), ...more },
  };
}

export const dollars = (amount: number): Record<string, unknown> => ({ amount, currency: 'USD' });
