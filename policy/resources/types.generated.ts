// Generated from crds/ by `node scripts/generate.ts`. Do not edit.
import type { Resource } from './resource.ts';

/** An exact number: an integer, or a decimal number as a string such as "49.90". */
export type Amount = number | string;

export type Effect = 'read' | 'write' | 'irreversible';
export type EgressGuardMode = 'Off' | 'Observe' | 'Enforce';
export type FailureVerdict = 'deny' | 'approval_needed' | 'sanitize';
export type FreezeMode = 'Keep' | 'DenyWrites' | 'DenyAll';
export type ParameterRole = 'amount' | 'currency' | 'purpose' | 'destination' | 'region' | 'channel';
export type ParameterType = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
export type Protocol = 'HTTP' | 'MCP' | 'Agent';
export type RequestSanitizeOp = 'redact' | 'mask' | 'hash' | 'clamp' | 'set' | 'drop';
export type ResponseSanitizeOp = 'redact' | 'mask' | 'hash' | 'drop';
export type RiskTier = 'low' | 'medium' | 'high' | 'critical';
export type RolloutPhase = 'GateRunning' | 'AwaitingApproval' | 'Paused' | 'Complete' | 'RolledBack';
export type RolloutProfile = 'standard' | 'small' | 'immediate';
export type RuleOutcome = 'allow' | 'approval_needed' | 'sanitize' | 'deny';
export type RuleType = 'Permit' | 'Restrict';
export type Stage = 'Shadow' | 'Partial' | 'Enforce';
export type Verdict = 'allow' | 'sanitize' | 'rate_limited' | 'approval_needed' | 'deny';
export type Weekday = 'Mon' | 'Tue' | 'Wed' | 'Thu' | 'Fri' | 'Sat' | 'Sun';

/** What the policy says and how it is rolled out. */
export interface AgentPolicySpec {
  /**
   * Which calls the policy speaks about. Either the whole tenant, or calls by the listed agents (any tool), to the
   * listed tools (any agent), or by the listed agents to the listed tools when both are given.
   */
  scope: Scope;
  /** What the policy says, in order. The first fitting Permit decides; every fitting Restrict applies too. */
  rules: Rule[];
  /** Who changed the policy and why; auditors read it beside every decision. */
  change?: Change;
  /** True to take the policy out of force. Where that loosens what is enforced it needs approval. */
  suspend?: boolean;
  /** Calls with the verdict they must get; aegis test and CI fail when one differs. */
  tests?: PolicyTest[];
  /** How a new revision reaches enforcement. The tenant's floors hold whatever stands here. */
  rollout?: Rollout;
}

/**
 * Which calls the policy speaks about. Either the whole tenant, or calls by the listed agents (any tool), to the
 * listed tools (any agent), or by the listed agents to the listed tools when both are given.
 */
export interface Scope {
  /** True to speak about every agent and tool of the tenant. */
  tenantWide?: boolean;
  /** Agent ids (AgentRegistration) the policy speaks about. */
  agents?: string[];
  /** Tool ids (AgentTool) the policy speaks about. */
  tools?: string[];
}

/** One rule, about some actions. */
export interface Rule {
  /** Name of the rule, unique in the policy; appears in reasons and logs. */
  name: string;
  /** What the rule is for. */
  description?: string;
  /** Permit grants. Restrict tightens what other rules grant and never grants by itself. Default: "Permit". */
  type?: RuleType;
  /** Action names the rule is about, or the single entry '*' for every action that declares what the rule needs. */
  actions: string[];
  /**
   * Whether the rule applies to a call at all, in the same grammar as conditions. All entries must hold. If it
   * cannot be decided, a Restrict applies and a granting rule does not.
   */
  when?: Conditions;
  /** What must hold for the outcome; failureAction or onFail says what happens otherwise. */
  conditions?: Conditions;
  /** Verdict when all conditions hold; allow when absent. deny is for Restrict only, without conditions. */
  outcome?: RuleOutcome;
  /** Verdict when a condition does not hold and has no onFail of its own; deny when absent. */
  failureAction?: FailureVerdict;
  /** Risk of the calls this rule is about; the highest of rule, action, tool and platform counts. */
  riskTier?: RiskTier;
  /** True when a Permit of a policy with a strictly narrower scope may name this rule in overrides. Restrict only. */
  overridable?: boolean;
  /** Overridable Restricts that give way to this Permit, each as namespace/policy/rule. Permit only. */
  overrides?: string[];
  /** Quotas that calls of this rule are charged to; a call over one is rate_limited. */
  limits?: Limit[];
  /** What is changed in the request or response when the verdict is sanitize. */
  sanitize?: Sanitize;
}

/**
 * Whether the rule applies to a call at all, in the same grammar as conditions. All entries must hold. If it
 * cannot be decided, a Restrict applies and a granting rule does not.
 */
export interface Conditions {
  /**
   * Largest amount (inclusive) of the parameter with role amount, in currency units: an integer, or a decimal
   * number as a string such as "49.90".
   */
  maxAmount?: Amount;
  /** Currency of the parameter with role currency, as an ISO 4217 code such as USD. */
  currency?: string;
  /** Purpose the call must have; it comes from the registration or the signed chain. */
  purpose?: string;
  /** Destination of the call: an exact label or host, or *.suffix for the hosts below it. */
  dest?: string;
  /** Region of the destination, such as eu-west-1. */
  region?: string;
  /** Values that the parameter with role channel may have. */
  allowedChannels?: string[];
  /** The call must fall into at least one of these weekly windows. */
  timeWindows?: TimeWindow[];
  /** What must hold for the chain of agents that led to the call. */
  chain?: ChainConditions;
  /** Conditions on single parameters, by parameter name as the AgentTool declares it. */
  params?: Record<string, ParameterConditions>;
  /**
   * Verdict when one well-known condition does not hold; the rule's failureAction when absent. Not allowed inside
   * when.
   */
  onFail?: ConditionsOnFail;
}

/** A weekly window; it wraps over midnight when from is later than to. */
export interface TimeWindow {
  /** Days on which the window begins; every day when absent. */
  days?: Weekday[];
  /** Start (inclusive), HH:MM on a 24 hour clock. */
  from: string;
  /** End (exclusive), HH:MM on a 24 hour clock; 24:00 is the end of the day. */
  to: string;
  /** IANA time zone name such as Europe/Berlin. Default: "UTC". */
  timeZone?: string;
}

/** What must hold for the chain of agents that led to the call. */
export interface ChainConditions {
  /** Every caller in the chain before the last agent must be one of these agent ids. */
  allowedCallers?: string[];
  /** Largest number of callers before the last agent; 0 means only direct calls. */
  maxDepth?: number;
  /** The first agent of the chain must be one of these agent ids. */
  requireOrigin?: string[];
}

