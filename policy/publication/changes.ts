import type { CompiledTenant } from '../compiler/compile.ts';

/** What auditors read of each policy in a bundle: who changed it, why, on whose word. */
export function changesOf(tenant: CompiledTenant): unknown {
  const policies = tenant.policies.map(({ id, revision, source }) => {
    const { author, reason, ticket, tags } = source.object.spec.change ?? {};
    return {
      policy: id,
      revision,
      ...(author === undefined ? {} : { author }),
      ...(reason === undefined ? {} : { reason }),
      ...(ticket === undefined ? {} : { ticket }),
      ...(tags === undefined ? {} : { tags }),
    };
  });
  return { policies, tenant: tenant.name };
}
