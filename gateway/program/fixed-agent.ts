import type { Callers } from '../capture/attribution.ts';
import type { ActivationSource } from '../enforcement/activation.ts';

const NONE: readonly string[] = [];

/** One agent is behind every listener, whatever a request says; its tools are those of its bundle. */
export function fixedAgent(agent: string | undefined, tenant: string, source: ActivationSource): Callers {
  if (agent === undefined) return { of: () => undefined, tools: () => NONE };
  const caller = { agent, tenant };
  return {
    of: () => caller,
    tools: () => source.get(tenant)?.tools(agent) ?? NONE,
  };
}
