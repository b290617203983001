import type { Activation } from '../../gateway/enforcement/activation.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentRegistration } from '../../policy/resources/types.generated.ts';

export interface LocalCaller {
  agent: string;
  tenant: string;
}

/**
 * Who calls through the local proxy: on one machine there is no pod that would tell. The agent that the user names, or
 * the only one whose registration lists the tool.
 */
export class AgentOfTool {
  readonly #named: string | undefined;
  #byTool = new Map<string, LocalCaller[]>();
  #tools: readonly string[] = [];

  constructor(named: string | undefined) {
    this.#named = named;
  }

  update(resources: readonly LoadedResource[], activations: readonly Activation[]): void {
    const byTool = new Map<string, LocalCaller[]>();
    for (const { object } of resources) {
      if (object.kind !== 'AgentRegistration') continue;
      const registration = object as AgentRegistration;
      const agent = registration.spec.agentId ?? registration.metadata.name;
      if (this.#named !== undefined && this.#named !== agent) continue;
      for (const { toolId } of registration.spec.tools ?? []) {
        const tenants = activations.filter((activation) => activation.contract(agent, toolId) !== undefined);
        const callers = tenants.map(({ tenant }) => ({ agent, tenant }));
        byTool.set(toolId, [...(byTool.get(toolId) ?? []), ...callers]);
      }
    }
    this.#byTool = byTool;
    this.#tools = [...byTool.keys()].sort();
  }

  /** Undefined where it is not clear: the call is refused then. */
  of(tool: string): LocalCaller | undefined {
    const callers = this.#byTool.get(tool) ?? [];
    return callers.length === 1 ? callers[0] : undefined;
  }

  /** Sorted; the same array until the next update. */
  tools(): readonly string[] {
    return this.#tools;
  }
}
