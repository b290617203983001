import type { Freeze } from '../../policy/bundle/manifest.ts';
import type { CompiledTenant } from '../../policy/compiler/compile.ts';
import type { StateEntries } from '../model/committed.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';

/** What should be committed next for a tenant. */
export interface Publication {
  identity: TenantIdentity;
  compiled: CompiledTenant;
  entries: StateEntries;
  /** Above the previous one, and above what `Publisher.acceptHigherHead` has accepted. */
  sequence: number;
  /** As it was when absent. */
  freeze?: Freeze;
  /** How long the head is valid, ms. */
  lifetime: number;
  sourceCommit?: string;
  /** Heads of the tenant that are kept, the current one included. */
  retention: number;
  /** Further ids of approvals that were taken back; those of the head before stay. */
  revokedApprovals?: readonly string[];
}
