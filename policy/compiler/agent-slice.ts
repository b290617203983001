/** The data slice of one agent, as canonical JSON text assembled from shared parts. */
import { canonicalJson } from '../bundle/canonical-json.ts';
import type { LimitObligation } from '../decision/types.ts';
import type { UpstreamContract } from '../mapping/contract.ts';
import type { AgentRegistration, Limit } from '../resources/types.generated.ts';
import type { ActionContract } from './action-contract.ts';
import { bindingLimits, declaredParameters } from './budget-parameters.ts';
import { type ClosedTool, closedContracts } from './closed-tools.ts';
import { limitObligation } from './compile-rule.ts';
import { arrayText, objectText } from './json-text.ts';
import type { PolicyRevision } from './policy-revision.ts';
import type { ChainLink, CompiledRule } from './slice.ts';
import { nameSet } from './values.ts';

export type Stage = 'shadow' | 'partial' | 'enforce';

/** A policy as it takes part: its stable revision, its candidate, or both. */
export interface ActivePolicy {
  id: string;
  stable?: PolicyRevision;
  /** `cohort` as in `PolicyState`; in the slice of one agent the stage says it all. */
  candidate?: { revision: PolicyRevision; stage: Stage; cohort?: ReadonlySet<string> };
}

export interface SlicePart {
  toolId: string;
  actions: ReadonlyMap<string, ActionContract>;
  /** Canonical JSON of the request mapping. */
  contract: string;
  upstream: UpstreamContract;
  /** The same, where requests that no action matches are only observed; absent where the agent may use some actions only. */
  observing?(limits: readonly LimitObligation[]): string;
}

export interface SliceInput {
  agentId: string;
  registration: AgentRegistration;
  suspended: boolean;
  chain: Record<string, ChainLink>;
  tools: readonly SlicePart[];
  closed: readonly ClosedTool[];
  /** Policies whose agent scope covers the agent, sorted by id. */
  policies: readonly ActivePolicy[];
  tenantLimits: readonly LimitObligation[];
  /** Names of parameters that any tool of the tenant declares. */
  tenantParameters: ReadonlySet<string>;
  /** Whether a policy with a Permit for the pair has ever enforced. */
  everEnforced(toolId: string): boolean;
}

export function agentSliceText(input: SliceInput): string {
  const { registration, agentId } = input;
  const own = agentLimits(agentId, registration.spec.budget?.limits ?? []);
  const declared = declaredParameters(input.tools.map(({ actions }) => actions));
  const limits: LimitsOf = (contract) => [
    ...bindingLimits(input.tenantLimits, input.tenantParameters, contract),
    ...bindingLimits(own, declared, contract),
  ];
  const zones = new Set<string>();
  const tools = input.tools.map((tool): [string, string] => [tool.toolId, toolText(tool, input, limits, zones)]);
  return objectText([
    ['agent', canonicalJson(agentId)],
    ['chain', canonicalJson(input.chain)],
    [
      'contracts',
      objectText([
        ...input.tools.map((tool): [string, string] => [tool.toolId, contractText(tool, input, limits)]),
        ...closedContracts(
          input.closed,
          input.tools.map(({ upstream }) => upstream),
        ),
      ]),
    ],
    ['purposes', canonicalJson(nameSet(registration.spec.purpose ?? []))],
    ['suspended', String(input.suspended)],
    ['timeZones', canonicalJson([...zones].sort())],
    ['tools', objectText(tools)],
  ]);
}

/** What is charged, beside the rules' own limits, to calls of an action, or to a request that is none. */
type LimitsOf = (contract?: ActionContract) => LimitObligation[];

function agentLimits(agentId: string, limits: readonly Limit[]): LimitObligation[] {
  return limits.map((limit) => limitObligation(limit, `agent/${agentId}/${limit.name}`));
}

function toolText(tool: SlicePart, input: SliceInput, limits: LimitsOf, zones: Set<string>): string {
  const policies = input.policies.filter(coversToolOf(tool.toolId));
  const observe = observes(tool.toolId, policies, input);
  const actions = [...tool.actions.values()].map((contract): [string, string] => [
    contract.action,
    actionText(contract, policies, observe, limits(contract), zones),
  ]);
  return objectText([
    ['actions', objectText(actions)],
    ['observe', String(observe)],
  ]);
}

function contractText(tool: SlicePart, input: SliceInput, limits: LimitsOf): string {
  if (tool.observing === undefined || !observesUnmatched(tool.toolId, input)) return tool.contract;
  return tool.observing(limits());
}

