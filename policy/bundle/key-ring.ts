import { AegisError } from '../errors.ts';
import { canonicalJson } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { quoted, utf8 } from './encoding.ts';
import { readJson } from './json-reader.ts';
import { keyIdOf, parsePublicKey, publicKeyToPem } from './keys.ts';
import { field, isRecord, readRecord } from './record.ts';
import { formatTime, isTime, parseTime } from './time.ts';

const KEY_ID = /^[0-9a-f]{32}$/;
const MAX_KEYS = 64;
const MAX_REVOKED = 1024;

export interface TrustedKey {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  /** Milliseconds since 1970; absent = no bound. During a rotation the windows of two keys overlap. */
  readonly notBefore?: number;
  readonly notAfter?: number;
}

/** The keys that a verifier trusts. Revocation wins over everything else. */
export interface KeyRing {
  readonly keys: ReadonlyMap<string, TrustedKey>;
  readonly revoked: ReadonlySet<string>;
}

export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** A ring of raw public keys without windows. @throws AegisError `AEGIS_KEY_RING`. */
export function keyRingOf(publicKeys: readonly Uint8Array[], crypto: CryptoProvider): KeyRing {
  return makeKeyRing(
    publicKeys.map((publicKey) => ({ keyId: keyIdOf(publicKey, crypto), publicKey })),
    [],
  );
}

/** @throws AegisError `AEGIS_KEY_RING`: empty ring, two keys of one id, a window that ends before it starts. */
export function makeKeyRing(keys: readonly TrustedKey[], revoked: Iterable<string>): KeyRing {
  if (keys.length === 0) throw new AegisError('AEGIS_KEY_RING', 'no trusted key is configured');
  if (keys.length > MAX_KEYS) throw new AegisError('AEGIS_KEY_RING', `more than ${MAX_KEYS} trusted keys`);
  const map = new Map<string, TrustedKey>();
  for (const key of keys) {
    if (map.has(key.keyId)) throw new AegisError('AEGIS_KEY_RING', `the key ${key.keyId} is listed twice`);
    const { notBefore, notAfter } = key;
    if (notBefore !== undefined && notAfter !== undefined && notAfter <= notBefore) {
      throw new AegisError('AEGIS_KEY_RING', `the window of the key ${key.keyId} ends before it starts`);
    }
    map.set(key.keyId, key);
  }
  return { keys: map, revoked: new Set(revoked) };
}

/** The ring with further key ids revoked, e.g. those of a verified head. Nothing is ever un-revoked this way. */
export function withRevoked(ring: KeyRing, keyIds: Iterable<string>): KeyRing {
  return { keys: ring.keys, revoked: new Set([...ring.revoked, ...keyIds]) };
}

/**
 * The ring with only the pinned key ids. Ids are collision-resistant digests of the keys, so a gateway that takes the
 * keys from an untrusted mount and the ids from its pod spec trusts exactly the pinned keys.
 * @throws AegisError `AEGIS_KEY_RING` when none is left.
 */
export function pinKeys(ring: KeyRing, keyIds: ReadonlySet<string>): KeyRing {
  return makeKeyRing(
    [...ring.keys.values()].filter((key) => keyIds.has(key.keyId)),
    ring.revoked,
  );
}

/**
 * Reads one or several PEM public keys, or the JSON of {@link formatKeyRing}.
 * @throws AegisError `AEGIS_KEY_RING` or `AEGIS_KEY_FORMAT`.
 */
export function parseKeyRing(text: string, crypto: CryptoProvider): KeyRing {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) {
    const blocks = trimmed.split(/(?<=-----END [A-Z0-9 ]+-----)\s+/).filter((block) => block !== '');
    return keyRingOf(blocks.map(parsePublicKey), crypto);
  }
  const root = readRecord(readRingJson(trimmed), ['version', 'keys'], ['revoked'], fail);
  if (root.version !== 1) throw fail('version must be 1');
  const keys = field(root, 'keys', Array.isArray, fail).map((item: unknown) => readKey(item, crypto));
  const revoked = root.revoked === undefined ? [] : field(root, 'revoked', Array.isArray, fail);
  if (revoked.length > MAX_REVOKED || !revoked.every((id: unknown) => typeof id === 'string' && isKeyId(id))) {
    throw fail('revoked must be a list of key ids');
  }
  return makeKeyRing(keys, revoked as string[]);
}

/** The JSON form of a ring: sorted, times in RFC 3339, keys as PEM. */
export function formatKeyRing(ring: KeyRing): string {
  const keys = [...ring.keys.values()]
    .sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
    .map((key) => ({
      id: key.keyId,
      publicKey: publicKeyToPem(key.publicKey),
      ...(key.notBefore === undefined ? {} : { notBefore: formatTime(key.notBefore) }),
      ...(key.notAfter === undefined ? {} : { notAfter: formatTime(key.notAfter) }),
    }));
  return canonicalJson({ version: 1, keys, revoked: [...ring.revoked].sort() });
}

function readKey(item: unknown, crypto: CryptoProvider): TrustedKey {
  if (!isRecord(item)) throw fail('each key must be an object');
  const record = readRecord(item, ['id', 'publicKey'], ['notBefore', 'notAfter'], fail);
  const publicKey = parsePublicKey(field(record, 'publicKey', isString, fail));
  const keyId = keyIdOf(publicKey, crypto);
  if (record.id !== keyId) throw fail(`the id of a key must be the digest of the key (${keyId})`);
  const notBefore = readTime(record.notBefore, 'notBefore');
  const notAfter = readTime(record.notAfter, 'notAfter');
  return {
    keyId,
    publicKey,
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

function readTime(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === 'string' ? parseTime(value) : undefined;
  if (ms === undefined || !isTime(ms)) throw fail(`${name} must be a time like 2026-01-31T00:00:00.000Z`);
  return ms;
}

function readRingJson(text: string): unknown {
  try {
    return readJson(utf8(text), { numbers: 'integer' });
  } catch (error) {
    throw error instanceof AegisError ? fail(error.message) : error;
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function fail(message: string): AegisError {
  return new AegisError('AEGIS_KEY_RING', message.length > 200 ? quoted(message) : message);
}
