/**
 * What the compiler emits and `policy/rego/policy.rego` reads. Keys are short where they repeat per condition; the
 * Rego file explains each. Ranks: 0 allow, 1 sanitize, 3 approval_needed, 4 deny.
 */
import type { LimitObligation, Reason, RedactObligation, SetObligation } from '../decision/types.ts';
import type { NumberLiteral } from '../number-literal.ts';

export type Rank = 0 | 1 | 3 | 4;
export type Amount = number | NumberLiteral;
export type NameSet = Record<string, true>;

export interface TimeWindow {
  tz: string;
  days: NameSet;
  /** Minutes of the local day, `from` inclusive, `to` exclusive. */
  from: number;
  to: number;
}

/** A test of one value. `t` is the JSON type that the value must have. */
export type ValueCondition = { p: string; t: string } /** From 0 to `v`: an amount is never negative. */ & (
  | { k: 'amount'; v: Amount }
  | { k: 'max' | 'min'; v: Amount }
  | { k: 'in'; v: NameSet }
  | { k: 'one'; v: (Amount | boolean)[] }
  | { k: 'pattern'; v: string }
  | { k: 'length'; v: number }
  | { k: 'path'; v: { rooted: boolean; segments: string[] }[] }
  | { k: 'host'; names: NameSet; suffixes: string[]; uri: boolean }
  | { k: 'cidr'; v: string[]; uri: boolean }
);

export type ConditionTest =
  | ValueCondition
  | { k: 'each'; p: string; t: 'array'; c: ValueCondition }
  | { k: 'required' | 'forbidden'; p: string }
  | { k: 'purpose'; v: NameSet }
  | { k: 'time'; v: TimeWindow[] }
  | { k: 'callers' | 'origin'; v: NameSet }
  | { k: 'depth'; v: number }
  /** The contract lacks what the condition is about. */
  | { k: 'never' };

/** A condition of a rule: its test, the rank where it fails, and the sentence that says so. */
export type Condition = ConditionTest & { bad: Rank; m: string };

export interface CompiledRule {
  id: string;
  policy: string;
  name: string;
  permit?: true;
  /** A Permit whose outcome is allow: an undecidable `when` does not fit it. */
  grants?: true;
  ok: Rank;
  risk: number;
  reason?: Reason;
  when?: Condition[];
  if?: Condition[];
  limits?: LimitObligation[];
  redact?: RedactObligation[];
  set?: SetObligation[];
  /** The `yields` of the Restricts that give way to this Permit. */
  overrides?: NameSet;
  yields?: string;
}

export interface CompiledRevision {
  revision: string;
  /** It holds a Permit for the tool, on whatever action. */
  matched: boolean;
  permits: CompiledRule[];
  restricts: CompiledRule[];
  stage?: 'shadow' | 'partial' | 'enforce';
}

export interface PolicyEntry {
  id: string;
  stable?: CompiledRevision;
  candidate?: CompiledRevision;
}

export interface ActionSlice {
  params: Record<string, string>;
  /** Parameters that take whole numbers only: integers on the wire, without a scale. */
  whole: string[];
  open: boolean;
  limits: LimitObligation[];
  /** Some rule or limit carries obligations; false spares their collection. */
  obliging: boolean;
  /** Some Permit overrides a Restrict here. */
  overriding: boolean;
  /** Some policy has a candidate here. */
  staged: boolean;
  policies: PolicyEntry[];
}

export interface ToolSlice {
  observe: boolean;
  actions: Record<string, ActionSlice>;
}

export interface ChainLink {
  accepts: NameSet;
  depth: number;
  origin: boolean;
}

/** Everything that one agent's decisions depend on; its bundle file is `aegis/agents/<agentId>/data.json`. */
export interface AgentSlice {
  agent: string;
  suspended: boolean;
  purposes: NameSet;
  /** The agent and those who may stand before it in a chain. */
  chain: Record<string, ChainLink>;
  /** Time zones whose local clock the host provides as `input.context.local`. */
  timeZones: string[];
  tools: Record<string, ToolSlice>;
  /** Request mapping per tool, for the gateway alone; the evaluator does not load it. */
  contracts: Record<string, unknown>;
}
