/** From a head as it stands in the API server to everything that it commits, verified. */

import type { ContentFile } from '../../policy/bundle/content-file.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { concatBytes } from '../../policy/bundle/encoding.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import { DEFAULT_LIMITS } from '../../policy/bundle/limits.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { SignedBundle } from '../../policy/bundle/sign-bundle.ts';
import { type VerifiedBundle, verifyBundle } from '../../policy/bundle/verify-bundle.ts';
import { verifyHead } from '../../policy/bundle/verify-head.ts';
import { AegisError } from '../../policy/errors.ts';
import type { StateEntry } from '../model/committed.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { addAll, type Group, isStateGroup, type Packed, unpackEntries, unpackFiles } from './bundle-shards.ts';
import { type HeadBytes, headBytes } from './head-config-map.ts';
import { type HeadIndex, verifyIndex } from './head-index.ts';
import type { ShardStore } from './shard-store.ts';
import { storedHead } from './stored-head.ts';
import type { ConfigMap } from './trusted-keys.ts';

export interface ReadOptions {
  keys: { storedRing(): KeyRing };
  crypto: CryptoProvider;
  store: Pick<ShardStore, 'readAll'>;
}

/** A commit with all that is needed to build the next one on it. */
export interface ReadCommit {
  readonly bytes: HeadBytes;
  readonly digest: string;
  readonly bundle: SignedBundle;
  readonly entries: ReadonlyMap<string, StateEntry>;
  readonly packed: Packed;
}

/** What is still known of a head whose commit cannot be read whole; empty where even the head does not verify. */
export interface KnownHead {
  bytes?: HeadBytes;
  manifest?: Manifest;
  digest?: string;
}

/**
 * @param known filled in as far as it goes, also where this throws.
 * @throws AegisError: `AEGIS_HEAD_DAMAGED`, `AEGIS_SHARD_MISSING`, `AEGIS_SHARD_DAMAGED`, or those of `verifyBundle`.
 *   KubeError where the API server does not answer.
 */
export async function readCommit(
  configMap: ConfigMap,
  identity: TenantIdentity,
  options: ReadOptions,
  known: KnownHead = {},
): Promise<ReadCommit> {
  const bytes = headBytes(configMap);
  if (bytes === undefined) throw new AegisError('AEGIS_HEAD_DAMAGED', `${configMap.metadata.name} lacks an entry`);
  const { crypto } = options;
  const verify = storedHead(identity, options.keys, crypto);
  const head = verifyHead(bytes.manifest, verify);
  Object.assign(known, { bytes, manifest: head.manifest, digest: head.digest });
  const index = verifyIndex(bytes.index, head, verify.keyRing, crypto);
  const { files, entries } = await readGroups(index, options.store);
  const all = new Map([...files.values()].flatMap((group) => [...group]));
  all.set(HEAD_FILE, bytes.manifest);
  const bundle = verifyBundle(all, verify) as VerifiedBundle;
  return {
    bytes,
    digest: head.digest,
    bundle,
    entries: new Map([...entries.values()].flatMap((group) => [...group])),
    packed: packedOf(index, files, entries, bundle),
  };
}

type Groups<T> = Map<string, Map<string, T>>;

async function readGroups(
  index: HeadIndex,
  store: ReadOptions['store'],
): Promise<{ files: Groups<Uint8Array>; entries: Groups<StateEntry> }> {
  const { pieces, failures } = await store.readAll(new Set(Object.values(index.groups).flat()));
  const [first] = failures;
  if (first !== undefined) {
    throw new AegisError(
      first.code,
      failures
        .map(({ message }) => message)
        .sort()
        .slice(0, 8)
        .join('; '),
    );
  }
  const files: Groups<Uint8Array> = new Map();
  const entries: Groups<StateEntry> = new Map();
  const seen = { files: new Map<string, Uint8Array>(), entries: new Map<string, StateEntry>() };
  for (const [name, digests] of Object.entries(index.groups)) {
    const payload = concatBytes(...digests.map((digest) => pieces.get(digest) as Uint8Array));
    if (isStateGroup(name)) {
      const group = unpackEntries(payload);
      addAll(seen.entries, group);
      entries.set(name, group);
    } else {
      const group = unpackFiles(payload, DEFAULT_LIMITS);
      addAll(seen.files, group);
      files.set(name, group);
    }
  }
  return { files, entries };
}

/** As `pack` would have made it, so that the next commit writes only what changes. */
function packedOf(
  index: HeadIndex,
  files: Groups<Uint8Array>,
  entries: Groups<StateEntry>,
  bundle: Pick<SignedBundle, 'files'>,
): Packed {
  const groups = new Map<string, Group>();
  for (const [name, digests] of Object.entries(index.groups)) {
    const state = entries.get(name);
    if (state !== undefined) groups.set(name, { entries: state, digests });
    else {
      const names = [...(files.get(name)?.keys() ?? [])];
      groups.set(name, {
        files: new Map(names.map((file) => [file, bundle.files.get(file) as ContentFile])),
        digests,
      });
    }
  }
  return { counts: index.counts, groups };
}