/** What must hold for one parameter; all entries must hold. */
export interface ParameterConditions {
  /** Largest value (inclusive); an integer or a decimal number as a string. */
  max?: Amount;
  /** Smallest value (inclusive); an integer or a decimal number as a string. */
  min?: Amount;
  /** Smallest and largest value, both inclusive. */
  range?: AmountRange;
  /** Values the parameter may have: strings or integers; "true" and "false" for a boolean. */
  enum?: (number | string)[];
  /** RE2 regular expression; it must match somewhere, so write ^ and $ to bind the whole value. */
  pattern?: string;
  /** Largest length in Unicode characters. */
  maxLength?: number;
  /** True when the parameter must be present. */
  required?: boolean;
  /** True when the parameter must be absent. */
  forbidden?: boolean;
  /** Directories, absolute and in canonical form; the value, resolved without . and .., must lie in one of them. */
  pathWithin?: string[];
  /** The host of the value (a host name or URL) must be one of these. */
  hosts?: string[];
  /** The value (an IP address, or a URL with one) must lie in one of these networks. */
  cidrs?: string[];
  /**
   * Verdict when this parameter's conditions do not hold; the rule's failureAction when absent. Not allowed inside
   * when.
   */
  onFail?: FailureVerdict;
}

/** Smallest and largest value, both inclusive. */
export interface AmountRange {
  /** Smallest value (inclusive); an integer or a decimal number as a string. */
  min: Amount;
  /** Largest value (inclusive); an integer or a decimal number as a string. */
  max: Amount;
}

/**
 * Verdict when one well-known condition does not hold; the rule's failureAction when absent. Not allowed inside
 * when.
 */
export interface ConditionsOnFail {
  /** Verdict when maxAmount does not hold. */
  maxAmount?: FailureVerdict;
  /** Verdict when currency does not hold. */
  currency?: FailureVerdict;
  /** Verdict when purpose does not hold. */
  purpose?: FailureVerdict;
  /** Verdict when dest does not hold. */
  dest?: FailureVerdict;
  /** Verdict when region does not hold. */
  region?: FailureVerdict;
  /** Verdict when allowedChannels does not hold. */
  allowedChannels?: FailureVerdict;
  /** Verdict when no time window fits. */
  timeWindows?: FailureVerdict;
  /** Verdict when a condition on the chain does not hold. */
  chain?: FailureVerdict;
}

/** One quota: a number of calls (rate) or a sum (budget) per window. */
export interface Limit {
  /** Name of the quota, unique in its list. */
  name: string;
  /** What has its own counter: each agent, each tool, each action, or the tenant as a whole. Default: "Agent". */
  per?: 'Agent' | 'Tool' | 'Action' | 'Tenant';
  /** A largest number of calls in a window. */
  rate?: RateLimit;
  /** A largest sum in a window. */
  budget?: BudgetLimit;
}

/** A largest number of calls in a window. */
export interface RateLimit {
  /** Largest number of calls in the window. */
  max: number;
  /**
   * Length of the sliding window such as 1m or 24h, or a calendar window in UTC: hour, day, week (from Monday) or
   * month.
   */
  window: string;
}

/** A largest sum in a window. */
export interface BudgetLimit {
  /** Numeric parameter whose values are added up, in policy units. */
  parameter?: string;
  /** Estimated adds up the cost that the action declares instead of a parameter. */
  cost?: 'Estimated';
  /** Largest sum in the window, in policy units: an integer or a decimal number as a string. */
  max: Amount;
  /**
   * Length of the sliding window such as 1m or 24h, or a calendar window in UTC: hour, day, week (from Monday) or
   * month.
   */
  window: string;
}

/** What is changed in the request or response when the verdict is sanitize. */
export interface Sanitize {
  /** Changes of request parameters, at most one per parameter. */
  request?: RequestSanitizer[];
  /** Changes of the response before the agent sees it. */
  response?: ResponseSanitizer[];
}

/** One change of a request parameter. */
export interface RequestSanitizer {
  /** Parameter name as the AgentTool declares it. */
  param: string;
  /**
   * redact replaces the value by a marker, mask keeps its last characters, hash its digest, clamp lowers a number
   * to value, set writes value, drop removes the parameter.
   */
  op: RequestSanitizeOp;
  /**
   * New value for set, upper bound for clamp: an integer or a string, which is read in the parameter's declared
   * type ("true" for a boolean, "9.5" for a number).
   */
  value?: number | string;
}

/** One change of the response. */
export interface ResponseSanitizer {
  /** JSON pointer (RFC 6901) to the changed value; a segment * means every element. */
  pointer?: string;
  /** Built-in detector that finds the changed text, such as email or credit-card. */
  detector?: string;
  /** redact replaces the value by a marker, mask keeps its last characters, hash its digest, drop removes it. */
  op: ResponseSanitizeOp;
}

/** Who changed the policy and why; auditors read it beside every decision. */
export interface Change {
  /** Who wrote the change, such as an e-mail address; the author cannot approve it. */
  author?: string;
  /** Why the policy was changed. */
  reason?: string;
  /** Change ticket, such as RISK-12 or a URL. */
  ticket?: string;
  /** Free labels for reports. */
  tags?: string[];
}

/** One call and its expected verdict. */
export interface PolicyTest {
  /** What the test shows, unique in the list. */
  name: string;
  /** The call as the decision input, with parameters in policy units. */
  input?: TestInput;
  /** The call as a raw HTTP request to the tool, to test the request mapping too. */
  http?: TestHttpRequest;
  /** The call as an MCP message to the tool's server, to test the request mapping too. */
  mcp?: TestMcpMessage;
  /** Verdict the call must get. */
  expect: Verdict;
  /** Reason code that must be among the reasons, such as ABOVE_MAXIMUM. */
  reason?: string;
}

/** The call as the decision input, with parameters in policy units. */
export interface TestInput {
  /** Tenant of the call; the tenant of the policy when absent. */
  tenant?: string;
  /** Id of the agent that calls. */
  agent: string;
  /** Id of the called tool. */
  tool: string;
  /** Name of the called action. */
  action: string;
  /** Parameters by name with their values. */
  params?: Record<string, unknown>;
  /** Context of the call: purpose, destination {host, region}, time (RFC 3339), cost. */
  context?: Record<string, unknown>;
  /** Agent ids from the first caller to the calling agent; only the agent itself when absent. */
  chain?: string[];
}

