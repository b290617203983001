import type { Reason } from '../decision/types.ts';
import type { Place, RuleIndex } from './rule-index.ts';
import type { Trace } from './trace.ts';

/** The field that a reason of a decision comes from: the condition, else the rule; none for refusals before any rule. */
export function reasonPlace(
  reason: Reason,
  trace: Trace | undefined,
  index: RuleIndex,
  call: { tool: string; action: string },
): Place | undefined {
  const { code, message, policy, rule } = reason;
  if (policy === undefined || rule === undefined) return undefined;
  const traced = trace?.reasons.find(
    (each) =>
      each.reason.code === code &&
      each.reason.message === message &&
      each.reason.policy === policy &&
      each.reason.rule === rule,
  );
  if (traced?.rule !== undefined && traced.condition !== undefined) {
    const { condition } = traced.condition;
    return index.condition(traced.rule.rule, 'conditions', condition, call.tool, call.action);
  }
  return index.rule(`${policy}/${rule}`);
}
