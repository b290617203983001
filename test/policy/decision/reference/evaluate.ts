/**
 * The reference: resources and a call → outcome, straight from the design's section 5 ("Rules: what a policy says"),
 * section 6 and docs/decisions/0003-rule-semantics.md. It knows neither the compiler nor the Rego.
 */
import type { Verdict } from '../../../../policy/decision/types.ts';
import type {
  AgentPolicy,
  AgentRegistration,
  AgentTenant,
  AgentTool,
  Limit,
  Rule,
  ToolAction,
} from '../../../../policy/resources/types.generated.ts';
import { type Call, type CallSite, judge, ROLES } from './conditions.ts';
import { all, isWholeNumber, typeOf } from './values.ts';

export interface PolicyWithState {
  /** `namespace/name` */
  id: string;
  stable?: AgentPolicy;
  candidate?: { policy: AgentPolicy; stage: 'shadow' | 'partial' | 'enforce' };
}

/** One tenant as parsed; maps are by id. */
export interface Tenant {
  name: string;
  platformNamespace: string;
  resource?: AgentTenant;
  tools: Map<string, AgentTool>;
  registrations: Map<string, AgentRegistration>;
  policies: PolicyWithState[];
  /** `agent/tool` pairs for which a Permit has enforced before. */
  everEnforced: Set<string>;
}

export interface RefOutcome {
  verdict: Verdict;
  /** `namespace/policy/rule`, or the code where no rule is behind it. */
  reasons: string[];
  redact: unknown[];
  set: unknown[];
  /** Ids; `!` behind those that are only charged. */
  limits: string[];
  approval: { risk: string; rules: string[] } | null;
}

const ORDER: Verdict[] = ['allow', 'sanitize', 'rate_limited', 'approval_needed', 'deny'];
const strictest = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.reduce((a, b) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a), 'allow');
const RISKS = ['low', 'medium', 'high', 'critical'];

const refused = (code: string): RefOutcome => ({
  verdict: 'deny',
  reasons: [code],
  redact: [],
  set: [],
  limits: [],
  approval: null,
});

export function evaluate(tenant: Tenant, call: Call): { enforced: RefOutcome; candidates: Map<string, RefOutcome> } {
  const code = structural(tenant, call);
  if (code !== undefined) return { enforced: refused(code), candidates: new Map() };
  const enforces = ({ id, candidate }: PolicyWithState): boolean =>
    candidate?.stage === 'enforce' || (candidate?.stage === 'partial' && call.cohort?.[id] === true);
  const chosen = (policy: PolicyWithState): AgentPolicy | undefined =>
    enforces(policy) ? policy.candidate?.policy : policy.stable;
  const other = (policy: PolicyWithState): AgentPolicy | undefined =>
    enforces(policy) ? policy.stable : policy.candidate?.policy;
  const present = (policies: (AgentPolicy | undefined)[]): AgentPolicy[] => policies.filter((p) => p !== undefined);
  const enforced = decide(tenant, call, present(tenant.policies.map(chosen)));
  const candidates = new Map<string, RefOutcome>();
  for (const policy of tenant.policies) {
    if (policy.candidate === undefined) continue;
    const switched = tenant.policies.map((one) => (one === policy ? other(one) : chosen(one)));
    candidates.set(policy.id, decide(tenant, call, present(switched)));
  }
  return { enforced, candidates };
}

/** Refusals that come before any rule. */
function structural(tenant: Tenant, call: Call): string | undefined {
  const registration = tenant.registrations.get(call.agent);
  if (call.tenant !== undefined && call.tenant !== tenant.name) return 'UNKNOWN_TENANT';
  if (registration === undefined) return 'UNKNOWN_AGENT';
  if (registration.spec.suspended === true) return 'AGENT_SUSPENDED';
  if (!chainAccepted(tenant, call)) return 'CHAIN_REFUSED';
  const grant = registration.spec.tools?.find(({ toolId }) => toolId === call.tool);
  if (grant === undefined || !tenant.tools.has(call.tool)) return 'UNKNOWN_TOOL';
  const action = actionOf(tenant, call);
  if (action === undefined || (grant.actions !== undefined && !grant.actions.includes(call.action)))
    return 'UNKNOWN_ACTION';
  if (typeOf(call.params) !== 'object') return 'INVALID_PARAMETERS';
  const given = Object.entries(call.params as object);
  return given.every(([name, value]) => parameterFits(action, name, value)) ? undefined : 'PARAMETER';
}

function isOpen({ undeclared, effect }: ToolAction): boolean {
  return (undeclared ?? (effect === 'read' ? 'Allow' : 'Refuse')) === 'Allow';
}

