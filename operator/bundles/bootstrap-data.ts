/** The copy of an agent's slice that its pods mount to start from, as entries of one ConfigMap. */
import { canonicalJsonBytes } from '../../policy/bundle/canonical-json.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import { formatKeyRing, type KeyRing } from '../../policy/bundle/key-ring.ts';
import { INDEX_KEY, MAX_SHARD_BYTES } from '../../policy/bundle/shards.ts';
import { AegisError } from '../../policy/errors.ts';
import type { CommittedBundle } from './committed-bundle.ts';
import { packArchive } from './slice-archive.ts';
import { CA_KEY, KEY_RING_KEY } from './trusted-keys.ts';

/** What the API server takes of keys and values together, less some room for the keys. */
const MAX_BYTES = 1024 * 1024 - 8 * 1024;

export interface BootstrapData {
  /** `manifest.json`, `index.json`, `keyring.json`, `ca.crt`. */
  data: Record<string, string>;
  /** `shard-<sha256>`, base64. */
  binaryData: Record<string, string>;
}

/**
 * In the layout of `policy/bundle/shards.ts`; quicker than `shardBundle`, because the engine is compressed once.
 * @throws AegisError `AEGIS_BUNDLE_AGENT` where the bundle has no such agent, `AEGIS_BOOTSTRAP_TOO_LARGE`.
 */
export function bootstrapData(
  bundle: Pick<CommittedBundle, 'slice'>,
  agentId: string,
  trust: { ring: KeyRing; caPem: string },
  crypto: CryptoProvider,
): BootstrapData {
  const slice = bundle.slice(agentId);
  if (slice === undefined) throw new AegisError('AEGIS_BUNDLE_AGENT', `the bundle has no agent ${agentId}`);
  const content = new Map(slice.files);
  const head = content.get(HEAD_FILE)?.bytes ?? new Uint8Array();
  content.delete(HEAD_FILE);
  const archive = packArchive(content);
  const binaryData: Record<string, string> = {};
  const shards: string[] = [];
  for (let at = 0; at < archive.length; at += MAX_SHARD_BYTES) {
    const piece = archive.subarray(at, at + MAX_SHARD_BYTES);
    const digest = toHex(crypto.sha256(piece));
    shards.push(digest);
    binaryData[`shard-${digest}`] = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('base64');
  }
  const index = canonicalJsonBytes({ version: 1, sha256: toHex(crypto.sha256(archive)), shards });
  const decoder = new TextDecoder();
  const data = {
    [HEAD_FILE]: decoder.decode(head),
    [INDEX_KEY]: decoder.decode(index),
    [KEY_RING_KEY]: formatKeyRing(trust.ring),
    [CA_KEY]: trust.caPem,
  };
  const bytes = archive.length + Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > MAX_BYTES) {
    throw new AegisError('AEGIS_BOOTSTRAP_TOO_LARGE', `the slice of ${agentId} has ${bytes} bytes, of ${MAX_BYTES}`);
  }
  return { data, binaryData };
}