/** The call as a raw HTTP request to the tool, to test the request mapping too. */
export interface TestHttpRequest {
  /** Tenant of the call; the tenant of the policy when absent. */
  tenant?: string;
  /** Id of the agent that calls. */
  agent: string;
  /** Id of the called tool. */
  tool: string;
  /** HTTP method in upper case, such as POST. */
  method: string;
  /** Path and query as sent. */
  path: string;
  /** Request headers by name. */
  headers?: Record<string, string>;
  /**
   * Request body: a string is sent as it is; an object or list as JSON, or as a form when the content-type header
   * says so.
   */
  body?: unknown;
  /** Context of the call: purpose, destination {host, region}, time (RFC 3339), cost. */
  context?: Record<string, unknown>;
  /** Agent ids from the first caller to the calling agent; only the agent itself when absent. */
  chain?: string[];
}

/** The call as an MCP message to the tool's server, to test the request mapping too. */
export interface TestMcpMessage {
  /** Tenant of the call; the tenant of the policy when absent. */
  tenant?: string;
  /** Id of the agent that calls. */
  agent: string;
  /** Id of the called tool. */
  tool: string;
  /** JSON-RPC method of the message. Default: "tools/call". */
  method?: string;
  /** JSON-RPC params of the message; for tools/call an object {name, arguments}. */
  params: Record<string, unknown>;
  /** Context of the call: purpose, destination {host, region}, time (RFC 3339), cost. */
  context?: Record<string, unknown>;
  /** Agent ids from the first caller to the calling agent; only the agent itself when absent. */
  chain?: string[];
}

/** How a new revision reaches enforcement. The tenant's floors hold whatever stands here. */
export interface Rollout {
  /**
   * Preset of gates: standard (7 days of shadow, under 1 % false positives), small (shorter, for few calls) or
   * immediate (no shadow). The tenant's default, else standard, when absent.
   */
  profile?: RolloutProfile;
  /** The stage the rollout stops at. Default: "Enforce". */
  targetStage?: Stage;
  /** Gates that replace those of the profile, one per step. */
  gates?: Gate[];
  /** Which part enforces in stage Partial. */
  partial?: PartialRollout;
  /** When a revision falls back to the last stable one by itself. */
  demotion?: Demotion;
  /** Which earlier revisions may return to enforcement at once. */
  rollbackWindow?: RollbackWindow;
  /** Longest time a gate may run before the policy is reported as Stalled; nothing is demoted. */
  progressDeadline?: string;
}

/** What must be seen before the policy enters a stage. */
export interface Gate {
  /** The stage the gate leads to. */
  to: 'Partial' | 'Enforce';
  /** Shortest time in the stage before, such as 72h. */
  minDuration?: string;
  /** Fewest decisions that must have been observed. */
  minDecisions?: number;
  /** Fewest different agents that must have been observed. */
  minAgents?: number;
  /** Checks on what the gateways report; all must pass. */
  checks?: GateCheck[];
  /** Whether people must agree to the step. */
  approval?: GateApproval;
}

/** One check on what the gateways report. */
export interface GateCheck {
  /** Name of the check, unique in its list. */
  name: string;
  /**
   * Share of decisions: WouldDeny stricter than now, FalsePositive those of them not reviewed as right,
   * EvaluationError failed evaluations.
   */
  metric: 'WouldDeny' | 'FalsePositive' | 'EvaluationError';
  /** Largest passing share in percent, as a whole number or such as "0.5%". */
  threshold: number | string;
  /** How far back the check looks, such as 1h. Default: "1h". */
  window?: string;
  /** How often the check runs, such as 5m. Default: "5m". */
  interval?: string;
  /** How many times in a row the check must pass. Default: 1. */
  consecutivePasses?: number;
  /** How many failures in a row are tolerated before the check counts as failed. Default: 0. */
  failureLimit?: number;
  /** Without data the step waits; no data never passes. Default: "Hold". */
  onNoData?: 'Hold';
}

/** Whether people must agree to the step. */
export interface GateApproval {
  /** True when the step needs approval. Default: true. */
  required?: boolean;
  /** How many different approvers must agree. Default: 1. */
  approvers?: number;
}

/** Which part enforces in stage Partial. */
export interface PartialRollout {
  /** Agent ids that enforce in stage Partial. */
  agents?: string[];
  /** Share of the agents that enforce in stage Partial, as a whole number or such as "25%". */
  percent?: number | string;
  /** Tenants that enforce in stage Partial; only for policies of the platform. */
  tenants?: string[];
}

/** When a revision falls back to the last stable one by itself. */
export interface Demotion {
  /** Checks on what the gateways report; all must pass. */
  checks?: GateCheck[];
  /** Shortest time after a demotion before the same revision may rise again. Default: "1h". */
  cooldown?: string;
}

/** Which earlier revisions may return to enforcement at once. */
export interface RollbackWindow {
  /** How many revisions back an already enforced one skips the gates. */
  revisions: number;
}

/** What the operator observed; only the operator writes it. */
export interface AgentPolicyStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** Where the newest revision stands. */
  rollout?: RolloutStatus;
  /** The signed bundle that carries the policy. */
  bundle?: PolicyBundleStatus;
  /** How many running pods in scope have the policy. */
  agents?: AgentCounts;
  /** What works but is probably not meant, such as unreachable rules or failing tests. */
  warnings?: string[];
  /** Value of the annotation aegis.dev/requestedAt that was last acted on. */
  lastHandledRequestAt?: string;
}

/** State of one aspect, as metav1.Condition. */
export interface StatusCondition {
  /** The aspect. */
  type: string;
  /** Whether the aspect holds. */
  status: 'True' | 'False' | 'Unknown';
  /** Generation of the spec this condition speaks about. */
  observedGeneration?: number;
  /** When status last changed. */
  lastTransitionTime: string;
  /** Why in one CamelCase word. */
  reason: string;
  /** Why in a sentence. */
  message: string;
}

/** Where the newest revision stands. */
export interface RolloutStatus {
  /** Stage of the newest revision. */
  stage?: Stage;
  /** What the rollout is doing. */
  phase?: RolloutPhase;
  /** Digest of the newest revision. */
  revision?: string;
  /** Digest of the revision that enforces now; absent when none does. */
  stableRevision?: string;
  /** When the stage was entered. */
  stageEnteredAt?: string;
  /** Share of agents in percent that enforce the newest revision. */
  partialPercent?: number;
  /** The gate that runs now. */
  gate?: GateStatus;
  /** The last change of stage. */
  lastTransition?: StageTransition;
  /** The last changes of stage, newest first. */
  history?: StageTransition[];
}

