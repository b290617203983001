import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { RolloutState } from '../../policy/rollout/rollout-state.ts';
import type { TenantIdentity } from './tenant-identity.ts';

/**
 * What the operator knows of one resource beyond the resource itself. Part of every commit, so that a new leader, or
 * one after a crash, goes on exactly where the committed bundle stands. Entries are never changed, only replaced; an
 * entry that is the same object has not changed. JSON throughout.
 */
export interface StateEntry {
  /** uid and generation of the object that was accepted last. */
  uid: string;
  generation: number;
  /** Its spec, with the metadata that counts (name, namespace, creationTimestamp): the last good version. */
  accepted: unknown;
  /** Of a policy: the object (same form as `accepted`) of the stable revision, where it is not `accepted`. */
  stable?: unknown;
  /** Of a policy. */
  rollout?: RolloutState;
  /** First sequence that contains the resource as it takes part now. */
  sequence: number;
  /** Of a registration that was deleted: ms since the epoch; its agent stays in the bundle, refused, until `until`. */
  tombstone?: { since: number; until: number };
  /** Of a registration: tools for which a policy with a Permit for the pair has enforced at any time. */
  everEnforced?: string[];
}

/**
 * By `Kind namespace/name` (`Kind name` for cluster-scoped kinds); `ClosedTool toolId` for what remains of an AgentTool that
 * was deleted while registrations still name it.
 */
export type StateEntries = ReadonlyMap<string, StateEntry>;

/** The head of one tenant as it stands in the API server, with what it commits. */
export interface Committed {
  identity: TenantIdentity;
  manifest: Manifest;
  /** SHA-256 of the bytes of `manifest.json`, hexadecimal. */
  digest: string;
  /** Name of the ConfigMap that is the head. */
  configMapName: string;
  entries: StateEntries;
}
