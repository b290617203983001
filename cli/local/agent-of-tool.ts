import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentRegistration } from '../../policy/resources/types.generated.ts';

/**
 * Who calls through the local proxy: on one machine there is no pod that would tell. The agent that the user names, or
 * the only one whose registration lists the tool.
 */
export class AgentOfTool {
  readonly #named: string | undefined;
  #byTool = new Map<string, string[]>();

  constructor(named: string | undefined) {
    this.#named = named;
  }

  update(resources: readonly LoadedResource[]): void {
    const byTool = new Map<string, string[]>();
    for (const { object } of resources) {
      if (object.kind !== 'AgentRegistration') continue;
      const registration = object as AgentRegistration;
      const agent = registration.spec.agentId ?? registration.metadata.name;
      for (const { toolId } of registration.spec.tools ?? [])
        byTool.set(toolId, [...(byTool.get(toolId) ?? []), agent]);
    }
    this.#byTool = byTool;
  }

  /** Undefined where it is not clear: the call is refused then. */
  of(tool: string): string | undefined {
    if (this.#named !== undefined) return this.#named;
    const agents = this.#byTool.get(tool) ?? [];
    return agents.length === 1 ? agents[0] : undefined;
  }

  tools(): string[] {
    return [...this.#byTool.keys()].sort();
  }
}