/** The gate that runs now. */
export interface GateStatus {
  /** The stage the gate leads to. */
  to?: 'Partial' | 'Enforce';
  /** Decisions observed so far. */
  decisions?: number;
  /** Different agents observed so far. */
  agents?: number;
  /** Name of the ApprovalRequest that is waited for. */
  approval?: string;
  /** The checks with their last outcome. */
  checks?: GateCheckStatus[];
}

/** A check with its last outcome. */
export interface GateCheckStatus {
  /** Name of the check. */
  name: string;
  /** Its last outcome. */
  outcome?: 'Pass' | 'Fail' | 'NoData';
  /** The observed share in hundredths of a percent. */
  valueBasisPoints?: number;
  /** Same outcomes in a row. */
  streak?: number;
  /** When it last ran. */
  observedAt?: string;
}

/** The last change of stage. */
export interface StageTransition {
  /** The stage before. */
  from?: Stage;
  /** The stage after. */
  to?: Stage;
  /** When it changed. */
  at?: string;
  /** Digest of the revision that moved. */
  revision?: string;
  /** Why: GatePassed, Approved, Rollback, BreakGlass … */
  reason?: string;
  /** Who: a person, or system: and the component. */
  by?: string;
  /** Why in a sentence. */
  message?: string;
}

/** The signed bundle that carries the policy. */
export interface PolicyBundleStatus {
  /** SHA-256 of the bundle's content. */
  digest?: string;
  /** The bundle's sequence number. */
  sequence?: number;
  /** Id of the key that signed it. */
  keyId?: string;
  /** ConfigMap of the bundle's head. */
  configMapName?: string;
  /** When the head expires. */
  expiresAt?: string;
}

/** How many running pods in scope have the policy. */
export interface AgentCounts {
  /** Running pods in scope with a gateway. */
  matched?: number;
  /** Pods that acknowledged the bundle. */
  acknowledged?: number;
  /** Both, as "3/4". */
  summary?: string;
}

/** Which agents may call which tools, with which parameters, under which conditions. */
export interface AgentPolicy extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'AgentPolicy';
  /** What the policy says and how it is rolled out. */
  spec: AgentPolicySpec;
  /** What the operator observed; only the operator writes it. */
  status?: AgentPolicyStatus;
}

/** Who the agent is and what it may use. */
export interface AgentRegistrationSpec {
  /** Id of the agent in its tenant; the name of the object when absent. Cannot be changed. */
  agentId?: string;
  /** Who answers for the agent: a person or team, such as an e-mail address. */
  owner: string;
  /** The pods the agent runs in; a pod must match exactly one registration. */
  workload: Workload;
  /** Tools the agent may call; a call of any other tool is denied whatever policies say. */
  tools?: ToolGrant[];
  /** Purposes the agent works for; a call's purpose is one of these, its own word may only narrow them. */
  purpose?: string[];
  /** How the agent takes part in call chains. */
  delegation?: Delegation;
  /** Quotas over everything the agent does. */
  budget?: Budget;
  /**
   * What holds for a tool until a policy with a Permit for the pair has reached enforcement: Deny, or Observe to
   * let calls pass and record them. Default: "Deny".
   */
  unmatched?: 'Deny' | 'Observe';
  /** Traffic around the gateway: Off lets it pass, Observe records it, Enforce drops it. Default: "Off". */
  egressGuard?: EgressGuardMode;
  /** Traffic the egress guard lets pass beside the gateway and DNS. */
  egress?: Egress;
  /** Date (YYYY-MM-DD) by which somebody must look at the registration again. */
  reviewBy?: string;
  /** True to refuse every call of the agent. Default: false. */
  suspended?: boolean;
}

/** The pods the agent runs in; a pod must match exactly one registration. */
export interface Workload {
  /** Labels of the pods in the namespace of the registration. */
  selector: LabelSelector;
  /** ServiceAccount the pods run as. */
  serviceAccountName: string;
}

/** Labels of the pods in the namespace of the registration. */
export interface LabelSelector {
  /** Labels with the exact value the pods have. */
  matchLabels?: Record<string, string>;
  /** Further requirements on labels; all must hold. */
  matchExpressions?: LabelSelectorRequirement[];
}

/** A requirement on one label. */
export interface LabelSelectorRequirement {
  /** Key of the label. */
  key: string;
  /** How the label relates to values. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Label values; needed by In and NotIn, not allowed with the others. */
  values?: string[];
}

/** A tool the agent may call. */
export interface ToolGrant {
  /** Id of the tool. */
  toolId: string;
  /** Actions of the tool the agent may call; every action when absent. */
  actions?: string[];
}

/** How the agent takes part in call chains. */
export interface Delegation {
  /** Ids of the agents that may call this one; nobody when absent. */
  acceptsFrom?: string[];
  /** Largest number of callers before this agent. Default: 4. */
  maxDepth?: number;
  /**
   * True when the agent may start chains itself; otherwise a call without a chain has an unknown caller. Default:
   * false.
   */
  selfOrigin?: boolean;
}

/** Quotas over everything the agent does. */
export interface Budget {
  /** Quotas that every call of the agent is charged to; a call over one is rate_limited. */
  limits: Limit[];
}

/** Traffic the egress guard lets pass beside the gateway and DNS. */
export interface Egress {
  /** Destinations that stay reachable around the gateway. */
  allow?: EgressDestination[];
}

/** A destination by host or network. */
export interface EgressDestination {
  /** An exact host, or *.suffix for the hosts below it. */
  host?: string;
  /** An IPv4 or IPv6 network, such as 10.0.0.0/8. */
  cidr?: string;
  /** TCP and UDP ports; every port when absent. */
  ports?: number[];
}

/** What the operator observed; only the operator writes it. */
export interface AgentRegistrationStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** The effective agent id. */
  agentId?: string;
  /** Tenant the agent belongs to. */
  tenant?: string;
  /** The egress guard that is really in force. */
  egressGuard?: EgressGuardMode;
  /** ConfigMap with the bootstrap copy of the agent's bundle. */
  configMapName?: string;
  /** The running pods of the agent. */
  pods?: PodCounts;
  /**
   * What leaves the pods and goes to no tool, as far as the gateways see it; aegis doctor proposes
   * spec.egress.allow from it.
   */
  egress?: AgentRegistrationStatusEgress;
  /** What works but is probably not meant. */
  warnings?: string[];
}

/** The running pods of the agent. */
export interface PodCounts {
  /** Running pods that match. */
  matched?: number;
  /** Those with a gateway. */
  injected?: number;
  /** Those whose gateway acknowledged the newest bundle. */
  acknowledged?: number;
  /** Injected and matched, as "3/4". */
  summary?: string;
}

/**
 * What leaves the pods and goes to no tool, as far as the gateways see it; aegis doctor proposes spec.egress.allow
 * from it.
 */
