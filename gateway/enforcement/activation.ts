import type { DecisionInput, PolicyResult } from '../../policy/decision/types.ts';
import type { ToolContract } from '../../policy/mapping/contract.ts';

/** What a freeze of the tenant asks of its gateways (`Keep`: only new content stops, decisions go on). */
export type FreezeMode = 'Keep' | 'DenyWrites' | 'DenyAll';

/** How old the head in force is, and what that means. */
export interface Freshness {
  /** ms since the head was issued, by whichever of wall clock and monotonic clock says more. */
  age(): number;
  /** ms; beyond it the bundle is stale. */
  readonly maxStaleness: number;
  /** Whether a stale bundle may still decide this call: a low-risk read, in a tenant that opted in. */
  staleAllows(agent: string, tool: string, action: string): boolean;
}

/**
 * One verified, primed bundle. Immutable: a call takes it once and uses nothing else, so that no call is decided by a
 * mixture of two bundles.
 */
export interface Activation {
  readonly tenant: string;
  readonly sequence: number;
  /** When it was activated, ms since the epoch. */
  readonly activatedAt: number;
  readonly freeze?: FreezeMode;
  /** Absent where the publisher is this very process: nothing newer can be missing. */
  readonly freshness?: Freshness;
  /** Ids of approvals (override tokens) that were taken back; also those that only earlier heads named. */
  readonly revokedApprovals?: ReadonlySet<string>;
  /** The policy's word. Adds what the host knows (local clocks); throws where the evaluation fails. */
  evaluate(input: DecisionInput): PolicyResult;
  /** The input as the policy sees it: with what the host knows beside what the caller said. */
  complete(input: DecisionInput): DecisionInput;
  /** The contract of a tool in this agent's slice; the same object on every call. */
  contract(agent: string, tool: string): ToolContract | undefined;
  /** The tools in this agent's slice; the same array on every call. */
  tools(agent: string): readonly string[];
}

/** Where the listeners find what is active now; swapped as a whole at every activation. */
export interface ActivationSource {
  /** The activation of a tenant; without a name, of the only tenant there is. */
  get(tenant?: string): Activation | undefined;
  list(): readonly Activation[];
}
