import type { AgentRegistration } from '../resources/types.generated.ts';
import type { ChainLink } from './slice.ts';
import { nameSet } from './values.ts';

/** Callers before the last agent when a registration does not say (schema default of `delegation.maxDepth`). */
const DEFAULT_DEPTH = 4;

/**
 * The part of the delegation graph that can stand before `agentId` in a chain, up to its own depth and the tenant's;
 * other agents of the tenant do not appear. Suspended callers are accepted by nobody.
 */
export function chainLinks(
  agentId: string,
  registrations: ReadonlyMap<string, AgentRegistration>,
  suspended: (agentId: string) => boolean,
  tenantDepth = Number.POSITIVE_INFINITY,
): Record<string, ChainLink> {
  const links: Record<string, ChainLink> = {};
  let level = [agentId];
  const depthOf = (registration: AgentRegistration | undefined): number =>
    Math.min(registration?.spec.delegation?.maxDepth ?? DEFAULT_DEPTH, tenantDepth);
  const reach = depthOf(registrations.get(agentId));
  for (let depth = 0; depth <= reach && level.length > 0; depth++) {
    const next: string[] = [];
    for (const name of level) {
      const registration = registrations.get(name);
      if (registration === undefined || Object.hasOwn(links, name)) continue;
      const delegation = registration.spec.delegation;
      const accepted = (delegation?.acceptsFrom ?? []).filter((caller) => !suspended(caller));
      links[name] = {
        // whoever stands at the full depth can only be an origin
        accepts: nameSet(depth < reach ? accepted : []),
        depth: depthOf(registration),
        origin: delegation?.selfOrigin === true || (delegation?.acceptsFrom ?? []).length === 0,
      };
      next.push(...accepted);
    }
    level = next;
  }
  return links;
}