export interface AgentRegistrationStatusEgress {
  /** Number of all destinations; observed lists those with most connections. */
  destinations?: number;
  /** Destinations, in the order of their names. */
  observed?: AgentRegistrationStatusEgressObserved[];
}

/** Connections to one destination. */
export interface AgentRegistrationStatusEgressObserved {
  /** Host name, or the address where no name was given. */
  destination: string;
  /** The port. */
  port: number;
  /** The protocol. */
  protocol: 'tcp' | 'udp';
  /** Connections since the gateways that run now were started. */
  connections: number;
  /** True when they were refused; else they passed. */
  refused: boolean;
}

/** A registered agent, the pods it runs in and the tools it may use. */
export interface AgentRegistration extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'AgentRegistration';
  /** Who the agent is and what it may use. */
  spec: AgentRegistrationSpec;
  /** What the operator observed; only the operator writes it. */
  status?: AgentRegistrationStatus;
}

/** Settings of the tenant; everything is optional. */
export interface AgentTenantSpec {
  /** Namespaces of the tenant; the namespace of the same name when absent. A namespace belongs to one tenant. */
  namespaces?: string[];
  /** How the tenant's bundle is stored and how long it may be used. */
  bundle?: TenantBundle;
  /** Further keys whose signatures gateways of the tenant accept, beside the operator's own. */
  trustedKeys?: TrustedKey[];
  /**
   * What a gateway does once its bundle is older than maxStaleness: Closed refuses every call, StaleReadOnly still
   * allows low-risk reads by the verified bundle it has. Default: "Closed".
   */
  failMode?: 'Closed' | 'StaleReadOnly';
  /** What holds in the tenant where a resource does not say. */
  defaults?: TenantDefaults;
  /** Quotas over everything the agents of the tenant do. */
  budget?: Budget;
  /** Least that a rollout in this tenant must show; policies may only be stricter. */
  rolloutFloors?: RolloutFloors;
  /** Who is asked, and how. */
  approvals?: TenantApprovals;
  /** While present no new policy content is published; suspensions and revocations still are. */
  freeze?: Freeze;
  /** Publishes the content of an earlier bundle again and keeps it. */
  pin?: Pin;
  /** How long records are kept. */
  retention?: Retention;
}

/** How the tenant's bundle is stored and how long it may be used. */
export interface TenantBundle {
  /** Where bundles are stored. Default: "ConfigMap". */
  storage?: 'ConfigMap' | 'OCI';
  /** Registry, for storage: OCI. */
  oci?: OciStorage;
  /** How long a signed head is valid after it was issued; the operator renews it well before. Default: "24h". */
  headLifetime?: string;
  /** How long a gateway goes on with a verified bundle after it last heard of a newer head. Default: "72h". */
  maxStaleness?: string;
}

/** Registry, for storage: OCI. */
export interface OciStorage {
  /** Repository, such as registry.example.com/aegis/fintech. */
  repository: string;
  /** Secret of type kubernetes.io/dockerconfigjson in the operator's namespace. */
  credentialRef?: SecretRef;
  /** True to speak plain HTTP to the registry; for tests only. Default: false. */
  insecure?: boolean;
}

/** Secret of type kubernetes.io/dockerconfigjson in the operator's namespace. */
export interface SecretRef {
  /** Name of the Secret. */
  name: string;
}

/** A public key. */
export interface TrustedKey {
  /** Id of the key as bundles name it. */
  keyId: string;
  /** Signature algorithm. Default: "Ed25519". */
  algorithm?: 'Ed25519';
  /** The key: its 32 bytes as base64 or base64url, or PEM. */
  publicKey: string;
  /** When the key begins to count. */
  notBefore?: string;
  /** When the key ceases to count. */
  notAfter?: string;
}

/** What holds in the tenant where a resource does not say. */
export interface TenantDefaults {
  /** Rollout profile of policies that name none. */
  profile?: RolloutProfile;
  /** How long an approval request waits for a person. */
  approvalTimeout?: string;
  /** Largest number of callers before the last agent in any chain of the tenant. */
  maxDepth?: number;
}

/** Least that a rollout in this tenant must show; policies may only be stricter. */
export interface RolloutFloors {
  /** Profile whose gates are the least. */
  profile?: 'standard' | 'small';
  /** Least values per step. */
  gates?: Gate[];
}

/** Who is asked, and how. */
export interface TenantApprovals {
  /** Where approval requests are announced. */
  channels?: ApprovalChannel[];
  /** Who may approve what. A request needs the required number from one entry that covers it. */
  approvers?: Approvers[];
  /** How long similar calls of an agent are merged into one request. Default: "5m". */
  mergeWindow?: string;
}

/** A place where approval requests are announced. */
export interface ApprovalChannel {
  /** Name of the channel, unique in the list. */
  name: string;
  /** Kind of the channel. */
  type: 'Slack' | 'Teams';
  /** Slack channel id, or Teams conversation id; the one that the secret names when absent. */
  target?: string;
  /** How Slack answers come back: over an outgoing Socket Mode connection, or as signed HTTP requests. */
  mode?: 'Socket' | 'HTTP';
  /** Secret in the operator's namespace with the channel's tokens. */
  secretRef: SecretRef;
  /** Risks announced here; every risk when absent. */
  risks?: RiskTier[];
}

/** People who may approve some requests. */
export interface Approvers {
  /** Name of the entry, unique in the list. */
  name: string;
  /** User names as the API server knows them, or verified e-mail addresses of the channels. */
  users?: string[];
  /** Groups as the API server knows them. */
  groups?: string[];
  /** Risks they may approve; every risk when absent. */
  risks?: RiskTier[];
  /** Tools whose calls they may approve; every tool when absent. */
  tools?: string[];
  /** Largest amount (inclusive) they may approve, in units of currency; any amount when absent. */
  maxAmount?: Amount;
  /** Currency of maxAmount, as an ISO 4217 code. */
  currency?: string;
  /** How many different people of the entry must agree. Default: 1. */
  required?: number;
}

/** While present no new policy content is published; suspensions and revocations still are. */
export interface Freeze {
  /**
   * What gateways do meanwhile: Keep goes on, DenyWrites refuses all but reads, DenyAll refuses every call.
   * Default: "Keep".
   */
  gateways?: FreezeMode;
  /** Why the tenant is frozen. */
  reason: string;
  /** When the freeze ends by itself; never when absent. */
  until?: string;
}

/** Publishes the content of an earlier bundle again and keeps it. */
export interface Pin {
  /** Sequence of the bundle whose content is kept. */
  sequence: number;
  /** Why the bundle is pinned. */
  reason: string;
}

