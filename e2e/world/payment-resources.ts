import { CREATE_PAYMENT } from '../../test/support/create-payment.ts';

const API = 'aegis.dev/v1alpha1';
export const PAYER = 'payer';
const TOOL = 'stripe-payments';

export interface PayerOptions {
  namespace: string;
  /** Of registration and agent. */
  name?: string;
  /** USD at a time. */
  cap: number;
}

/** Label by which the registration of an agent knows its pods; a Deployment has another, so that one of them can change. */
export function agentLabel(name: string): Record<string, string> {
  return { 'example.com/agent': name };
}

/** What a namespace needs for agents that pay. @param ca of the payment API */
export function paymentTool(namespace: string, ca: string): object[] {
  const named = (name: string) => ({ name, namespace });
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: named('payments-ca'), data: { 'ca.crt': ca } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named(PAYER) },
    {
      apiVersion: API,
      kind: 'AgentTool',
      metadata: named(TOOL),
      spec: {
        protocol: 'HTTP',
        upstream: { url: 'https://api.stripe.com', tls: { caRef: { name: 'payments-ca' } } },
        riskTier: 'high',
        actions: [CREATE_PAYMENT],
      },
    },
  ];
}

export function paymentPolicy({ namespace, name = PAYER, cap }: PayerOptions): object {
  return {
    apiVersion: API,
    kind: 'AgentPolicy',
    metadata: { name: `${name}-payments`, namespace },
    spec: {
      scope: { agents: [name], tools: [TOOL] },
      rules: [{ name: 'cap', actions: ['create_payment'], conditions: { maxAmount: cap, currency: 'USD' } }],
      rollout: { profile: 'immediate' },
    },
  };
}

export interface RegistrationOptions extends Omit<PayerOptions, 'cap'> {
  egressGuard?: 'Off' | 'Observe' | 'Enforce';
}

/** All of them run as one ServiceAccount, so that only labels tell them apart. */
export function paymentRegistration(options: RegistrationOptions): object {
  const { namespace, name = PAYER, egressGuard = 'Enforce' } = options;
  return {
    apiVersion: API,
    kind: 'AgentRegistration',
    metadata: { name, namespace },
    spec: {
      owner: 'payments@example.com',
      workload: { selector: { matchLabels: agentLabel(name) }, serviceAccountName: PAYER },
      tools: [{ toolId: TOOL }],
      egressGuard,
    },
  };
}
