import type { DecisionInput, LimitObligation } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';
import type { ActionContract } from '../../policy/mapping/contract.ts';
import { chargesOf, isBudget } from '../limits/charges.ts';
import {
  isPromise,
  type LimitStore,
  type MaybePromise,
  type Operation,
  type ReserveResult,
} from '../limits/limit-store.ts';

/** What holds where limits cannot be kept as they are meant. */
export interface LimitRules {
  /**
   * While the shared store cannot be asked: Deny refuses every call that has a limit; ByRisk (default) lets a read of
   * low risk pass uncounted.
   */
  onUnavailable?: 'Deny' | 'ByRisk';
  /** Gateways that enforce the same limits; default 1. With several, budgets of calls that write need a shared store. */
  replicas?: number;
  /** Told every call that met a store which could not be asked; must not throw. */
  onUnavailableCall?(passed: boolean): void;
}

/** Refused, held, or passing although nothing was counted. */
export type KeptLimits = { code: string; message: string } | ReserveResult | 'uncounted';

export const UNCOUNTED = {
  code: 'LIMITS_UNAVAILABLE',
  message: 'The store of the limits cannot be asked; the call passes uncounted, as a read of low risk.',
} as const;

export const UNAVAILABLE = {
  code: 'LIMITS_UNAVAILABLE',
  message: 'The limits of this call cannot be kept now, so it was not sent. Try again later.',
} as const;

const NOT_SHARED = {
  code: 'LIMITS_NOT_SHARED',
  message:
    'A budget of a call that writes cannot be kept by several gateways that each count for themselves; they need a shared store of limits.',
} as const;

/** Holds what the call costs. Everything unclear is a refusal. */
export function keepLimits(
  limits: readonly LimitObligation[],
  tenant: string,
  input: DecisionInput,
  call: { action: ActionContract | undefined; cost: unknown; operation: Operation | undefined },
  deps: { limits: LimitStore; limitRules?: LimitRules; onError?(error: unknown): void },
): MaybePromise<KeptLimits> {
  const { limits: store, limitRules: rules = {} } = deps;
  const { action, cost, operation } = call;
  if ((rules.replicas ?? 1) > 1 && store.shared !== true && action?.effect !== 'read' && limits.some(isBudget)) {
    return NOT_SHARED;
  }
  const charged = chargesOf(limits, tenant, input, cost);
  if ('unpriced' in charged) {
    return { code: 'LIMIT_UNPRICED', message: `What the call costs the limit ${charged.unpriced} is unknown.` };
  }
  const unkept = (error: unknown): KeptLimits => {
    deps.onError?.(error);
    const down = error instanceof AegisError && error.code === 'AEGIS_LIMITS_UNAVAILABLE';
    const passes = down && rules.onUnavailable !== 'Deny' && action?.effect === 'read' && action.riskTier === 'low';
    if (down) rules.onUnavailableCall?.(passes);
    return passes ? 'uncounted' : UNAVAILABLE;
  };
  try {
    const reserved = store.reserve(charged.charges, operation);
    return isPromise(reserved) ? reserved.catch(unkept) : reserved;
  } catch (error) {
    return unkept(error);
  }
}
