/** Explains a decision that was stored without its parameters, from its reasons alone. */
import type { CompiledRule } from '../compiler/slice.ts';
import type { DecisionInput, Reason } from '../decision/types.ts';
import { type ExplainContext, sensitiveParameters } from './explain-call.ts';
import { explainStructural } from './explain-structure.ts';
import type { ExplainedReason } from './explanation.ts';
import { own } from './own.ts';
import { remedyOf } from './remedy.ts';

export interface StoredCall {
  agent: string;
  tool: string;
  action: string;
}

/** What depends on a chain or a value that was not stored cannot be told. */
const NEEDS_THE_CALL: ReadonlySet<string> = new Set(['CHAIN_REFUSED', 'PARAMETER_TYPE']);

export function explainStored(reason: Reason, call: StoredCall, context: ExplainContext): ExplainedReason {
  const { policy, rule: name } = reason;
  if (policy === undefined || name === undefined) {
    if (NEEDS_THE_CALL.has(reason.code)) return { ...reason };
    const { given, ...rest } = explainStructural(reason, { ...call, params: {} } satisfies DecisionInput, context);
    return reason.param === undefined && given !== undefined ? { ...rest, given } : rest;
  }
  const id = `${policy}/${name}`;
  const source = context.index.rule(id);
  if (source === undefined)
    return { ...reason, given: 'these policies have no such rule; they may have changed since' };
  const explained = { ...reason, rulePlace: { field: source.field, location: source.location } };
  const rule = compiledRule(id, call, context);
  const condition = rule?.if?.find((each) => each.m === reason.message);
  if (rule === undefined || condition === undefined) return explained;
  const place = context.index.condition(rule, 'conditions', condition, call.tool, call.action);
  const remedy = remedyOf(condition, {
    sensitive: sensitiveParameters(context.slice, call.tool, call.action),
    purposes: Object.keys(context.slice?.purposes ?? {}),
    field: place?.field ?? 'the condition',
  });
  const { call: instead, change } = remedy;
  return { ...explained, ...(place && { place }), ...(instead && { call: instead }), ...(change && { change }) };
}

function compiledRule(id: string, { tool, action }: StoredCall, { slice }: ExplainContext): CompiledRule | undefined {
  return own(own(slice?.tools, tool)?.actions, action)
    ?.policies.flatMap(({ stable, candidate }) => [stable, candidate])
    .flatMap((revision) => [...(revision?.permits ?? []), ...(revision?.restricts ?? [])])
    .find((rule) => rule.id === id);
}
