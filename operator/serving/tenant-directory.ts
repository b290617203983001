import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { RegistrationLike } from '../workloads/match-pods.ts';

/** An agent as bundles name it. */
export interface DirectoryAgent {
  agentId: string;
  tenant: TenantIdentity;
}

/** A registration that is gone, whose agent stays in the bundle, refused, for a while. */
export interface TombstonedRegistration extends DirectoryAgent {
  /** As it was accepted last; its `metadata` has namespace and name. */
  registration: RegistrationLike;
}

/** Which tenant and agent a pod stands for, by what is accepted. Answers from memory. */
export interface TenantDirectory {
  /** Everything has been read: absence means that there is none. */
  readonly ready: boolean;
  tenantOf(namespace: string): TenantIdentity | undefined;
  /** By `namespace/name`; undefined where no version of it was ever accepted, or where it is in conflict. */
  registration(key: string): DirectoryAgent | undefined;
  /** Pods that no registration matches any more may still fetch what refuses them. */
  tombstones(namespace: string): readonly TombstonedRegistration[];
}
