/** From a head to the verified bundle of it, for serving: as a gateway would look at it, without the state entries. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { concatBytes } from '../../policy/bundle/encoding.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import { DEFAULT_LIMITS } from '../../policy/bundle/limits.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import { type VerifiedBundle, verifyBundle } from '../../policy/bundle/verify-bundle.ts';
import { verifyHead } from '../../policy/bundle/verify-head.ts';
import { AegisError } from '../../policy/errors.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { addAll, isStateGroup, unpackFiles } from './bundle-shards.ts';
import type { HeadBytes } from './head-config-map.ts';
import { verifyIndex } from './head-index.ts';
import type { FilesByName, PayloadCache } from './payload-cache.ts';
import type { ShardStore } from './shard-store.ts';
import { storedHead } from './stored-head.ts';

export interface ReadBundleOptions {
  store: Pick<ShardStore, 'readAll'>;
  crypto: CryptoProvider;
  payloads: PayloadCache;
  ring: KeyRing;
  /** What is served so far. */
  previous: Manifest | undefined;
}

/**
 * @throws AegisError: `AEGIS_HEAD_DAMAGED`, `AEGIS_SHARD_MISSING`, `AEGIS_SHARD_DAMAGED`, those of `verifyBundle`;
 *   KubeError where the API server does not answer.
 */
export async function readBundle(
  bytes: HeadBytes,
  identity: TenantIdentity,
  options: ReadBundleOptions,
): Promise<{ bundle: VerifiedBundle; payloads: Map<string, FilesByName> }> {
  const { crypto, ring, previous } = options;
  const stored = storedHead(identity, { storedRing: () => ring }, crypto);
  const verify = { ...stored, ...(previous === undefined ? {} : { previous, minSequence: previous.sequence }) };
  // before anything is fetched: a head that is refused costs nothing
  const head = verifyHead(bytes.manifest, verify);
  const { groups } = verifyIndex(bytes.index, head, ring, crypto);
  const payloads = await readPayloads(groups, options);
  const files = new Map<string, Uint8Array>();
  for (const payload of payloads.values()) addAll(files, payload);
  files.set(HEAD_FILE, bytes.manifest);
  return { bundle: verifyBundle(files, verify) as VerifiedBundle, payloads };
}

async function readPayloads(
  groups: Readonly<Record<string, readonly string[]>>,
  { store, payloads }: ReadBundleOptions,
): Promise<Map<string, FilesByName>> {
  const wanted = Object.entries(groups)
    .filter(([name]) => !isStateGroup(name))
    // asked for once: while the others are read, another tenant may drop what it does not use any more
    .map(([, digests]) => ({ key: digests.join(), digests, known: payloads.get(digests.join()) }));
  const missing = wanted.filter(({ known }) => known === undefined);
  const { pieces, failures } = await store.readAll(new Set(missing.flatMap(({ digests }) => digests)));
  const [failure] = failures;
  if (failure !== undefined) throw new AegisError(failure.code, failure.message);
  const found = new Map<string, FilesByName>();
  for (const { key, digests, known } of wanted) {
    const payload = (): Uint8Array => concatBytes(...digests.map((digest) => pieces.get(digest) as Uint8Array));
    found.set(key, known ?? unpackFiles(payload(), DEFAULT_LIMITS));
  }
  return found;
}
