/**
 * Follows one call through an agent's slice, as `policy/rego/policy.rego` decides it, and keeps every step: which rules
 * were asked and fitted, which conditions held. It explains decisions and measures coverage; it never makes one, and
 * whoever uses it compares its verdict with the policy's own.
 */
import type { AgentSlice, CompiledRevision, CompiledRule, Condition, PolicyEntry, Rank } from '../compiler/slice.ts';
import { type DecisionInput, type Reason, VERDICTS, type Verdict } from '../decision/types.ts';
import { type CallFacts, type ConditionState, conditionState, hasParameter } from './condition-state.ts';
import { own } from './own.ts';
import { structuralRefusals } from './structure.ts';

export interface ConditionTrace {
  condition: Condition;
  state: ConditionState;
}

export interface RuleTrace {
  rule: CompiledRule;
  /** False where a Permit before it in its policy has decided already. */
  asked: boolean;
  when: ConditionTrace[];
  fits: boolean;
  /** Empty where the rule did not take part. */
  conditions: ConditionTrace[];
  /** What the rule said, where it took part. */
  rank?: Rank;
  /** The rule that overrides it. */
  overriddenBy?: string;
}

export interface PolicyTrace {
  id: string;
  revision: string;
  rules: RuleTrace[];
}

/** A reason with what it stands for; neither for refusals before any rule. */
export interface TracedReason {
  reason: Reason;
  rule?: RuleTrace;
  condition?: ConditionTrace;
}

export interface Trace {
  verdict: Verdict;
  reasons: TracedReason[];
  /** No policy was asked. */
  structural: boolean;
  policies: PolicyTrace[];
}

/** `input` as the policy sees it, `context.local` included. `slice` is undefined for an unknown agent. */
export function traceCall(slice: AgentSlice | undefined, tenant: string, input: DecisionInput): Trace {
  const blocks = structuralRefusals(slice, tenant, input);
  if (slice === undefined || blocks.length > 0) {
    return { verdict: 'deny', reasons: blocks.map((reason) => ({ reason })), structural: true, policies: [] };
  }
  const facts = factsOf(slice, input);
  const tool = own(slice.tools, input.tool);
  const action = own(tool?.actions, input.action);
  const revisions = (action?.policies ?? []).flatMap((policy) => {
    const revision = activeRevision(policy, input);
    return revision === undefined ? [] : [{ id: policy.id, revision }];
  });
  const policies = revisions.map(({ id, revision }) => tracePolicy(id, revision, facts));
  const hits = live(policies.flatMap(({ rules }) => rules.filter(({ rank }) => rank !== undefined)));
  const observed = tool?.observe === true && revisions.every(({ revision }) => !revision.matched);
  return { ...combined(hits, observed, facts), structural: false, policies };
}

function factsOf(slice: AgentSlice, { params, chain, context, agent }: DecisionInput): CallFacts {
  const named = context?.purpose;
  const purposes =
    named === undefined ? Object.keys(slice.purposes) : Object.hasOwn(slice.purposes, named) ? [named] : [];
  return { params, chain: chain ?? [agent], purposes, local: context?.local ?? {} };
}

function activeRevision({ id, stable, candidate }: PolicyEntry, input: DecisionInput): CompiledRevision | undefined {
  const enforced = candidate?.stage === 'enforce' || (candidate?.stage === 'partial' && own(input.cohort, id) === true);
  return enforced ? candidate : stable;
}

function tracePolicy(id: string, { revision, permits, restricts }: CompiledRevision, facts: CallFacts): PolicyTrace {
  let decided = false;
  const asked = permits.map((rule): RuleTrace => {
    const trace = traceRule(rule, !decided, facts);
    decided ||= trace.fits;
    return trace;
  });
  return { id, revision, rules: [...asked, ...restricts.map((rule) => traceRule(rule, true, facts))] };
}

