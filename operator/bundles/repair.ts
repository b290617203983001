/** Puts right what somebody has changed or deleted by hand. */
import { AegisError } from '../../policy/errors.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { type Packed, piecesOf } from './bundle-shards.ts';
import { type CommitOptions, commitHead, judgeHead } from './commit-head.ts';
import { headConfigMap } from './head-config-map.ts';
import { type ShardStore, type ShardVersions, shardName } from './shard-store.ts';
import type { Standing } from './standing.ts';
import type { StoredHeads } from './stored-heads.ts';
import type { ConfigMap } from './trusted-keys.ts';

/** Writes again what is not there as it was written. @returns what was written. @throws KubeError. */
export async function repairShards(packed: Packed, store: ShardStore): Promise<ShardVersions> {
  const written: ShardVersions = new Map();
  for (const group of packed.groups.values()) {
    const intact = await store.areIntact(group.digests);
    if (intact.size === new Set(group.digests).size) continue;
    const pieces = piecesOf(group);
    const again = new Map<string, Uint8Array>();
    for (const [at, digest] of group.digests.entries()) {
      if (!intact.has(digest)) again.set(digest, pieces[at] as Uint8Array);
    }
    for (const [digest, version] of await store.ensureAll(again)) written.set(digest, version);
  }
  return written;
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
