import { sha256 } from '@noble/hashes/sha2.js';
import type { PartialSpec } from './rollout-spec.ts';

const encoder = new TextEncoder();

/**
 * The agents for which a policy's candidate enforces in stage Partial: those that are listed, else the first
 * `ceil(agents × percent / 100)` by a rank that only policy and agent determine. With the same agents a larger share
 * contains every smaller one.
 * @param policyId `namespace/name`.
 * @param agents Those in scope; agents that are listed and not here do not count.
 */
export function cohortOf(policyId: string, agents: readonly string[], partial: PartialSpec): ReadonlySet<string> {
  const inScope = new Set(agents);
  if (partial.agents !== undefined) return new Set(partial.agents.filter((agent) => inScope.has(agent)));
  const size = Math.ceil((inScope.size * Math.max(0, partial.percent)) / 100);
  if (!(size > 0)) return new Set();
  if (size >= inScope.size) return inScope;
  return new Set(
    [...inScope]
      .map((agent) => ({ agent, rank: rankOf(policyId, agent) }))
      .sort((a, b) => compare(a.rank, b.rank) || compare(a.agent, b.agent))
      .slice(0, size)
      .map(({ agent }) => agent),
  );
}

/** Neither part holds a line feed, so that no two pairs are the same text. */
function rankOf(policyId: string, agent: string): bigint {
  const bytes = sha256(encoder.encode(`${policyId}\n${agent}`));
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
