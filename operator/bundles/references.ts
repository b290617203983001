/** What the heads of all tenants, and those that they have replaced, refer to. Pure. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { headBytes, identityKey, manifestOf, removedAt } from './head-config-map.ts';
import { readIndex, shardsOf } from './head-index.ts';
import type { ConfigMap } from './trusted-keys.ts';

export interface References {
  /** Digests of shards that must stay. */
  shards: Set<string>;
  /** Heads that nobody needs any more, by name. */
  surplus: Map<string, ConfigMap>;
}

export interface StoredConfigMaps {
  heads: readonly ConfigMap[];
  archived: readonly ConfigMap[];
}

/**
 * @param kept how many heads stay of the tenant with this head, the current one included; 0: not even that one.
 * @returns undefined where a head cannot be read: what it refers to is not known.
 */
export function referencesOf(
  { heads, archived }: StoredConfigMaps,
  kept: (head: ConfigMap) => number,
  crypto: CryptoProvider,
): References | undefined {
  const shards = new Set<string>();
  for (const head of heads) {
    const own = shardsIn(head);
    if (own === undefined && removedAt(head) === undefined) return undefined;
    for (const digest of own ?? []) shards.add(digest);
  }
  // as long as an archived head is there, what it refers to is, too
  for (const digest of archived.flatMap((head) => [...(shardsIn(head) ?? [])])) shards.add(digest);
  return {
    shards,
    surplus: new Map([
      ...surplusArchived({ heads, archived }, kept, crypto),
      ...surplusHeads({ heads, archived }, kept),
    ]),
  };
}

/** Outside of the chains. Of a tenant whose head is missing or damaged they all stay: they are what is left of it. */
function* surplusArchived(
  { heads, archived }: StoredConfigMaps,
  kept: (head: ConfigMap) => number,
  crypto: CryptoProvider,
): Iterable<[string, ConfigMap]> {
  const byDigest = byManifestDigest(archived, crypto);
  const chained = new Set(heads.flatMap((head) => chainOf(head, byDigest, kept(head) - 1)));
  // the copy of a current head: left by a commit that failed, or needed by one that is under way
  const current = heads.filter((head) => kept(head) > 0);
  for (const digest of byManifestDigest(current, crypto).keys()) {
    const copy = byDigest.get(digest);
    if (copy !== undefined) chained.add(copy);
  }
  const settled = new Set(heads.map(tenantOf));
  for (const configMap of archived) {
    const tenant = tenantOf(configMap);
    const orphaned = tenant !== undefined && !settled.has(tenant);
    if (!chained.has(configMap) && !orphaned) yield [configMap.metadata.name, configMap];
  }
}

/** Last of all, so that no archived head is left without one. */
function* surplusHeads(
  { heads, archived }: StoredConfigMaps,
  kept: (head: ConfigMap) => number,
): Iterable<[string, ConfigMap]> {
  const left = new Set(archived.map(tenantOf));
  for (const head of heads) {
    const tenant = tenantOf(head);
    const alone = tenant === undefined || !left.has(tenant);
    if (kept(head) === 0 && alone) yield [head.metadata.name, head];
  }
}

function tenantOf(configMap: ConfigMap): string | undefined {
  const manifest = manifestOf(configMap);
  return manifest && identityKey(manifest.tenant);
}

export function byManifestDigest(archived: readonly ConfigMap[], crypto: CryptoProvider): Map<string, ConfigMap> {
  const byDigest = new Map<string, ConfigMap>();
  for (const configMap of archived) {
    const bytes = headBytes(configMap);
    if (bytes !== undefined) byDigest.set(toHex(crypto.sha256(bytes.manifest)), configMap);
  }
  return byDigest;
}

/** The heads before this one, newest first, `most` of them. */
function chainOf(head: ConfigMap, archived: ReadonlyMap<string, ConfigMap>, most: number): ConfigMap[] {
  const chain: ConfigMap[] = [];
  let digest = manifestOf(head)?.previousManifestDigest ?? undefined;
  while (digest !== undefined && chain.length < most) {
    const next = archived.get(digest);
    if (next === undefined) break;
    chain.push(next);
    digest = manifestOf(next)?.previousManifestDigest ?? undefined;
  }
  return chain;
}

/** Unverified: too many references do no harm. */
export function shardsIn(configMap: ConfigMap): Set<string> | undefined {
  const bytes = headBytes(configMap);
  try {
    return bytes === undefined ? undefined : shardsOf(readIndex(bytes.index));
  } catch {
    return undefined;
  }
}