/** Of the declared type, or undeclared where the contract lets such pass. */
function parameterFits(action: ToolAction, name: string, value: unknown): boolean {
  const declared = new Map(Object.entries(action.parameters ?? {})).get(name);
  if (declared === undefined) return isOpen(action);
  const whole = declared.type === 'integer' && declared.scale === undefined;
  if (whole && typeOf(value) === 'number' && !isWholeNumber(value)) return false;
  const numeric = declared.role === 'amount' || declared.scale !== undefined || declared.type === 'integer';
  return typeOf(value) === (numeric ? 'number' : declared.type);
}

function actionOf(tenant: Tenant, call: Call): ToolAction | undefined {
  return tenant.tools.get(call.tool)?.spec.actions?.find(({ name }) => name === call.action);
}

function chainAccepted(tenant: Tenant, call: Call): boolean {
  const chain = call.chain === undefined ? [call.agent] : call.chain;
  if (!Array.isArray(chain) || chain.at(-1) !== call.agent || new Set(chain).size !== chain.length) return false;
  if (chain.length - 1 > (tenant.resource?.spec.defaults?.maxDepth ?? 16)) return false;
  return chain.every((name: unknown, position) => {
    if (typeof name !== 'string') return false;
    const registration = tenant.registrations.get(name);
    if (registration === undefined) return position === 0;
    const { acceptsFrom = [], maxDepth = 4, selfOrigin = false } = registration.spec.delegation ?? {};
    if (registration.spec.suspended === true) return false;
    if (position === 0) return selfOrigin || acceptsFrom.length === 0;
    return acceptsFrom.includes(chain[position - 1] as string) && position <= maxDepth;
  });
}

interface Hit {
  id: string;
  policy: AgentPolicy;
  rule: Rule;
  verdict: Verdict;
  /** Some verdict that the rule comes to, or would without a stricter one, is sanitize. */
  sanitises: boolean;
  /** Its `when` is known to hold. */
  decided: boolean;
}

function decide(tenant: Tenant, call: Call, policies: readonly AgentPolicy[]): RefOutcome {
  const site: CallSite = {
    call,
    action: actionOf(tenant, call) as ToolAction,
    registration: tenant.registrations.get(call.agent) as AgentRegistration,
  };
  const all = policies.filter((policy) => inScope(policy, call)).flatMap((policy) => hitsOf(policy, site));
  const hits = all.filter((hit) => !all.some((permit) => overrides(tenant, permit, hit)));
  const permitted = hits.some(({ rule }) => rule.type !== 'Restrict');
  const verdict = strictest(hits.map((hit) => hit.verdict));
  if (!permitted && !observed(tenant, site, policies)) return refused('NO_PERMIT');
  const decisive = hits.filter((hit) => hit.verdict === verdict);
  const reasons = decisive.filter(({ rule }) => verdict !== 'allow' || rule.type !== 'Restrict').map(({ id }) => id);
  const sanitizers = hits.filter((hit) => hit.sanitises && hit.verdict !== 'deny');
  const changes = sanitizers.flatMap(({ rule }) => rule.sanitize?.request ?? []);
  const request = changes.filter(({ param }) => Object.hasOwn(site.action.parameters ?? {}, param));
  const sets = (op: string): boolean => op === 'set' || op === 'clamp';
  return {
    verdict,
    reasons: !permitted && verdict === 'allow' ? ['UNMATCHED_OBSERVE'] : reasons,
    redact: [
      ...request.filter(({ op }) => !sets(op)),
      ...sanitizers.flatMap(({ rule }) => rule.sanitize?.response ?? []),
    ],
    set: request.filter(({ op }) => sets(op)),
    limits: [...standing(tenant, site), ...hits.flatMap(chargedLimits)],
    approval:
      verdict === 'approval_needed' ? { risk: risk(tenant, site, hits), rules: decisive.map(({ id }) => id) } : null,
  };
}

function inScope(policy: AgentPolicy, call: Call): boolean {
  const { agents, tools } = policy.spec.scope;
  return (agents?.includes(call.agent) ?? true) && (tools?.includes(call.tool) ?? true);
}

export function policyIdOf({ metadata }: AgentPolicy): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** The first fitting Permit, and every fitting Restrict. */
function hitsOf(policy: AgentPolicy, site: CallSite): Hit[] {
  const fitting = policy.spec.rules.filter((rule) => binds(rule, site.action) && fits(rule, site));
  const first = fitting.find((rule) => rule.type !== 'Restrict');
  return fitting
    .filter((rule) => rule === first || rule.type === 'Restrict')
    .map((rule) => {
      const verdicts = verdictsOf(rule, site);
      return {
        id: `${policyIdOf(policy)}/${rule.name}`,
        policy,
        rule,
        verdict: strictest(verdicts),
        sanitises: verdicts.includes('sanitize') || rule.outcome === 'sanitize',
        decided: all(judge(rule.when, site).map((judged) => judged.truth)) === 'yes',
      };
    });
}

