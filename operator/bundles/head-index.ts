/**
 * `index.json` beside the head: which shards hold what the head commits. Signed as the head is, because the state entries
 * (stable versions, stages) are in no bundle: who can write ConfigMaps must not be able to choose them.
 */
import { canonicalJsonBytes } from '../../policy/bundle/canonical-json.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { concatBytes, equalBytes, fromBase64Url, toBase64Url, utf8 } from '../../policy/bundle/encoding.ts';
import { readJson } from '../../policy/bundle/json-reader.ts';
import { isKeyId, type KeyRing } from '../../policy/bundle/key-ring.ts';
import type { SigningKey } from '../../policy/bundle/keys.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import { field, isRecord, readRecord } from '../../policy/bundle/record.ts';
import { findKey } from '../../policy/bundle/verify-head.ts';
import { AegisError } from '../../policy/errors.ts';
import { MAX_BUCKETS } from './bucket.ts';
import type { BucketCounts, Packed } from './bundle-shards.ts';

export interface HeadIndex {
  readonly version: 1;
  /** Digest of the `manifest.json` that it belongs to. */
  readonly manifest: string;
  readonly counts: BucketCounts;
  /** Digests of the shards of each group, in order. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly keyId: string;
  readonly signature: string;
}

const DOMAIN = utf8('aegis-head-index-v1\n');
const GROUP = /^(engine|tenant|changes|envelope|(agents|state)\/[0-9]{1,4})$/;

/** The bytes of `index.json`. */
export function signIndex(packed: Packed, manifestDigest: string, key: SigningKey, crypto: CryptoProvider): Uint8Array {
  const groups = Object.fromEntries([...packed.groups].map(([name, { digests }]) => [name, digests]));
  const unsigned = { version: 1, manifest: manifestDigest, counts: { ...packed.counts }, groups, keyId: key.keyId };
  const signature = crypto.sign(key.seed, concatBytes(DOMAIN, canonicalJsonBytes(unsigned)));
  return canonicalJsonBytes({ ...unsigned, signature: toBase64Url(signature) });
}

/** Checks the form only. @throws AegisError `AEGIS_HEAD_DAMAGED`. */
export function readIndex(bytes: Uint8Array): HeadIndex {
  const root = readRecord(parse(bytes), ['version', 'manifest', 'counts', 'groups', 'keyId', 'signature'], [], fail);
  if (root.version !== 1) throw fail('this version is not known');
  const counts = readRecord(root.counts, ['agents', 'state'], [], fail);
  return {
    version: 1,
    manifest: field(root, 'manifest', isDigest, fail),
    counts: { agents: field(counts, 'agents', isCount, fail), state: field(counts, 'state', isCount, fail) },
    groups: field(root, 'groups', isGroups, fail),
    keyId: field(root, 'keyId', isKey, fail),
    signature: field(root, 'signature', isText, fail),
  };
}

/** @throws AegisError `AEGIS_HEAD_DAMAGED`; `AEGIS_BUNDLE_KEY_UNKNOWN` and `_KEY_REVOKED`. */
export function verifyIndex(
  bytes: Uint8Array,
  head: { manifest: Manifest; digest: string },
  ring: KeyRing,
  crypto: CryptoProvider,
): HeadIndex {
  const index = readIndex(bytes);
  const { signature, ...unsigned } = index;
  if (index.manifest !== head.digest || index.keyId !== head.manifest.keyId) {
    throw fail('it belongs to another head');
  }
  const { publicKey } = findKey(ring, index.keyId);
  const signed = concatBytes(DOMAIN, canonicalJsonBytes(unsigned));
  if (!crypto.verifyEd25519(publicKey, signed, fromBase64Url(signature) ?? new Uint8Array())) {
    throw fail('it is not signed by the key of its head');
  }
  return index;
}

export function shardsOf(index: HeadIndex): Set<string> {
  return new Set(Object.values(index.groups).flat());
}

function parse(bytes: Uint8Array): unknown {
  let json: unknown;
  try {
    json = readJson(bytes, { numbers: 'integer' });
  } catch (error) {
    throw error instanceof AegisError ? fail(error.message) : error;
  }
  if (!equalBytes(canonicalJsonBytes(json), bytes)) throw fail('it is not canonical JSON');
  return json;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isKey = (value: unknown): value is string => typeof value === 'string' && isKeyId(value);
const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 1 && value <= MAX_BUCKETS && Number.isInteger(Math.log2(value));
const isGroups = (value: unknown): value is Record<string, string[]> =>
  isRecord(value) &&
  Object.entries(value).every(
    ([name, digests]) =>
      GROUP.test(name) && Array.isArray(digests) && digests.length > 0 && digests.every((digest) => isDigest(digest)),
  );

function fail(message: string): AegisError {
  return new AegisError('AEGIS_HEAD_DAMAGED', `index.json: ${message}`);
}
