/** The test vectors of a workspace: `spec.tests` of policies, and the cases of suites. */
import { DEFAULT_PLATFORM_NAMESPACE } from '../../policy/compiler/compile.ts';
import { DEFAULT_NAMESPACE } from '../../policy/compiler/tenant-resources.ts';
import type { SourceLocation } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentPolicy, AgentTenant, PolicyTest } from '../../policy/resources/types.generated.ts';
import { resourceKey } from '../workspace/workspace.ts';
import { casesOf } from './suite-findings.ts';

export interface Vector {
  name: string;
  /** `AgentPolicy fintech/finance-payments` or `TestSuite fintech/fintech`. */
  source: string;
  location: SourceLocation;
  test: PolicyTest;
  /** Tenant of a call that names none; undefined = the only one that is loaded. */
  tenant: string | undefined;
  /** Its policy is suspended, so that it is not run. */
  suspended: boolean;
}

/** In the order of the sources. */
export function collectVectors(resources: readonly LoadedResource[], suites: readonly LoadedResource[]): Vector[] {
  const tenantOf = tenantNames(resources);
  return [...resources.filter(({ object }) => object.kind === 'AgentPolicy'), ...suites].flatMap((resource) => {
    const policy = resource.object.kind === 'AgentPolicy' ? (resource.object as AgentPolicy) : undefined;
    const tests = (policy?.spec.tests ?? casesOf(resource) ?? []) as readonly PolicyTest[];
    const key = policy === undefined ? 'cases' : 'tests';
    const { namespace } = resource.object.metadata;
    return tests.map((test, index) => ({
      name: test.name,
      source: resourceKey(resource),
      location: resource.locate(['spec', key, index, 'name']),
      test,
      tenant: policy === undefined && namespace === undefined ? undefined : tenantOf(namespace),
      suspended: policy?.spec.suspend === true,
    }));
  });
}

function tenantNames(resources: readonly LoadedResource[]): (namespace?: string) => string | undefined {
  const owners = new Map<string, string>();
  for (const { object } of resources) {
    if (object.kind !== 'AgentTenant') continue;
    for (const namespace of (object as AgentTenant).spec.namespaces ?? []) owners.set(namespace, object.metadata.name);
  }
  return (namespace = DEFAULT_NAMESPACE) =>
    namespace === DEFAULT_PLATFORM_NAMESPACE ? undefined : (owners.get(namespace) ?? namespace);
}
