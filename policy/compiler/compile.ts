/** Resources → per tenant, one canonical data slice per agent and the tenant's own part. Pure and deterministic. */
import { canonicalJson } from '../bundle/canonical-json.ts';
import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy } from '../resources/types.generated.ts';
import { activePolicies } from './active-policies.ts';
import { checkBudgets } from './budget-parameters.ts';
import { CompileCache, type SliceFile } from './compile-cache.ts';
import type { CompileOptions } from './compile-options.ts';
import type { CompilePass } from './compile-pass.ts';
import { checkReferences } from './references.ts';
import { type GivenResources, sortedOf, type TenantResources } from './tenant-resources.ts';
import { agentSlices } from './tenant-slices.ts';

export interface CompiledTenant {
  name: string;
  uid?: string;
  /** Canonical JSON of the tenant's part. */
  part: SliceFile;
  /** Canonical JSON slice per agentId. */
  agents: Map<string, SliceFile>;
  /** Policies that take part, with the revision digest of each. */
  policies: { id: string; revision: string; source: LoadedResource<AgentPolicy> }[];
}

export interface Compilation {
  tenants: CompiledTenant[];
  findings: Finding[];
  /** Policies that were left out because of an error, by id. */
  rejected: string[];
}

export const DEFAULT_PLATFORM_NAMESPACE = 'aegis-system';

const encoder = new TextEncoder();

/**
 * Compiles all tenants. Resources must have passed validation (`policy/validation`) and carry their defaults. A policy
 * with an error takes no part; the others do.
 */
export function compile(resources: GivenResources, options: CompileOptions): Compilation {
  const platformNamespace = options.platformNamespace ?? DEFAULT_PLATFORM_NAMESPACE;
  const cache = options.cache ?? new CompileCache();
  const sorted = sortedOf(resources, platformNamespace);
  const names = [...sorted.tenants.keys()].filter((name) => hasContent(sorted.tenants.get(name))).sort();
  const rejected = new Set<string>();
  const passes = names.map((name) => {
    const pass: CompilePass = { options, cache, sorted, platformNamespace, findings: [], rejected };
    return { tenant: compileTenant(sorted.tenants.get(name) as TenantResources, pass), findings: pass.findings };
  });
  cache.turn();
  return {
    tenants: passes.map(({ tenant }) => tenant),
    findings: [
      ...sorted.findings,
      ...merged(
        passes.map(({ findings }) => findings),
        platformNamespace,
      ),
    ],
    rejected: [...rejected].sort(),
  };
}

function hasContent(tenant: TenantResources | undefined): boolean {
  return (
    tenant !== undefined && (tenant.registrations.size > 0 || tenant.policies.length > 0 || tenant.tenant !== undefined)
  );
}

/** A policy of the platform may find in one tenant what another lacks; only what all of them lack is worth a word. */
const EVERYWHERE: ReadonlySet<string> = new Set(['AEGIS_UNKNOWN_ACTION', 'AEGIS_UNREACHABLE_RULE']);

/** A platform policy is bound once per tenant; its findings count once. */
function merged(perTenant: readonly (readonly Finding[])[], platformNamespace: string): Finding[] {
  const ofPlatform = ({ resource }: Finding): boolean =>
    resource?.startsWith(`AgentPolicy ${platformNamespace}/`) === true;
  const seen = new Map<string, { finding: Finding; tenants: Set<number> }>();
  perTenant.forEach((findings, index) => {
    for (const finding of findings) {
      const key = `${finding.code}\n${finding.resource}\n${finding.field}\n${finding.message}`;
      const known = seen.get(key) ?? { finding, tenants: new Set<number>() };
      seen.set(key, known);
      known.tenants.add(index);
    }
  });
  const kept = [...seen.values()].filter(
    ({ finding, tenants }) =>
      !ofPlatform(finding) || !EVERYWHERE.has(finding.code) || tenants.size === perTenant.length,
  );
  return kept.map(({ finding }) => finding);
}

function compileTenant(tenant: TenantResources, pass: CompilePass): CompiledTenant {
  const { cache, findings } = pass;
  const policies = activePolicies(tenant, pass);
  findings.push(...checkReferences(tenant, cache), ...checkBudgets(tenant, cache));
  const { uid } = tenant;
  const identity = canonicalJson({ name: tenant.name, ...(uid === undefined ? {} : { uid }), ...staleness(tenant) });
  return {
    name: tenant.name,
    ...(uid === undefined ? {} : { uid }),
    part: cache.sliceOf(tenant.name, [identity], () => ({ bytes: encoder.encode(identity) })),
    agents: agentSlices(tenant, policies, pass),
    policies: policies.flatMap(({ id, stable, candidate }) =>
      [stable, candidate?.revision]
        .filter((revision) => revision !== undefined)
        .map(({ revision, source }) => ({ id, revision, source })),
    ),
  };
}

/** What gateways do once they hear of nothing newer; defaults are left out. */
function staleness({ tenant }: TenantResources): { failMode?: string; maxStaleness?: string } {
  const { failMode, bundle } = tenant?.object.spec ?? {};
  return {
    ...(failMode === 'StaleReadOnly' && { failMode }),
    ...(bundle?.maxStaleness != null && { maxStaleness: bundle.maxStaleness }),
  };
}
