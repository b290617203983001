/** A tenant as bundles name it: its uid is that of the AgentTenant, or of the namespace where there is none. */
export interface TenantIdentity {
  name: string;
  uid: string;
}
