import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { concatBytes, equalBytes, quoted, toHex } from './encoding.ts';
import { HEAD_FILE, SIGNATURES_FILE } from './file-names.ts';
import { gunzip, gzip } from './gzip.ts';
import { readJson } from './json-reader.ts';
import type { BundleLimits } from './limits.ts';
import { field, readRecord } from './record.ts';
import { readTar, writeTar } from './tar.ts';

/**
 * A bundle or slice as entries of ConfigMaps, whose keys hold no `/` and whose data ends at 1 MiB:
 *
 * | key | what | changes |
 * | --- | --- | --- |
 * | `manifest.json` (and `.signatures.json` of a whole bundle) | the signed head | with every renewal |
 * | `index.json` | digests of the shards, in order, and of all of them together | with the content |
 * | `shard-<sha256>` | a piece of the `tar.gz` of all other files | never: it is named by what it holds |
 *
 * Shards can live in immutable ConfigMaps of their own, or beside the head. A gateway sees all keys in one folder: the
 * mount of one ConfigMap, or of several projected into one volume. The index is not signed and proves nothing: what
 * comes out is verified like any other bundle.
 */
export const INDEX_KEY = 'index.json';
const SHARD_KEY = /^shard-([0-9a-f]{64})$/;
/** Three quarters of 1 MiB: in base64, as the API server's JSON carries it, a shard is 1 MiB. */
export const MAX_SHARD_BYTES = 768 * 1024;
const MAX_SHARDS = 512;
const HEAD_KEYS: ReadonlySet<string> = new Set([HEAD_FILE, SIGNATURES_FILE]);

export interface ShardedBundle {
  /** `manifest.json`, and `.signatures.json` where there is one: all that a renewal replaces. */
  readonly head: ReadonlyMap<string, Uint8Array>;
  /** `index.json`. */
  readonly index: Uint8Array;
  /** By key, in order. */
  readonly shards: ReadonlyMap<string, Uint8Array>;
}

/** Equal content gives equal index and shards, whatever the head. */
export function shardBundle(
  bundle: { readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }> },
  crypto: CryptoProvider,
  maxShardBytes: number = MAX_SHARD_BYTES,
): ShardedBundle {
  const head = new Map<string, Uint8Array>();
  const content = new Map<string, Uint8Array>();
  for (const [name, { bytes }] of bundle.files) (HEAD_KEYS.has(name) ? head : content).set(name, bytes);
  const archive = gzip(writeTar(content));
  const shards = new Map<string, Uint8Array>();
  const digests: string[] = [];
  for (let at = 0; at < archive.length; at += maxShardBytes) {
    const bytes = archive.subarray(at, at + maxShardBytes);
    const digest = digestOf(bytes, crypto);
    digests.push(digest);
    shards.set(`shard-${digest}`, bytes);
  }
  const index = canonicalJsonBytes({ version: 1, sha256: digestOf(archive, crypto), shards: digests });
  return { head, index, shards };
}

/** Whether the key belongs to the layout; all others (`..data`, `ca.crt`) are none of ours. */
export function isShardEntry(key: string): boolean {
  return key === INDEX_KEY || HEAD_KEYS.has(key) || SHARD_KEY.test(key);
}

/**
 * The files by name, as `verifyBundle` takes them; unverified. Entries that the index does not name (shards of the
 * bundle before) are not looked at.
 * @throws AegisError `AEGIS_BUNDLE_SHARDS` where index or shards are missing or disagree (a mount in the middle of a
 *   change); those of `gunzip` and `readTar`.
 */
export function joinShards(
  entries: ReadonlyMap<string, Uint8Array>,
  limits: BundleLimits,
  crypto: CryptoProvider,
): Map<string, Uint8Array> {
  const index = entries.get(INDEX_KEY);
  if (index === undefined) throw fail(`there is no ${INDEX_KEY}`);
  const { sha256, shards } = readIndex(index);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const digest of shards) {
    const bytes = entries.get(`shard-${digest}`);
    if (bytes === undefined) throw fail(`the shard ${digest.slice(0, 12)}… is missing`);
    total += bytes.length;
    if (total > limits.maxArchiveBytes) {
      throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `the shards have more than ${limits.maxArchiveBytes} bytes`);
    }
    parts.push(bytes);
  }
  const archive = concatBytes(...parts);
  if (digestOf(archive, crypto) !== sha256) throw fail('the shards are not the ones of the index');
  const files = readTar(gunzip(archive, limits), limits);
  for (const key of HEAD_KEYS) {
    if (files.has(key)) throw fail(`${quoted(key)} is inside the shards`);
    const bytes = entries.get(key);
    if (bytes !== undefined) files.set(key, bytes);
  }
  return files;
}

function readIndex(bytes: Uint8Array): { sha256: string; shards: string[] } {
  if (bytes.length > 64 * 1024) throw fail('the index is too large');
  let json: unknown;
  try {
    json = readJson(bytes, { numbers: 'integer' });
  } catch (error) {
    throw error instanceof AegisError ? fail(error.message) : error;
  }
  const record = readRecord(json, ['version', 'sha256', 'shards'], [], fail);
  if (record.version !== 1) throw fail('this version of the index is not known');
  if (!equalBytes(canonicalJsonBytes(record), bytes)) throw fail('the index is not canonical JSON');
  const sha256 = field(record, 'sha256', isDigest, fail);
  return { sha256, shards: field(record, 'shards', isDigestList, fail) };
}

const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isDigestList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.length <= MAX_SHARDS && value.every(isDigest);

function digestOf(bytes: Uint8Array, crypto: CryptoProvider): string {
  return toHex(crypto.sha256(bytes));
}

function fail(message: string): AegisError {
  return new AegisError('AEGIS_BUNDLE_SHARDS', `sharded bundle: ${message}`);
}
