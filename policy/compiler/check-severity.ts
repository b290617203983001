/** How sure a finding about one resource among others is: what may still follow, and what another resource can cure. */
import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, AgentRegistration, AgentTool } from '../resources/types.generated.ts';
import { policyId } from './bind-policy.ts';
import type { CompileCache } from './compile-cache.ts';
import type { SortedResources, TenantResources } from './tenant-resources.ts';

export interface CheckOptions {
  /** Hex SHA-256 of a text's UTF-8 bytes. */
  digest(text: string): string;
  /** Default `aegis-system`. */
  platformNamespace?: string;
  /** Kept from check to check, it spares work; its own, never one of `compile`. */
  cache?: CompileCache;
  /**
   * What a finding is that another resource can still cure, such as a parameter that a tool lacks: they may be applied
   * together, in any order. Default `error`. What is missing altogether is a warning in any case.
   */
  curable?: 'error' | 'warning';
}

/** One resource under check, and what is around it. */
export interface Check<T extends LoadedResource['object'] = LoadedResource['object']> {
  resource: LoadedResource<T>;
  around: readonly LoadedResource[];
  tenant: TenantResources;
  sorted: SortedResources;
  platformNamespace: string;
  options: CheckOptions;
  cache: CompileCache;
}

/** What may follow later: the rest of the resource means something without it. */
const MISSING: ReadonlySet<string> = new Set([
  'AEGIS_UNKNOWN_AGENT',
  'AEGIS_UNKNOWN_TOOL',
  'AEGIS_OPENAPI_MISSING',
  'AEGIS_UNREGISTERED_CALLER',
]);

/** Disagreements with another resource, which can be changed instead. */
const CURABLE: ReadonlySet<string> = new Set([
  'AEGIS_UNKNOWN_ACTION',
  'AEGIS_UNKNOWN_PARAMETER',
  'AEGIS_UNRESOLVED_ROLE',
  'AEGIS_TYPE_MISMATCH',
  'AEGIS_OVERRIDE',
  'AEGIS_DUPLICATE_ID',
]);

export function severityOf(finding: Finding, check: Check): Finding['severity'] {
  const { code, severity } = finding;
  if (severity !== 'error') return severity;
  if (MISSING.has(code)) return 'warning';
  if (code === 'AEGIS_OPENAPI' && (check.resource.object as Partial<AgentTool>).spec?.openapi?.configMapRef != null) {
    return check.options.curable ?? 'error';
  }
  if (!CURABLE.has(code)) return 'error';
  if (code === 'AEGIS_DUPLICATE_ID') return check.options.curable ?? 'error';
  return mayFollow(finding, check) ? 'warning' : (check.options.curable ?? 'error');
}

/** Whether the finding is about something that is not there at all, or not completely. */
function mayFollow({ code, field = '' }: Finding, { resource, around, tenant, sorted }: Check): boolean {
  if (code === 'AEGIS_OVERRIDE') return overridesNothing(resource.object as AgentPolicy, field, around);
  const toolIds = toolIdsOf(resource.object);
  const { kind } = resource.object;
  if (toolIds === undefined && code === (kind === 'AgentPolicy' ? 'AEGIS_UNKNOWN_ACTION' : 'AEGIS_UNKNOWN_PARAMETER'))
    return true;
  // Of a tool that is not there, or waits for its OpenAPI document, nobody knows what it has.
  return (toolIds ?? [...tenant.tools.keys()]).some((id) => {
    const tool = tenant.tools.get(id);
    if (tool !== undefined) return sorted.unusable.has(tool);
    return (code === 'AEGIS_UNKNOWN_ACTION') === (kind === 'AgentPolicy');
  });
}

/** The tools that a resource is about; undefined: all of its tenant. */
function toolIdsOf({ kind, spec }: LoadedResource['object']): readonly string[] | undefined {
  if (kind === 'AgentPolicy') return (spec as AgentPolicy['spec']).scope.tools ?? undefined;
  if (kind !== 'AgentRegistration') return undefined;
  return ((spec as AgentRegistration['spec']).tools ?? []).map(({ toolId }) => toolId);
}

function overridesNothing(policy: AgentPolicy, field: string, around: readonly LoadedResource[]): boolean {
  const [, rule = '', index = ''] = /^spec\.rules\[(\d+)\]\.overrides\[(\d+)\]$/.exec(field) ?? [];
  const [namespace, name, ruleName] = policy.spec.rules[Number(rule)]?.overrides?.[Number(index)]?.split('/') ?? [];
  const id = `${namespace}/${name}`;
  if (id === policyId(policy)) return false;
  const targets = policiesNamed(new Set([id]), around);
  return !targets.some(({ object }) => object.spec.rules.some((each) => each.name === ruleName));
}

export function policiesNamed(
  ids: ReadonlySet<string>,
  around: readonly LoadedResource[],
): LoadedResource<AgentPolicy>[] {
  if (ids.size === 0) return [];
  return around.filter(
    (each): each is LoadedResource<AgentPolicy> =>
      each.object.kind === 'AgentPolicy' && ids.has(policyId(each.object as AgentPolicy)),
  );
}