/**
 * A request that is no known action passes only where nothing that enforces could mean it: no Permit for the pair, and
 * no Restrict on any action of the tool or on `*`, because which action it would be for the tool is not known here.
 */
function observesUnmatched(toolId: string, input: SliceInput): boolean {
  const inForce = input.policies.flatMap(({ stable, candidate }) => [
    candidate?.stage === 'enforce' ? undefined : stable,
    candidate?.stage === 'shadow' ? undefined : candidate?.revision,
  ]);
  const binding = inForce.some((revision) => revision !== undefined && couldBind(revision, toolId, input.agentId));
  return !binding && observes(toolId, input.policies.filter(coversToolOf(toolId)), input);
}

function couldBind(revision: PolicyRevision, toolId: string, agentId: string): boolean {
  const { scope, source, tools } = revision;
  if (!coversTool(revision, toolId) || scope.agents?.has(agentId) === false) return false;
  return tools.has(toolId) || source.object.spec.rules.some(({ actions }) => actions.includes('*'));
}

function coversToolOf(toolId: string): (policy: ActivePolicy) => boolean {
  return ({ stable, candidate }) =>
    [stable, candidate?.revision].some((revision) => revision !== undefined && coversTool(revision, toolId));
}

function coversTool({ scope }: PolicyRevision, toolId: string): boolean {
  return scope.tools === undefined || scope.tools.has(toolId);
}

/** Observed until a policy with a Permit for the pair has reached enforce; from then on, no permit means deny. */
function observes(toolId: string, policies: readonly ActivePolicy[], input: SliceInput): boolean {
  if (input.registration.spec.unmatched !== 'Observe' || input.everEnforced(toolId)) return false;
  const enforced = policies.flatMap(({ stable, candidate }) => [
    stable,
    candidate?.stage === 'enforce' ? candidate.revision : undefined,
  ]);
  return !enforced.some((revision) => revision?.tools.get(toolId)?.matched);
}

function actionText(
  contract: ActionContract,
  policies: readonly ActivePolicy[],
  observe: boolean,
  limits: LimitObligation[],
  zones: Set<string>,
): string {
  const { toolId, action } = contract;
  const entries: string[] = [];
  const rules: CompiledRule[] = [];
  let staged = false;
  for (const { id, stable, candidate } of policies) {
    const next = candidate?.revision;
    // where the pair is only observed, a candidate that permits anything on it ends the observation
    const ends = observe && next?.tools.get(toolId)?.matched === true;
    if (![stable, next].some((revision) => revision !== undefined && binds(revision, contract)) && !ends) continue;
    const parts: [string, string][] = [['id', canonicalJson(id)]];
    if (stable !== undefined) {
      parts.push(['stable', stable.text(toolId, action)]);
      rules.push(...rulesOf(stable, contract));
    }
    if (next !== undefined) {
      parts.push(['candidate', next.text(toolId, action, candidate?.stage)]);
      rules.push(...rulesOf(next, contract));
      staged = true;
    }
    entries.push(objectText(parts));
  }
  collectZones(rules, zones);
  return objectText([
    ['limits', canonicalJson(limits)],
    ['obliging', String(limits.length > 0 || rules.some((rule) => rule.limits ?? rule.redact ?? rule.set))],
    ['open', String(contract.open)],
    ['overriding', String(rules.some((rule) => rule.overrides !== undefined))],
    ['params', canonicalJson(Object.fromEntries([...contract.parameters].map(([name, { type }]) => [name, type])))],
    ['policies', arrayText(entries)],
    ['staged', String(staged)],
    ['whole', canonicalJson(wholeNumbers(contract))],
  ]);
}

function binds(revision: PolicyRevision, { toolId, action }: ActionContract): boolean {
  return revision.tools.get(toolId)?.actions.has(action) ?? false;
}

function rulesOf(revision: PolicyRevision, { toolId, action }: ActionContract): CompiledRule[] {
  const binding = revision.tools.get(toolId)?.actions.get(action);
  return binding === undefined ? [] : [...binding.permits, ...binding.restricts];
}

function collectZones(rules: readonly CompiledRule[], zones: Set<string>): void {
  for (const rule of rules) {
    for (const condition of [...(rule.when ?? []), ...(rule.if ?? [])]) {
      if (condition.k === 'time') for (const window of condition.v) zones.add(window.tz);
    }
  }
}

function wholeNumbers({ parameters }: ActionContract): string[] {
  return [...parameters]
    .filter(([, { whole }]) => whole === true)
    .map(([name]) => name)
    .sort();
}