/** How long records are kept. */
export interface Retention {
  /** How many bundles are kept. Default: 10. */
  bundles?: number;
  /** How long finished ApprovalRequests and their decisions are kept. Default: "90d". */
  approvals?: string;
  /** How long ended EmergencyActions are kept. Default: "90d". */
  emergencies?: string;
}

/** What the operator observed; only the operator writes it. */
export interface AgentTenantStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** Namespaces of the tenant, separated by commas. */
  namespaces?: string;
  /** Registered agents. */
  agents?: number;
  /** Accepted policies. */
  policies?: number;
  /** True while no new content is published. */
  frozen?: boolean;
  /** The published bundle. */
  bundle?: TenantBundleStatus;
}

/** The published bundle. */
export interface TenantBundleStatus {
  /** SHA-256 of its content. */
  digest?: string;
  /** Its sequence number. */
  sequence?: number;
  /** Id of the key that signed it. */
  keyId?: string;
  /** When its head was issued. */
  issuedAt?: string;
  /** When its head expires. */
  expiresAt?: string;
}

/**
 * An isolation boundary of one or more namespaces and its settings; without one a namespace is a tenant of its
 * own.
 */
export interface AgentTenant extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'AgentTenant';
  /** Settings of the tenant; everything is optional. */
  spec: AgentTenantSpec;
  /** What the operator observed; only the operator writes it. */
  status?: AgentTenantStatus;
}

/** How the tool is reached and what its actions are. */
export interface AgentToolSpec {
  /** Id of the tool in its tenant; the name of the object when absent. Cannot be changed. */
  toolId?: string;
  /** What the tool is. */
  description?: string;
  /** How the tool is called: an HTTP API, an MCP server, or another agent. */
  protocol: Protocol;
  /** Where the tool is and how it is reached. */
  upstream: Upstream;
  /** Risk of every action of the tool; the highest of rule, action, tool and platform counts. Default: "medium". */
  riskTier?: RiskTier;
  /**
   * Digits behind the decimal point per currency where the API departs from ISO 4217, as some payment providers do
   * (e.g. IDR: 0). Parameters with scale byCurrency use them.
   */
  currencyDigits?: Record<string, number>;
  /**
   * How the tool itself recognises a retry. Only then does a retry of the identical call with the same key spend
   * its limits once; without it every call spends.
   */
  idempotency?: AgentToolSpecIdempotency;
  /**
   * Request headers with which every call is refused, such as those by which a caller acts for somebody else. A *
   * at the end stands for any rest.
   */
  refuseHeaders?: string[];
  /** OpenAPI document that actions with match.operationId refer to. */
  openapi?: OpenApiSource;
  /** Operations of the tool. For MCP the server's tools/list adds those that are not named here. */
  actions?: ToolAction[];
  /** Form of the error body, so that the tool's own SDKs can read a denial. */
  denial?: DenialShape;
}

/** Where the tool is and how it is reached. */
export interface Upstream {
  /** Base URL of the tool, without user, query or fragment. */
  url?: string;
  /** Further hosts by which traffic to the tool is recognised. */
  hosts?: string[];
  /** How the gateway verifies the tool; the system's roots and the host name when absent. */
  tls?: UpstreamTls;
  /** A credential that the gateway adds, so that the agent need not hold it. */
  credentialRef?: CredentialRef;
  /** Region the tool stands in, such as eu-west-1. */
  region?: string;
}

/** How the gateway verifies the tool; the system's roots and the host name when absent. */
export interface UpstreamTls {
  /** Name that the tool's certificate must carry. */
  serverName?: string;
  /** Certificate authorities (PEM) the gateway trusts for the tool instead of the system's. */
  caRef?: CaRef;
  /** Lowest TLS version that is accepted. Default: "TLS1.2". */
  minVersion?: 'TLS1.2' | 'TLS1.3';
}

/** Certificate authorities (PEM) the gateway trusts for the tool instead of the system's. */
export interface CaRef {
  /** Kind of the object that holds them. Default: "ConfigMap". */
  kind?: 'ConfigMap' | 'Secret';
  /** Name of the object in the tool's namespace. */
  name: string;
  /** Key in its data. Default: "ca.crt". */
  key?: string;
}

/** A credential that the gateway adds, so that the agent need not hold it. */
export interface CredentialRef {
  /** Name of the Secret in the tool's namespace. */
  name: string;
  /** Key in the Secret's data. Default: "token". */
  key?: string;
  /** Part of the request the credential is put into. Default: "header". */
  in?: 'header' | 'query';
  /** Name of the header or query parameter. Default: "Authorization". */
  field?: string;
  /** Text before the credential, such as "Bearer "; "Bearer " when absent and field is Authorization. */
  prefix?: string;
}

/**
 * How the tool itself recognises a retry. Only then does a retry of the identical call with the same key spend its
 * limits once; without it every call spends.
 */
export interface AgentToolSpecIdempotency {
  /** Request header that holds the key. Default: "Idempotency-Key". */
  header?: string;
  /** How long the tool remembers a key. Default: "24h". */
  window?: string;
}

/** OpenAPI document that actions with match.operationId refer to. */
export interface OpenApiSource {
  /** ConfigMap in the tool's namespace with the document (JSON or YAML). */
  configMapRef?: OpenApiConfigMapRef;
  /** The document itself (JSON or YAML). */
  inline?: string;
}

/** ConfigMap in the tool's namespace with the document (JSON or YAML). */
export interface OpenApiConfigMapRef {
  /** Name of the ConfigMap. */
  name: string;
  /** Key in its data. Default: "openapi.json". */
  key?: string;
}

/** One operation of the tool. */
export interface ToolAction {
  /** Name of the action, unique in the tool. */
  name: string;
  /** What the action does. */
  description?: string;
  /** What a call does: read changes nothing, write can be undone, irreversible cannot. */
  effect: Effect;
  /** Risk of the action; the highest of rule, action, tool and platform counts. */
  riskTier?: RiskTier;
  /** Which requests are this action. For MCP the tool of the same name when absent. */
  match?: ActionMatch;
  /** Typed parameters by the name that policies use. */
  parameters?: Record<string, ToolParameter>;
  /** Whether the request may become a WebSocket, whose messages are not looked at; Refuse when absent. */
  webSocket?: 'Refuse' | 'Allow';
  /** What happens to request fields that parameters do not name; Refuse when absent, Allow for effect read. */
  undeclared?: 'Refuse' | 'Allow';
  /**
   * Stream forwards the body unread, whatever it is, as uploads of any size need; no parameter can come from it.
   * Read when absent.
   */
  body?: 'Read' | 'Stream';
  /** Estimated cost of one call, for budgets with cost: Estimated; an integer or a decimal number as a string. */
  cost?: Amount;
  /** What is changed in every request or response of the action, whatever the verdict. */
  sanitize?: Sanitize;
  /** Form of the error body, so that the tool's own SDKs can read a denial. */
  denial?: DenialShape;
  /** Digest of the MCP tool's definition that was reviewed; a changed definition is refused. */
  pinnedDigest?: string;
}

