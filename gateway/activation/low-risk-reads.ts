import type { AgentSlice, PolicyEntry } from '../../policy/compiler/slice.ts';
import type { ToolContract } from '../../policy/mapping/contract.ts';

/**
 * The calls that a stale bundle may still decide: actions that only read and that the tool and every rule about them
 * (stable, candidate, Permit, Restrict) hold for low risk. `tool/action` keys.
 */
export function lowRiskReads(
  tools: AgentSlice['tools'],
  contracts: ReadonlyMap<string, ToolContract>,
): ReadonlySet<string> {
  const reads = new Set<string>();
  for (const [tool, contract] of contracts) {
    for (const { name, effect, riskTier } of contract.actions) {
      const policies = tools[tool]?.actions[name]?.policies ?? [];
      if (effect === 'read' && riskTier === 'low' && policies.every(isLowRisk)) reads.add(`${tool}/${name}`);
    }
  }
  return reads;
}

function isLowRisk({ stable, candidate }: PolicyEntry): boolean {
  return [stable, candidate].every((revision) =>
    [...(revision?.permits ?? []), ...(revision?.restricts ?? [])].every(({ risk }) => risk === 0),
  );
}
