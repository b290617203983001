import type { Activation, FreezeMode } from '../../../gateway/enforcement/activation.ts';
import type { DecideDeps } from '../../../gateway/enforcement/decide-call.ts';
import type { LimitStore } from '../../../gateway/limits/limit-store.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import type { DecisionInput, Obligations, Outcome, PolicyResult, Verdict } from '../../../policy/decision/types.ts';
import { compileToolContract, type ToolContract } from '../../../policy/mapping/contract.ts';
import type { AgentToolSpec } from '../../../policy/resources/types.generated.ts';

export const STRIPE: AgentToolSpec = {
  protocol: 'HTTP',
  upstream: { url: 'https://api.stripe.test' },
  riskTier: 'high',
  denial: { shape: 'Stripe' },
  actions: [
    {
      name: 'create_payment',
      effect: 'write',
      match: { method: 'POST', path: '/v1/payment_intents' },
      parameters: {
        amount: { in: 'form', type: 'integer', role: 'amount', scale: 'byCurrency' },
        currency: { in: 'form', type: 'string', role: 'currency', case: 'upper' },
        memo: { in: 'form', type: 'string', name: 'metadata[memo]' },
      },
    },
    { name: 'get_payment', effect: 'read', match: { method: 'GET', path: '/v1/payment_intents/{id}' } },
    {
      name: 'search',
      effect: 'read',
      match: { method: 'GET', path: '/v1/payment_intents/search' },
      parameters: { query: { in: 'query', type: 'string', required: true } },
    },
    {
      name: 'transfer',
      effect: 'irreversible',
      match: { method: 'POST', path: '/v1/accounts/{account}/transfers' },
      parameters: {
        amount: { in: 'json', type: 'number', pointer: '/transfer/amount', role: 'amount' },
        to: { in: 'json', type: 'string', pointer: '/transfer/to' },
        tags: { in: 'json', type: 'array', items: 'string' },
      },
    },
  ],
};

export const CONTRACT: ToolContract = compileToolContract('stripe-payments', STRIPE);

export function outcome(verdict: Verdict, obligations: Partial<Obligations> = {}, code = 'TEST'): Outcome {
  const reasons = verdict === 'allow' ? [] : [{ code, message: 'Because.', policy: 'ns/p', rule: 'r' }];
  return { verdict, reasons, obligations: { redact: [], set: [], limits: [], approval: null, ...obligations } };
}

export function result(verdict: Verdict, obligations: Partial<Obligations> = {}): PolicyResult {
  return { enforced: outcome(verdict, obligations), candidates: [] };
}

export function fakeActivation(
  evaluate: (input: DecisionInput) => PolicyResult,
  options: { freeze?: FreezeMode; contract?: ToolContract; sequence?: number } = {},
): Activation {
  const contract = options.contract ?? CONTRACT;
  return {
    tenant: 'fintech',
    sequence: options.sequence ?? 7,
    activatedAt: 1_000,
    ...(options.freeze !== undefined && { freeze: options.freeze }),
    evaluate,
    complete: (input) => input,
    contract: (agent, tool) => (agent === 'finance-agent' && tool === contract.tool ? contract : undefined),
    tools: (agent) => (agent === 'finance-agent' ? [contract.tool] : []),
  };
}

export function fakeDeps(
  now: () => number = () => 1_700_000_000_000,
  limits?: LimitStore,
): DecideDeps & { errors: unknown[] } {
  let ids = 0;
  const errors: unknown[] = [];
  return {
    now,
    newId: () => `id-${++ids}`,
    limits: limits ?? createMemoryLimitStore(now),
    hash: (text) => `hash:${text.length}`,
    onError: (error) => errors.push(error),
    errors,
  };
}

export function input(params: Record<string, unknown> = {}, more: Partial<DecisionInput> = {}): DecisionInput {
  return { agent: 'finance-agent', tool: 'stripe-payments', action: 'create_payment', params, ...more };
}