/** Which requests are this action. For MCP the tool of the same name when absent. */
export interface ActionMatch {
  /** HTTP method. */
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  /** Path template such as /v1/items/{id}; {name} is one segment, {name...} at the end the rest. */
  path?: string;
  /** Query fields that must be there, where an API tells operations on one path apart by them. */
  query?: string[];
  /** Request headers that must be there, likewise. */
  headers?: string[];
  /** Operation of the OpenAPI document, instead of method and path. */
  operationId?: string;
  /** Name of the MCP tool as the server lists it. */
  mcpTool?: string;
}

/** Where a parameter stands in the request and what it is. */
export interface ToolParameter {
  /**
   * Part of the request that carries it; body is a form field or a top-level JSON member, whichever the request
   * has; context is what the gateway knows itself.
   */
  in: 'path' | 'query' | 'header' | 'form' | 'json' | 'body' | 'multipart' | 'context';
  /** Name on the wire; the parameter's own name when absent. */
  name?: string;
  /** JSON pointer (RFC 6901) into the body, for in: json; a top-level member of that name when absent. */
  pointer?: string;
  /** Type on the wire; another type is refused. */
  type: ParameterType;
  /** Type of the elements, for type: array. */
  items?: 'string' | 'integer' | 'number' | 'boolean' | 'object';
  /** Meaning that the well-known conditions of policies look for, such as amount for maxAmount. */
  role?: ParameterRole;
  /**
   * Power of ten between wire and policy units: 2 means the wire counts hundredths; byCurrency takes the decimals
   * of the currency parameter (ISO 4217).
   */
  scale?: number | string;
  /** Case the value is brought to before policies see it. */
  case?: 'upper' | 'lower';
  /**
   * What the text is; a value of another form is refused. id has letters, digits, "-", "." and "_" and begins with
   * one of the first three; binary is a file of a multipart body: its value is the file's name.
   */
  format?: 'uri' | 'host' | 'ip' | 'path' | 'id' | 'binary';
  /** True when a request without it is refused. Default: false. */
  required?: boolean;
  /** True to keep the value out of logs, approvals and traces. Default: false. */
  sensitive?: boolean;
}

/** Form of the error body, so that the tool's own SDKs can read a denial. */
export interface DenialShape {
  /**
   * Error to imitate; the members of Problem (RFC 9457) are there too where its schema leaves room for them.
   * Default: "Problem".
   */
  shape?: 'Problem' | 'Stripe' | 'GitHub' | 'OpenAI' | 'Google' | 'Slack' | 'FHIR' | 'Kubernetes' | 'S3';
  /** Further members of the error body, by name. */
  members?: Record<string, string>;
}

/** What the operator observed; only the operator writes it. */
export interface AgentToolStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** The effective tool id. */
  toolId?: string;
  /** Tenant of the tool; absent for the shared catalogue. */
  tenant?: string;
  /** Digest of the tool's contract. */
  revision?: string;
  /** Number of known actions. */
  actions?: number;
  /** Actions that the MCP server lists. */
  discoveredActions?: DiscoveredAction[];
  /** What works but is probably not meant. */
  warnings?: string[];
}

/** An action that the MCP server lists. */
export interface DiscoveredAction {
  /** Name of the MCP tool. */
  name: string;
  /** Digest of its definition. */
  digest?: string;
}

/** A tool that agents call, its actions and their typed parameters. */
export interface AgentTool extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'AgentTool';
  /** How the tool is reached and what its actions are. */
  spec: AgentToolSpec;
  /** What the operator observed; only the operator writes it. */
  status?: AgentToolStatus;
}

/** What was decided, by whom. Cannot be changed. */
export interface ApprovalDecisionSpec {
  /** The ApprovalRequest in the same namespace. */
  request: ApprovalRequestRef;
  /** Digest that the request shows; a decision on another digest does not count. */
  digest: string;
  /** What the approver says. */
  decision: 'Approve' | 'Deny';
  /** Why. */
  comment?: string;
  /** Identity of the writer. The webhook stamps it; a value written by hand is replaced. */
  approver?: UserIdentity;
  /** The verified person behind a channel. Only the operator's own ServiceAccount may write it. */
  onBehalfOf?: ChannelIdentity;
}

/** The ApprovalRequest in the same namespace. */
export interface ApprovalRequestRef {
  /** Its name. */
  name: string;
  /** Its uid, so that a later request of the same name is not meant. */
  uid?: string;
}

/** Identity of the writer. The webhook stamps it; a value written by hand is replaced. */
export interface UserIdentity {
  /** User name as the API server knows it. */
  username?: string;
  /** Its uid. */
  uid?: string;
  /** Its groups. */
  groups?: string[];
}

/** The verified person behind a channel. Only the operator's own ServiceAccount may write it. */
export interface ChannelIdentity {
  /** Where the person was verified. */
  provider: 'Slack' | 'Teams' | 'Page';
  /** Id of the person there. */
  id: string;
  /** Name of the person there. */
  name?: string;
  /** Verified e-mail address of the person. */
  email?: string;
}

/** What the operator observed; only the operator writes it. */
export interface ApprovalDecisionStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** True when the decision counts. */
  counted?: boolean;
  /** Why it does not count, such as Author or WrongDigest. */
  reason?: string;
}

/** An approver's immutable word on one ApprovalRequest. */
export interface ApprovalDecision extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'ApprovalDecision';
  /** What was decided, by whom. Cannot be changed. */
  spec: ApprovalDecisionSpec;
  /** What the operator observed; only the operator writes it. */
  status?: ApprovalDecisionStatus;
}

/** What is asked for; written once by the operator. */
export interface ApprovalRequestSpec {
  /** What is asked for: one exact tool call, or the next stage of a policy revision. */
  subject: 'ToolCall' | 'PolicyStage';
  /** Tenant the request belongs to. */
  tenant: string;
  /** Digest of exactly what is asked for; a decision must name it. */
  digest: string;
  /** Risk of what is asked for. */
  riskTier: RiskTier;
  /** Why a person is asked, in a sentence. */
  reason?: string;
  /** Rules that ask for approval, each as namespace/policy/rule. */
  rules?: string[];
  /** How many different approvers must agree. Default: 1. */
  required?: number;
  /** Entries of the tenant's approvers that may decide. */
  approvers?: string[];
  /** When the request expires undecided. */
  expiresAt: string;
  /** The call, for subject: ToolCall. */
  toolCall?: ApprovalToolCall;
  /** The step, for subject: PolicyStage. */
  policyStage?: ApprovalPolicyStage;
}

