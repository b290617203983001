import type { Freeze, Manifest } from '../../policy/bundle/manifest.ts';
import type { PreviousHead } from '../../policy/bundle/verify-head.ts';

/** What a gateway remembers of the heads it accepted, whatever becomes of the bundle itself. */
export interface GatewayMemory {
  readonly tenant: { readonly name: string; readonly uid: string };
  /** Absent where the gateway serves all agents of a whole bundle. */
  readonly agent?: string;
  /** The highest head. */
  readonly head: {
    readonly sequence: number;
    readonly contentRoot: string;
    readonly issuedAt: string;
    readonly etag: string;
    readonly freeze: Freeze;
  };
  /** Wall-clock time at which that head was accepted, ms since the epoch. */
  readonly verifiedAt: number;
  readonly revoked: RevocationMemory;
}

/**
 * Every revocation that any accepted head named. A publisher carries them from head to head; should it forget one, the
 * gateway does not. Sound, because revoking is final: a key id is the digest of a key, an approval id is used once, and
 * neither is ever issued again. It can only refuse more, never less.
 */
export interface RevocationMemory {
  readonly keys: readonly string[];
  /** Id → when a head last named it, ms since the epoch. */
  readonly approvals: ReadonlyMap<string, number>;
}

export const NO_REVOCATIONS: RevocationMemory = { keys: [], approvals: new Map() };

/** A head names at most 1024 keys; a publisher that has revoked four times as many revokes nonsense. */
export const MAX_REVOKED_KEYS = 4096;
export const MAX_REVOKED_APPROVALS = 16_384;
/** Approvals expire long before: an override token lives for hours. */
const APPROVAL_RETENTION = 30 * 24 * 3_600_000;

/**
 * Adds what a verified head revokes. Keys are kept for ever (the oldest ones win beyond the bound, which no honest
 * publisher reaches); approvals for 30 days after a head last named them.
 */
export function rememberRevocations(
  memory: RevocationMemory,
  { keys, approvals }: Manifest['revocations'],
  now: number,
): RevocationMemory {
  const added = keys.filter((id) => !memory.keys.includes(id));
  const kept = new Map([...memory.approvals].filter(([, seen]) => now - seen < APPROVAL_RETENTION));
  for (const id of approvals) {
    kept.delete(id); // to the end: the map is ordered by age
    kept.set(id, now);
  }
  for (const id of kept.keys()) {
    if (kept.size <= MAX_REVOKED_APPROVALS) break;
    kept.delete(id);
  }
  return {
    keys: added.length === 0 ? memory.keys : [...memory.keys, ...added].slice(0, MAX_REVOKED_KEYS),
    approvals: kept,
  };
}

/** The memory as the verifier of the next head wants it. */
export function previousHead({ head, revoked }: GatewayMemory): PreviousHead {
  return { ...head, revocations: { keys: revoked.keys, approvals: [...revoked.approvals.keys()] } };
}

export function remember(
  manifest: Manifest,
  options: { agent?: string | undefined; now: number; revoked: RevocationMemory },
): GatewayMemory {
  const { tenant, sequence, contentRoot, issuedAt, etag, freeze } = manifest;
  return {
    tenant,
    ...(options.agent !== undefined && { agent: options.agent }),
    head: { sequence, contentRoot, issuedAt, etag, freeze },
    verifiedAt: options.now,
    revoked: options.revoked,
  };
}
