import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, AgentTool } from '../resources/types.generated.ts';
import type { Stage } from './agent-slice.ts';
import type { CompileCache } from './compile-cache.ts';

/** The revisions of a policy that take part; one with neither abstains. */
export interface PolicyState {
  stable?: LoadedResource<AgentPolicy>;
  candidate?: {
    policy: LoadedResource<AgentPolicy>;
    stage: Stage;
    /**
     * Of stage `partial`: ids of the agents for which the candidate enforces; for all others it shadows. Without it
     * each call says for itself whether it belongs to the cohort.
     */
    cohort?: ReadonlySet<string>;
  };
}

export interface CompileOptions {
  /** Hex SHA-256 of a text's UTF-8 bytes. */
  digest(text: string): string;
  /** The operator's own namespace; its policies bind every tenant and may only restrict. Default `aegis-system`. */
  platformNamespace?: string;
  /** Which revisions of a policy take part. Default: the resource itself is stable (stages are ignored). */
  stateOf?(policy: LoadedResource<AgentPolicy>): PolicyState;
  /** Agents suspended by an emergency action, beside those whose registration says so. */
  suspended?(tenant: string, agentId: string): boolean;
  /** Whether a policy with a Permit for the pair has ever enforced; then `unmatched: Observe` is over for good. */
  everEnforced?(tenant: string, agentId: string, toolId: string): boolean;
  /** A tool that is gone, and that the tenant's agents may still call: its hosts stay known, and are refused. */
  closedTool?(tenant: string, toolId: string): AgentTool | undefined;
  /** Of the compilation before; only what changed is compiled anew. */
  cache?: CompileCache;
}
