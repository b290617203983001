/** Names in registrations that must exist in the tenant: tools and actions; unknown callers are only suspicious. */
import type { Finding } from '../errors.ts';
import { didYouMean } from '../validation/suggest-name.ts';
import type { CompileCache } from './compile-cache.ts';
import { findingAt } from './finding-at.ts';
import type { TenantResources } from './tenant-resources.ts';

export function checkReferences(tenant: TenantResources, cache: CompileCache): Finding[] {
  const findings: Finding[] = [];
  for (const registration of tenant.registrations.values()) {
    registration.object.spec.tools?.forEach(({ toolId, actions }, index) => {
      const path = ['spec', 'tools', index];
      const tool = tenant.tools.get(toolId);
      if (tool === undefined) {
        const message = `No AgentTool has the id "${toolId}".`;
        const fix = didYouMean(toolId, tenant.tools.keys());
        findings.push(findingAt(registration, 'AEGIS_UNKNOWN_TOOL', 'error', [...path, 'toolId'], message, fix));
        return;
      }
      actions?.forEach((action, position) => {
        if (cache.contractsOf(tool).has(action)) return;
        const message = `${toolId} has no action "${action}".`;
        const at = [...path, 'actions', position];
        const fix = didYouMean(action, cache.contractsOf(tool).keys());
        findings.push(findingAt(registration, 'AEGIS_UNKNOWN_ACTION', 'error', at, message, fix));
      });
    });
    registration.object.spec.delegation?.acceptsFrom?.forEach((caller, index) => {
      if (tenant.registrations.has(caller)) return;
      const path = ['spec', 'delegation', 'acceptsFrom', index];
      const message = `"${caller}" is not registered in this tenant; it is accepted as the origin of a chain all the same.`;
      const fix = didYouMean(caller, tenant.registrations.keys());
      findings.push(findingAt(registration, 'AEGIS_UNREGISTERED_CALLER', 'warning', path, message, fix));
    });
  }
  return findings;
}
