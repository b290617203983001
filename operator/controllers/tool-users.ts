/** Which registrations name which tools, in whatever version they stand there now. */
import type { AgentRegistration, AgentTool } from '../../policy/resources/types.generated.ts';
import type { Intaken } from '../model/intaken.ts';
import type { TenantRecord } from './tenant-record.ts';

/** Ids that the registration names. */
export function toolsOf({ loaded }: Intaken): string[] {
  const { tools } = (loaded.object as AgentRegistration).spec;
  return Array.isArray(tools) ? tools.map(({ toolId }) => toolId) : [];
}

export function toolIdOf({ loaded }: Intaken): string {
  const { metadata, spec } = loaded.object as AgentTool;
  return spec.toolId ?? metadata.name;
}

/** Registrations of the tenant that name the tool. */
export function usersOf({ outcome }: TenantRecord, toolId: string): number {
  let used = 0;
  for (const { current } of outcome.plan.results.values()) {
    if (current.kind === 'AgentRegistration' && toolsOf(current).includes(toolId)) used++;
  }
  return used;
}

/** Instead of the platform's of the same id. */
export function hasOwnTool({ scope, outcome }: TenantRecord, toolId: string): boolean {
  for (const { current } of outcome.plan.results.values()) {
    const namespace = current.object.metadata.namespace ?? 'default';
    if (current.kind !== 'AgentTool' || !scope.namespaces.includes(namespace)) continue;
    if (toolIdOf(current) === toolId) return true;
  }
  return false;
}
