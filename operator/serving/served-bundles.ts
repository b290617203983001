import type { TenantIdentity } from '../model/tenant-identity.ts';

/** The committed bundle of one tenant. */
export interface ServedTenant {
  /** Of the head, without quotes: changes with every commit and every renewal. */
  readonly etag: string;
  /**
   * `.tar.gz` with the slice of one agent; undefined where the bundle has no such agent. Asked once per answer, so
   * whoever implements it keeps what is expensive to make.
   */
  archive(agentId: string): Uint8Array | undefined;
}

/** What replicas serve: nothing that is not committed. */
export interface ServedBundles {
  /** Every head has been read: absence means that there is none. */
  readonly ready: boolean;
  /** With a uid, only the bundle of exactly this tenant. */
  tenant(name: string, uid?: string): ServedTenant | undefined;
  /** Told after a tenant's head has changed. Returns how to stop. */
  subscribe(listener: (identity: TenantIdentity) => void): () => void;
}
