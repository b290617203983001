/** From a traced call to sentences with positions: what decided, why, and what would have to change. */
import type { AgentSlice } from '../compiler/slice.ts';
import type { TenantResources } from '../compiler/tenant-resources.ts';
import type { DecisionInput, Reason } from '../decision/types.ts';
import { formatPath } from '../resources/resource.ts';
import { explainStructural } from './explain-structure.ts';
import type { ExplainedReason } from './explanation.ts';
import { own } from './own.ts';
import { remedyOf } from './remedy.ts';
import type { Place, RuleIndex } from './rule-index.ts';
import type { RuleTrace, Trace, TracedReason } from './trace.ts';

export interface ExplainContext {
  slice: AgentSlice | undefined;
  index: RuleIndex;
  resources: TenantResources;
  tenants: readonly string[];
}

/** `reasons` of the decision; those of the policy are found again in the trace. */
export function explainReasons(
  reasons: readonly Reason[],
  trace: Trace,
  input: DecisionInput,
  context: ExplainContext,
): ExplainedReason[] {
  return reasons.map((reason) => {
    const traced = trace.reasons.find((each) => sameReason(each.reason, reason));
    if (trace.structural) return explainStructural(reason, input, context);
    if (traced?.rule === undefined) return { ...reason };
    return explainTraced(reason, traced, traced.rule, input, context);
  });
}

function sameReason(a: Reason, b: Reason): boolean {
  return (
    a.code === b.code && a.message === b.message && a.policy === b.policy && a.rule === b.rule && a.param === b.param
  );
}

function explainTraced(
  reason: Reason,
  traced: TracedReason,
  rule: RuleTrace,
  input: DecisionInput,
  context: ExplainContext,
): ExplainedReason {
  const source = context.index.rule(rule.rule.id);
  const rulePlace = source && { field: source.field, location: source.location };
  const applies = whyItApplies(rule, input, context);
  const explained: ExplainedReason = {
    ...reason,
    ...(rulePlace && { rulePlace }),
    ...(applies.length === 0 ? {} : { applies }),
  };
  if (traced.condition === undefined) return { ...explained, ...outcomeRemedy(rule, input, context) };
  const { condition } = traced.condition;
  const place = context.index.condition(rule.rule, 'conditions', condition, input.tool, input.action);
  const remedy = remedyOf(condition, remedyContext(place, input, context));
  return { ...explained, ...(place && { place }), ...remedy };
}

/** A rule whose verdict is its own: the part of its `when` that brought the call here, else its outcome. */
function outcomeRemedy(trace: RuleTrace, input: DecisionInput, { index }: ExplainContext): Partial<ExplainedReason> {
  const { rule } = trace;
  const source = index.rule(rule.id);
  // nobody asks how to be refused
  if (source === undefined || rule.ok <= 1) return {};
  const path = [...source.path, 'outcome'];
  const field = formatPath(path);
  const place = { field, location: source.policy.locate(path) };
  if (rule.permit) return { place, change: `change ${field}` };
  const [first] = trace.when;
  const matched = first && index.condition(rule, 'when', first.condition, input.tool, input.action);
  const overridable = source.rule.overridable === true;
  const how = overridable ? `, or override ${rule.id} in a policy with a narrower scope` : '';
  const narrow = matched === undefined ? 'narrow its actions' : `narrow ${formatPath([...source.path, 'when'])}`;
  const call = undecided(trace);
  return { place: matched ?? place, ...(call && { call }), change: `${narrow}, or change ${field}${how}` };
}

/** What the call could say for the rule to be able to tell that it does not apply. */
function undecided({ when }: RuleTrace): string | undefined {
  const open = when.find(({ state }) => state === 'undecidable')?.condition;
  return open !== undefined && 'p' in open ? `send ${open.p}, plainly written, so that the rule can tell` : undefined;
}

/** What of a `when` brought the call to a rule that does not grant: what holds, and what cannot be decided. */
function whyItApplies(trace: RuleTrace, input: DecisionInput, context: ExplainContext): string[] {
  return trace.when.flatMap(({ condition, state }) => {
    if (state === 'holds' && trace.rule.permit) return [];
    const place = context.index.condition(trace.rule, 'when', condition, input.tool, input.action);
    const field = place?.field ?? 'when';
    const { given } = remedyOf(condition, remedyContext(place, input, context));
    if (state === 'holds') return [given === undefined ? `${field} fits` : `${field} fits: ${given}`];
    return [`${field} cannot be decided, which counts as fitting: ${given ?? condition.m}`];
  });
}

export function remedyContext(place: Place | undefined, input: DecisionInput, { slice }: ExplainContext) {
  return {
    input,
    sensitive: sensitiveParameters(slice, input.tool, input.action),
    purposes: Object.keys(slice?.purposes ?? {}),
    field: place?.field ?? 'the condition',
  };
}

/** Names of the action's parameters that are declared `sensitive`. */
export function sensitiveParameters(slice: AgentSlice | undefined, tool: string, action: string): ReadonlySet<string> {
  const contract = own(slice?.contracts, tool) as
    | { actions?: { name: string; parameters?: { name: string; sensitive?: boolean }[] }[] }
    | undefined;
  const parameters = contract?.actions?.find(({ name }) => name === action)?.parameters ?? [];
  return new Set(parameters.filter(({ sensitive }) => sensitive === true).map(({ name }) => name));
}
