import type { DecisionInput, LimitObligation } from '../../policy/decision/types.ts';
import type { LimitCharge } from './limit-store.ts';
import { parseWindow } from './limit-window.ts';
import { ONE, toNanos } from './nanos.ts';

/**
 * What a call costs its limits. A counter belongs to the limit and to what `per` names: the agent; the tool or the
 * action, whichever agent calls (the stricter reading); or the whole tenant.
 */
function subject(limit: LimitObligation, tenant: string, input: DecisionInput): string[] {
  switch (limit.per) {
    case 'Tenant':
      return [tenant];
    case 'Tool':
      return [tenant, 'tool', input.tool];
    case 'Action':
      return [tenant, 'action', input.tool, input.action];
    default:
      return [tenant, 'agent', input.agent];
  }
}

/** A budget adds up a parameter or the cost; a rate counts calls. */
export function isBudget(limit: Pick<LimitObligation, 'parameter' | 'cost'>): boolean {
  return limit.parameter !== undefined || limit.cost === true;
}

/** The amount of a budget, or one call; `undefined` where a price is unknown or negative. */
function amountOf(limit: LimitObligation, input: DecisionInput, cost: unknown): bigint | undefined {
  if (!isBudget(limit)) return ONE;
  const value = limit.cost === true ? cost : input.params[limit.parameter as string];
  const amount = typeof value === 'string' && limit.cost !== true ? undefined : toNanos(value);
  return amount === undefined || amount < 0n ? undefined : amount;
}

/**
 * The charges of all limits, or the id of one that cannot be kept (unknown window or price): then the call must not
 * pass, because a call that is not counted is a limit that does not hold.
 */
export function chargesOf(
  limits: readonly LimitObligation[],
  tenant: string,
  input: DecisionInput,
  cost: unknown,
): { charges: LimitCharge[] } | { unpriced: string } {
  const charges: LimitCharge[] = [];
  for (const limit of limits) {
    const window = parseWindow(limit.window);
    const max = toNanos(limit.max);
    const amount = amountOf(limit, input, cost);
    if (window === undefined || max === undefined || max < 0n || amount === undefined) return { unpriced: limit.id };
    const key = JSON.stringify([limit.id, ...subject(limit, tenant, input)]);
    const kind = isBudget(limit) ? 'budget' : 'rate';
    charges.push({ key, id: limit.id, tenant, kind, window, max, amount, chargeOnly: limit.chargeOnly === true });
  }
  return { charges };
}
