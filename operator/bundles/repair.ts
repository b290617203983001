/** Puts right what somebody has changed or deleted by hand. */
import { AegisError } from '../../policy/errors.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { digestsOf, type Packed, piecesOf } from './bundle-shards.ts';
import { type CommitOptions, commitHead, judgeHead } from './commit-head.ts';
import { headConfigMap } from './head-config-map.ts';
import { type ShardStore, type ShardVersions, shardName } from './shard-store.ts';
import type { Standing } from './standing.ts';
import type { StoredHeads } from './stored-heads.ts';
import type { ConfigMap } from './trusted-keys.ts';

/** Shards that are looked at in one step: whoever has few is checked whole, whoever has many takes turns. */
const STEP = 8;

/** Goes round the shards of a commit, some at a time. */
export class ShardRounds {
  #next = 0;

  /** Digests that are next, or all of them. */
  take(packed: Packed, all: boolean): Set<string> {
    const digests = [...digestsOf(packed)];
    if (all || digests.length <= STEP) return new Set(digests);
    const start = this.#next % digests.length;
    this.#next = start + STEP;
    return new Set([...digests.slice(start), ...digests].slice(0, STEP));
  }
}

/** Writes again what is not there as it was written, of these. @returns what was written. @throws KubeError. */
export async function repairShards(
  packed: Packed,
  digests: ReadonlySet<string>,
  store: ShardStore,
): Promise<ShardVersions> {
  const intact = await store.areIntact(digests);
  const again = new Map<string, Uint8Array>();
  for (const group of packed.groups.values()) {
    const damaged = group.digests.some((digest) => digests.has(digest) && !intact.has(digest));
    const pieces = damaged ? piecesOf(group) : [];
    for (const [at, piece] of pieces.entries()) {
      const digest = group.digests[at];
      if (digest !== undefined && digests.has(digest) && !intact.has(digest)) again.set(digest, piece);
    }
  }
  return store.ensureAll(again);
}

export function shardNames(versions: ShardVersions): string[] {
  return [...versions.keys()].map(shardName);
}

/**
 * @returns the head as it is stored now, where it had to be written.
 * @throws AegisError `AEGIS_HEAD_CONFLICT` where another leader's head stands there, `AEGIS_COMMIT_UNKNOWN`; KubeError.
 */
export async function repairHead(
  identity: TenantIdentity,
  { head }: Standing,
  heads: StoredHeads,
  options: CommitOptions & { namespace: string },
): Promise<ConfigMap | undefined> {
  const desired = headConfigMap(identity, head.bytes, head.manifest.sequence, options);
  const current = await heads.get(identity);
  const found = judgeHead(current, desired, identity, head, options);
  if (found === 'ours') {
    return current?.metadata.resourceVersion === head.resourceVersion ? undefined : current;
  }
  if (found === 'newer') {
    throw new AegisError('AEGIS_HEAD_CONFLICT', `the head of the tenant ${identity.name} is not the one we left`);
  }
  const resourceVersion = current?.metadata.resourceVersion;
  const base = resourceVersion === undefined ? undefined : { ...head, resourceVersion };
  return commitHead(desired, identity, base, options);
}