/** The call, for subject: ToolCall. */
export interface ApprovalToolCall {
  /** Agent that wants to call. */
  agent: string;
  /** Tool to be called. */
  tool: string;
  /** Digest of the tool's contract. */
  toolRevision?: string;
  /** Action to be called. */
  action: string;
  /** Digest of the policies that asked for approval. */
  policyRevision?: string;
  /** The parameters, redacted, the decisive ones first. */
  parameters?: ApprovalParameter[];
  /** Agent ids from the first caller to the calling agent. */
  chain?: string[];
  /** Id of the decision that asked for approval. */
  decisionId?: string;
  /** Pod of the agent. */
  pod?: string;
}

/** One parameter as people may see it. */
export interface ApprovalParameter {
  /** Name of the parameter. */
  name: string;
  /** Its value as text, shortened; absent when redacted. */
  value?: string;
  /** True when the value is not shown. Default: false. */
  redacted?: boolean;
  /** True when a condition on it led to the request. Default: false. */
  decisive?: boolean;
  /** The condition it did not meet, such as max 5000. */
  limit?: string;
}

/** The step, for subject: PolicyStage. */
export interface ApprovalPolicyStage {
  /** Name of the AgentPolicy in the namespace of the request. */
  policy: string;
  /** Its uid. */
  uid?: string;
  /** Digest of the revision. */
  revision: string;
  /** Stage the revision is in. */
  from?: Stage;
  /** Stage it wants to enter; Removed for a deletion or suspension. */
  to: 'Partial' | 'Enforce' | 'Removed';
  /** True when something would be allowed that is not allowed now. */
  loosens?: boolean;
  /** Author of the change, who cannot approve it. */
  author?: string;
  /** Recorded editors of the revision, who cannot approve it either. */
  editors?: string[];
  /** What would change, with example calls. */
  summary?: string;
}

/** What the operator observed; only the operator writes it. */
export interface ApprovalRequestStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** Whether the request waits or how it ended; Unknown when a redeemed call's outcome was lost. */
  phase?: 'Pending' | 'Approved' | 'Denied' | 'Expired' | 'Redeemed' | 'Unknown' | 'Cancelled';
  /** Similar calls that were merged into this request. */
  count?: number;
  /** When a merged call was last seen. */
  lastSeenAt?: string;
  /** When enough approvers had agreed, or one had refused. */
  decidedAt?: string;
  /** When the override token was redeemed. */
  redeemedAt?: string;
  /** Id of the override token. */
  tokenId?: string;
  /** The decisions that were counted. */
  decisions?: CountedDecision[];
  /** Where the request was announced. */
  notifications?: ApprovalNotification[];
}

/** A decision that was counted or refused. */
export interface CountedDecision {
  /** Name of the ApprovalDecision. */
  name?: string;
  /** Who decided. */
  approver?: string;
  /** What they said. */
  decision?: 'Approve' | 'Deny';
  /** True when it counts. */
  counted?: boolean;
  /** Why it does not count, such as Author or WrongDigest. */
  reason?: string;
  /** When it was given. */
  at?: string;
}

/** An announcement. */
export interface ApprovalNotification {
  /** Name of the channel. */
  channel?: string;
  /** Id of the message there. */
  reference?: string;
  /** When it was sent. */
  sentAt?: string;
  /** Why it was not sent. */
  error?: string;
}

/** A tool call, or the next stage of a policy revision, that waits for a person. */
export interface ApprovalRequest extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'ApprovalRequest';
  /** What is asked for; written once by the operator. */
  spec: ApprovalRequestSpec;
  /** What the operator observed; only the operator writes it. */
  status?: ApprovalRequestStatus;
}

/** What is done, to what, and why. */
export interface EmergencyActionSpec {
  /**
   * Freeze stops new content, Pin keeps an earlier bundle, SuspendAgent refuses every call of an agent, Pause
   * holds a rollout, Abort takes a candidate back, Promote moves a rollout one stage on, BreakGlass lets a blocked
   * loosening through.
   */
  action: 'Freeze' | 'Pin' | 'SuspendAgent' | 'Pause' | 'Abort' | 'Promote' | 'BreakGlass';
  /** What the action is about. */
  target: EmergencyTarget;
  /**
   * What gateways do during a Freeze: Keep goes on (when absent), DenyWrites refuses all but reads, DenyAll
   * refuses every call.
   */
  gateways?: FreezeMode;
  /** Why. */
  reason: string;
  /** Incident or ticket. */
  ticket?: string;
  /** When it ends by itself; never when absent. */
  expiresAt?: string;
  /** Identity of the writer. The webhook stamps it; a value written by hand is replaced. */
  requestedBy?: UserIdentity;
}

/** What the action is about. */
export interface EmergencyTarget {
  /** Tenant; the one of the object's namespace when absent. */
  tenant?: string;
  /** Agent id, for SuspendAgent. */
  agent?: string;
  /** AgentPolicy in the object's namespace, for Pause, Abort and Promote. */
  policy?: string;
  /** Revision that is meant; for Promote and BreakGlass another revision is not moved. */
  revision?: string;
  /** Bundle whose content is kept, for Pin. */
  sequence?: number;
}

/** What the operator observed; only the operator writes it. */
export interface EmergencyActionStatus {
  /** Generation of the spec this status speaks about; -1 before the operator has seen the object. */
  observedGeneration?: number;
  /** State by aspect: Ready, and further ones per kind; Reconciling and Stalled only while true. */
  conditions?: StatusCondition[];
  /** True while it is in force. */
  active?: boolean;
  /** What it is done to, in words. */
  target?: string;
  /** When it came into force. */
  startedAt?: string;
  /** When it ended. */
  endedAt?: string;
}

/** An emergency measure. Never in Git, so that no GitOps controller reverts it; deleting it ends it. */
export interface EmergencyAction extends Resource {
  apiVersion: 'aegis.dev/v1alpha1';
  kind: 'EmergencyAction';
  /** What is done, to what, and why. */
  spec: EmergencyActionSpec;
  /** What the operator observed; only the operator writes it. */
  status?: EmergencyActionStatus;
}

/** Any resource of the group. */
export type AegisResource =
  | AgentPolicy
  | AgentRegistration
  | AgentTenant
  | AgentTool
  | ApprovalDecision
  | ApprovalRequest
  | EmergencyAction;

export type AegisKind = AegisResource['kind'];
