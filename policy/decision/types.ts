/** The decision contract: what goes into the policy and what comes out (see docs/decision-contract.md). */

/** From weakest to strictest; the strictest of several wins. */
export const VERDICTS = ['allow', 'sanitize', 'rate_limited', 'approval_needed', 'deny'] as const;
export type Verdict = (typeof VERDICTS)[number];

export type RiskTier = 'low' | 'medium' | 'high' | 'critical';

export interface Reason {
  code: string;
  message: string;
  policy?: string;
  rule?: string;
  param?: string;
}

/** Change one request parameter or one part of the response before it passes. */
export interface RedactObligation {
  param?: string;
  pointer?: string;
  detector?: string;
  op: 'redact' | 'mask' | 'hash' | 'drop';
}

export interface SetObligation {
  param: string;
  op: 'set' | 'clamp';
  value: unknown;
}

/** A limit that the gateway reserves against before it forwards the call. */
export interface LimitObligation {
  /** `namespace/policy/rule/limit`, `agent/<agentId>/<limit>` or `tenant/<limit>`. */
  id: string;
  per: 'Agent' | 'Tool' | 'Action' | 'Tenant';
  window: string;
  /** Number of calls, or the largest sum of `parameter` in the window; integer or decimal string. */
  max: number | string;
  parameter?: string;
  cost?: boolean;
  /** True: charged, but not a reason to refuse (the rule itself asked for approval). */
  chargeOnly?: boolean;
}

export interface Obligations {
  redact: RedactObligation[];
  set: SetObligation[];
  limits: LimitObligation[];
  approval: { risk: RiskTier; rules: string[] } | null;
}

export interface Outcome {
  verdict: Verdict;
  reasons: Reason[];
  obligations: Obligations;
}

export interface PolicyResult {
  enforced: Outcome;
  /** Per candidate revision: what `enforced` would be with only that policy switched to its other revision. */
  candidates: { policy: string; revision: string | null; outcome: Outcome }[];
}

export interface DecisionResult extends PolicyResult {
  decision_id: string;
}

/** What a tool call looks like once mapped; `params` are in policy units. */
export interface DecisionInput {
  tenant?: string;
  agent: string;
  tool: string;
  action: string;
  params: Record<string, unknown>;
  context?: {
    purpose?: string;
    destination?: { host?: string; region?: string };
    time?: string;
    cost?: unknown;
    /** Filled by the host: local weekday and minute of day per time zone that the slice names. */
    local?: Record<string, { day: string; minute: number }>;
  };
  chain?: string[];
  request?: { id?: string; protocol?: string; method?: string; path?: string; digest?: string };
  /** Policies (`namespace/name`) whose partial candidate this call belongs to. */
  cohort?: Record<string, boolean>;
}