function traceRule(rule: CompiledRule, asked: boolean, facts: CallFacts): RuleTrace {
  if (!asked) return { rule, asked, when: [], fits: false, conditions: [] };
  const states = (conditions: readonly Condition[] = []): ConditionTrace[] =>
    conditions.map((condition) => ({ condition, state: conditionState(condition, facts) }));
  const when = states(rule.when);
  const fits = when.every(({ state }) => (rule.grants ? state === 'holds' : state !== 'refuted'));
  if (!fits) return { rule, asked, when, fits, conditions: [] };
  const conditions = states(rule.if);
  const failed = conditions.filter(({ state }) => state !== 'holds').map(({ condition }) => condition.bad);
  return { rule, asked, when, fits, conditions, rank: failed.length === 0 ? rule.ok : (Math.max(...failed) as Rank) };
}

/** Marks the Restricts that a deciding Permit overrides, and gives the others. */
function live(hits: readonly RuleTrace[]): RuleTrace[] {
  return hits.filter((hit) => {
    const { yields } = hit.rule;
    const by = yields === undefined ? undefined : hits.find((other) => overrides(other, yields));
    if (by !== undefined) hit.overriddenBy = by.rule.id;
    return by === undefined;
  });
}

/** A Permit whose `when` is not known to hold silences nothing. */
function overrides({ rule, when }: RuleTrace, yields: string): boolean {
  return own(rule.overrides, yields) === true && when.every(({ state }) => state === 'holds');
}

function combined(
  hits: readonly RuleTrace[],
  observed: boolean,
  facts: CallFacts,
): { verdict: Verdict; reasons: TracedReason[] } {
  const granted = hits.some(({ rule }) => rule.permit);
  if (!granted && !observed) {
    const reason = { code: 'NO_PERMIT', message: 'No policy permits this call.' };
    return { verdict: 'deny', reasons: [{ reason }, ...reasonsOf(hits, 4, facts)] };
  }
  const rank = Math.max(0, ...hits.map((hit) => hit.rank as Rank)) as Rank;
  const verdict = VERDICTS[rank] as Verdict;
  if (granted || rank > 0) return { verdict, reasons: reasonsOf(hits, rank, facts) };
  const message = 'No policy is in force for this tool yet; the call is observed.';
  return { verdict, reasons: [{ reason: { code: 'UNMATCHED_OBSERVE', message } }] };
}

function reasonsOf(hits: readonly RuleTrace[], rank: Rank, facts: CallFacts): TracedReason[] {
  return hits
    .filter((hit) => hit.rank === rank)
    .flatMap((hit): TracedReason[] => {
      const failed = hit.conditions.filter(({ state }) => state !== 'holds');
      if (failed.length === 0) return hit.rule.reason === undefined ? [] : [{ reason: hit.rule.reason, rule: hit }];
      return failed
        .filter(({ condition }) => condition.bad === rank)
        .map((condition) => ({ reason: conditionReason(hit.rule, condition, facts), rule: hit, condition }));
    });
}

const CODES: Record<Condition['k'], string> = {
  amount: 'ABOVE_MAXIMUM',
  max: 'ABOVE_MAXIMUM',
  min: 'BELOW_MINIMUM',
  in: 'NOT_IN_LIST',
  one: 'NOT_IN_LIST',
  pattern: 'PATTERN_MISMATCH',
  length: 'TOO_LONG',
  required: 'PARAMETER_MISSING',
  forbidden: 'PARAMETER_FORBIDDEN',
  each: 'ELEMENT_REFUSED',
  path: 'PATH_OUTSIDE',
  host: 'HOST_NOT_LISTED',
  cidr: 'ADDRESS_NOT_LISTED',
  purpose: 'PURPOSE_MISMATCH',
  time: 'OUTSIDE_TIME_WINDOW',
  callers: 'CALLER_NOT_ALLOWED',
  depth: 'CHAIN_TOO_DEEP',
  origin: 'ORIGIN_NOT_ALLOWED',
  never: 'CONTRACT_INCOMPLETE',
};

function conditionReason(rule: CompiledRule, { condition, state }: ConditionTrace, facts: CallFacts): Reason {
  const { k, m } = condition;
  const reason: Reason = { code: CODES[k], message: m, policy: rule.policy, rule: rule.name };
  if (!('p' in condition)) return reason;
  reason.param = condition.p;
  if (k !== 'forbidden' && !hasParameter(facts, condition.p)) reason.code = 'PARAMETER_MISSING';
  else if (k !== 'required' && k !== 'forbidden' && state === 'undecidable') reason.code = 'PARAMETER_MALFORMED';
  return reason;
}
