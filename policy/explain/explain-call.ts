/** From a traced call to sentences with positions: what decided, why, and what would have to change. */
import type { AgentSlice, CompiledRule, Condition } from '../compiler/slice.ts';
import type { TenantResources } from '../compiler/tenant-resources.ts';
import type { DecisionInput, Reason } from '../decision/types.ts';
import { formatPath } from '../resources/resource.ts';
import { explainStructural } from './explain-structure.ts';
import type { ExplainedReason } from './explanation.ts';
import { own } from './own.ts';
import { remedyOf } from './remedy.ts';
import type { Part, Place, RuleIndex } from './rule-index.ts';
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
  if (traced.condition === undefined) return { ...explained, ...outcomeRemedy(rule.rule, context) };
  const { condition } = traced.condition;
  const place = context.index.condition(rule.rule, 'conditions', condition, input.tool, input.action);
  const remedy = remedyOf(condition, remedyContext(place, input, context));
  return { ...explained, ...(place && { place }), ...remedy };
}

/** A rule whose verdict is its own: what it says, and where. */
function outcomeRemedy(rule: CompiledRule, { index }: ExplainContext): Partial<ExplainedReason> {
  const source = index.rule(rule.id);
  if (source === undefined || rule.ok === 0) return {};
  const path = [...source.path, 'outcome'];
  const field = formatPath(path);
  const place = { field, location: source.policy.locate(path) };
  if (rule.permit) return { place, change: `change ${field}` };
  const overridable = source.rule.overridable === true;
  const how = overridable ? `, or override ${rule.id} in a policy with a narrower scope` : '';
  return { place, change: `narrow the rule's \`when\`, or change ${field}${how}` };
}

/** The parts of a `when` that fit only because they cannot be decided, and for Restricts those that hold. */
function whyItApplies(trace: RuleTrace, input: DecisionInput, context: ExplainContext): string[] {
  return trace.when.flatMap(({ condition, state }) => {
    const field = fieldOf(trace.rule, 'when', condition, input, context.index);
    if (state === 'undecidable') {
      const { given } = remedyOf(condition, remedyContext(field, input, context));
      return [`${field?.field ?? 'when'} cannot be decided (${given ?? condition.m}), so the rule applies`];
    }
    return trace.rule.permit || field === undefined ? [] : [`${field.field} holds`];
  });
}

function fieldOf(rule: CompiledRule, part: Part, condition: Condition, input: DecisionInput, index: RuleIndex) {
  return index.condition(rule, part, condition, input.tool, input.action);
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
