/** A tenant that no cluster has given a uid is known by its name alone. */
export function tenantIdentity(tenant: { name: string; uid?: string }): { name: string; uid: string } {
  return { name: tenant.name, uid: tenant.uid ?? `local:${tenant.name}` };
}
