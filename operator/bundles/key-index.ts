/** Which signing key has which part, and how that may change. Pure; the keys themselves are elsewhere. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { isKeyId } from '../../policy/bundle/key-ring.ts';
import { keyIdOf, parsePublicKey } from '../../policy/bundle/keys.ts';
import { field, readRecord } from '../../policy/bundle/record.ts';
import { formatTime, parseTime } from '../../policy/bundle/time.ts';
import { AegisError } from '../../policy/errors.ts';

export interface RetiredKey {
  id: string;
  /** SPKI PEM. */
  publicKey: string;
  /** RFC 3339: what the key has signed is trusted until then. */
  notAfter: string;
}

/** `index.json` of the Secret. No key has two parts at once. */
export interface KeyIndex {
  version: 1;
  /** Signs. */
  active: string;
  /** Signs next; pods pin it together with the active one, so that they survive a rotation. */
  standby: string;
  /** Newest first. Kept beyond `notAfter`, because the operator's own state may be signed by one of them. */
  retired: RetiredKey[];
  /** Never trusted again, sorted. */
  revoked: string[];
}

/** Older ones are forgotten; a tenant that nobody has signed anew through so many rotations is gone. */
const MAX_RETIRED = 32;
/** As many as a head can name. */
const MAX_REVOKED = 1024;

export function firstIndex(active: string, standby: string): KeyIndex {
  return { version: 1, active, standby, retired: [], revoked: [] };
}

/** The standby key becomes the active one, the active one is retired, and `next` (a new key) stands by. */
export function rotate(index: KeyIndex, old: { publicKey: string }, next: string, notAfter: number): KeyIndex {
  checkNew(index, next);
  const retired = { id: index.active, publicKey: old.publicKey, notAfter: formatTime(notAfter) };
  return {
    ...index,
    active: index.standby,
    standby: next,
    retired: [retired, ...index.retired].slice(0, MAX_RETIRED),
  };
}

/**
 * Revokes for good. A standby key is replaced by `next` (a new key).
 * @returns the same index where the key is revoked already.
 * @throws AegisError `AEGIS_KEY_ACTIVE`, `AEGIS_KEY_NOT_FOUND`.
 */
export function revoke(index: KeyIndex, id: string, next: string): KeyIndex {
  if (index.revoked.includes(id)) return index;
  if (id === index.active) throw new AegisError('AEGIS_KEY_ACTIVE', `the key ${id} is the active one`);
  const known = id === index.standby || index.retired.some((key) => key.id === id);
  if (!known) throw new AegisError('AEGIS_KEY_NOT_FOUND', 'none of the signing keys has this id');
  if (index.revoked.length >= MAX_REVOKED) {
    throw new AegisError('AEGIS_SIGNING_KEYS', `more than ${MAX_REVOKED} keys cannot be revoked`);
  }
  if (id === index.standby) checkNew(index, next);
  return {
    ...index,
    standby: id === index.standby ? next : index.standby,
    retired: index.retired.filter((key) => key.id !== id),
    revoked: [...index.revoked, id].sort(),
  };
}

/** All ids that the index knows, each once. */
export function idsOf(index: KeyIndex): string[] {
  return [index.active, index.standby, ...index.retired.map(({ id }) => id), ...index.revoked];
}

function checkNew(index: KeyIndex, id: string): void {
  if (idsOf(index).includes(id)) throw new AegisError('AEGIS_INTERNAL', 'a new signing key must be new');
}

/** @throws AegisError `AEGIS_SIGNING_KEYS`. */
export function readKeyIndex(text: string, crypto: CryptoProvider): KeyIndex {
  const root = readRecord(parse(text), ['version', 'active', 'standby', 'retired', 'revoked'], [], malformed);
  if (root.version !== 1) throw malformed('this version is not known');
  const index: KeyIndex = {
    version: 1,
    active: field(root, 'active', isId, malformed),
    standby: field(root, 'standby', isId, malformed),
    retired: field(root, 'retired', isArray, malformed).map((item) => readRetired(item, crypto)),
    revoked: field(root, 'revoked', isIdList, malformed),
  };
  if (index.retired.length > MAX_RETIRED || index.revoked.length > MAX_REVOKED) throw malformed('a list is too long');
  const ids = idsOf(index);
  if (new Set(ids).size !== ids.length) throw malformed('a key has two parts at once');
  return index;
}

function readRetired(item: unknown, crypto: CryptoProvider): RetiredKey {
  const record = readRecord(item, ['id', 'publicKey', 'notAfter'], [], malformed);
  const key = {
    id: field(record, 'id', isId, malformed),
    publicKey: field(record, 'publicKey', isText, malformed),
    notAfter: field(record, 'notAfter', isTimeText, malformed),
  };
  if (publicIdOf(key.publicKey, crypto) !== key.id)
    throw malformed('the id of a retired key is not the one of its key');
  return key;
}

function publicIdOf(pem: string, crypto: CryptoProvider): string | undefined {
  try {
    return keyIdOf(parsePublicKey(pem), crypto);
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('it is not JSON');
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isId = (value: unknown): value is string => typeof value === 'string' && isKeyId(value);
const isArray = (value: unknown): value is unknown[] => Array.isArray(value);
const isIdList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isId);
const isTimeText = (value: unknown): value is string => typeof value === 'string' && parseTime(value) !== undefined;

/** Says nothing of what stands there: it is a Secret. */
export function malformed(message: string): AegisError {
  return new AegisError('AEGIS_SIGNING_KEYS', `the Secret with the signing keys: ${message}`);
}