/** `'*'` stands for every action that declares the parameters and roles that the rule relies on. */
function binds(rule: Rule, action: ToolAction): boolean {
  if (!rule.actions.includes('*')) return rule.actions.includes(action.name);
  const parameters = action.parameters ?? {};
  const roles = Object.values(parameters).map(({ role }) => role as string);
  const names = [
    ...(rule.limits ?? []).map((limit) => limit.budget?.parameter),
    ...(rule.sanitize?.request ?? []).map(({ param }) => param),
    ...[rule.when, rule.conditions].flatMap((conditions) => Object.keys(conditions?.params ?? {})),
  ];
  const wanted = Object.entries(ROLES).filter(([key]) =>
    [rule.when, rule.conditions].some((conditions) => conditions !== undefined && key in conditions),
  );
  return (
    names.every((name) => name === undefined || Object.hasOwn(parameters, name)) &&
    wanted.every(([, role]) => roles.includes(role))
  );
}

function fits(rule: Rule, site: CallSite): boolean {
  const when = all(judge(rule.when, site).map((judged) => judged.truth));
  const grants = rule.type !== 'Restrict' && (rule.outcome ?? 'allow') === 'allow';
  return grants ? when === 'yes' : when !== 'no';
}

/** A rule of the platform may change fields that an open action lets pass unseen; what it cannot change is refused. */
function verdictsOf(rule: Rule, site: CallSite): Verdict[] {
  const changed = (rule.sanitize?.request ?? []).map(({ param }) => param);
  const declared = site.action.parameters ?? {};
  if (isOpen(site.action) && !changed.every((param) => Object.hasOwn(declared, param))) return ['deny'];
  const failed = judge(rule.conditions, site).filter((judged) => judged.truth !== 'yes');
  if (failed.length === 0) return [rule.outcome ?? 'allow'];
  return failed.map(({ onFail }) => onFail ?? rule.failureAction ?? 'deny');
}

function overrides(tenant: Tenant, permit: Hit, hit: Hit): boolean {
  if (hit.rule.overridable !== true || hit.rule.type !== 'Restrict' || permit.policy === hit.policy) return false;
  if (!permit.decided) return false;
  return (permit.rule.overrides ?? []).includes(hit.id) && strictlyNarrower(tenant, permit.policy, hit.policy);
}

/** Set inclusion of the covered pairs; every tenant scope is narrower than a platform scope that covers it. */
function strictlyNarrower(tenant: Tenant, inner: AgentPolicy, outer: AgentPolicy): boolean {
  const within = (a: string[] | undefined, b: string[] | undefined): boolean =>
    b === undefined || (a?.every((name) => b.includes(name)) ?? false);
  const covers = (a: AgentPolicy, b: AgentPolicy): boolean =>
    within(b.spec.scope.agents, a.spec.scope.agents) && within(b.spec.scope.tools, a.spec.scope.tools);
  const platform = (policy: AgentPolicy): boolean => policy.metadata.namespace === tenant.platformNamespace;
  return covers(outer, inner) && (platform(outer) || !covers(inner, outer));
}

function observed(tenant: Tenant, { call, registration }: CallSite, policies: readonly AgentPolicy[]): boolean {
  if (registration.spec.unmatched !== 'Observe') return false;
  if (tenant.everEnforced.has(`${call.agent}/${call.tool}`)) return false;
  const enforced = tenant.policies.flatMap(({ stable, candidate }) => [
    stable,
    candidate?.stage === 'enforce' ? candidate.policy : undefined,
  ]);
  const actions = tenant.tools.get(call.tool)?.spec.actions ?? [];
  const permits = (policy: AgentPolicy): boolean =>
    inScope(policy, call) &&
    policy.spec.rules.some((rule) => rule.type !== 'Restrict' && actions.some((action) => binds(rule, action)));
  return ![...enforced, ...policies].some((policy) => policy !== undefined && permits(policy));
}

function standing(tenant: Tenant, { call, registration }: CallSite): string[] {
  const ids = (limits: Limit[] | undefined, prefix: string): string[] =>
    (limits ?? []).map(({ name }) => `${prefix}/${name}`);
  return [
    ...ids(tenant.resource?.spec.budget?.limits, 'tenant'),
    ...ids(registration.spec.budget?.limits, `agent/${call.agent}`),
  ];
}

/** A denied call is never charged; one that its own rule sends to a person is charged, but not refused. */
function chargedLimits({ id, rule, verdict }: Hit): string[] {
  if (verdict === 'deny') return [];
  return (rule.limits ?? []).map(({ name }) => `${id}/${name}${verdict === 'approval_needed' ? '!' : ''}`);
}

function risk(tenant: Tenant, { call, action }: CallSite, hits: readonly Hit[]): string {
  const tiers = [
    tenant.tools.get(call.tool)?.spec.riskTier ?? 'medium',
    action.riskTier,
    ...hits.map(({ rule }) => rule.riskTier),
  ];
  return RISKS[Math.max(...tiers.map((tier) => RISKS.indexOf(tier ?? 'low')))] as string;
}
