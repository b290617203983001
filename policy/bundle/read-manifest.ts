import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import { equalBytes, fromBase64Url } from './encoding.ts';
import { readJson } from './json-reader.ts';
import { isKeyId } from './key-ring.ts';
import type { Freeze, Manifest, Revocations } from './manifest.ts';
import { MAX_DEPTH, MIN_LEAVES } from './merkle.ts';
import { field, isRecord, type JsonRecord, readRecord } from './record.ts';
import { parseTime } from './time.ts';

export const MAX_MANIFEST_BYTES = 256 * 1024;
const MAX_REVOCATIONS = 1024;

const REQUIRED = [
  ...['schemaVersion', 'tenant', 'sequence', 'timestamp', 'changesDigest', 'engineDigest', 'contentRoot'],
  ...['leafCount', 'previousManifestDigest', 'freeze', 'revocations', 'issuedAt', 'expiresAt', 'keyId'],
  ...['algorithm', 'etag', 'signature'],
];

/**
 * Parses `manifest.json` strictly: exactly the known fields, each in its one form, in canonical bytes. Checks form
 * only, neither signature nor time; nothing in the result may be used before `verifyHead` has accepted it.
 * @throws AegisError `AEGIS_BUNDLE_MANIFEST`, `AEGIS_BUNDLE_SIGNATURE_MISSING`, `AEGIS_BUNDLE_ALGORITHM`,
 *   `AEGIS_BUNDLE_TOO_LARGE`.
 */
export function readManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `manifest.json has more than ${MAX_MANIFEST_BYTES} bytes`);
  }
  const json = parse(bytes);
  if (isRecord(json) && (json.signature === undefined || json.signature === '' || json.signature === null)) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MISSING', 'manifest.json carries no signature');
  }
  const root = readRecord(json, REQUIRED, ['sourceCommit'], fail);
  if (root.algorithm !== 'Ed25519')
    throw new AegisError('AEGIS_BUNDLE_ALGORITHM', 'manifest.json is not signed with Ed25519');
  if (root.schemaVersion !== 1) throw fail('this schemaVersion is not known');
  if (!equalBytes(canonicalJsonBytes(root), bytes)) throw fail('it is not canonical JSON');
  const manifest: Manifest = {
    schemaVersion: 1,
    tenant: readTenant(root.tenant),
    sequence: field(root, 'sequence', isSequence, fail),
    timestamp: field(root, 'timestamp', isTimeText, fail),
    ...(root.sourceCommit === undefined ? {} : { sourceCommit: field(root, 'sourceCommit', isText, fail) }),
    changesDigest: field(root, 'changesDigest', isDigest, fail),
    engineDigest: field(root, 'engineDigest', isDigest, fail),
    contentRoot: field(root, 'contentRoot', isDigest, fail),
    leafCount: field(root, 'leafCount', isLeafCount, fail),
    previousManifestDigest: field(root, 'previousManifestDigest', isDigestOrNull, fail),
    freeze: readFreeze(root.freeze),
    revocations: readRevocations(root.revocations),
    issuedAt: field(root, 'issuedAt', isTimeText, fail),
    expiresAt: field(root, 'expiresAt', isTimeText, fail),
    keyId: field(root, 'keyId', isKeyIdText, fail),
    algorithm: 'Ed25519',
    etag: field(root, 'etag', isKeyIdText, fail),
    signature: field(root, 'signature', isSignature, fail),
  };
  if (manifest.issuedAt >= manifest.expiresAt) throw fail('expiresAt must be later than issuedAt');
  if (manifest.timestamp > manifest.issuedAt) throw fail('timestamp must not be later than issuedAt');
  return manifest;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes, { numbers: 'integer' });
  } catch (error) {
    throw error instanceof AegisError ? fail(error.message) : error;
  }
}

function readTenant(value: unknown): Manifest['tenant'] {
  const record = readRecord(value, ['name', 'uid'], [], fail);
  return { name: field(record, 'name', isName, fail), uid: field(record, 'uid', isName, fail) };
}

function readFreeze(value: unknown): Freeze {
  if (isRecord(value) && value.mode === 'None') {
    readRecord(value, ['mode'], [], fail);
    return { mode: 'None' };
  }
  const record = readRecord(value, ['mode', 'reason', 'since'], ['exception'], fail);
  return {
    mode: field(record, 'mode', isFreezeMode, fail),
    reason: field(record, 'reason', isText, fail),
    since: field(record, 'since', isTimeText, fail),
    ...(record.exception === undefined ? {} : { exception: field(record, 'exception', isException, fail) }),
  };
}

function readRevocations(value: unknown): Revocations {
  const record = readRecord(value, ['keys', 'approvals'], [], fail);
  return { keys: sortedList(record, 'keys', isKeyIdText), approvals: sortedList(record, 'approvals', isName) };
}

function sortedList(record: JsonRecord, name: string, test: (value: unknown) => value is string): string[] {
  const list = field(record, name, Array.isArray, fail) as unknown[];
  if (list.length > MAX_REVOCATIONS) throw fail(`the list ${name} is too long`);
  const items: string[] = [];
  for (const item of list) {
    const previous = items.at(-1);
    if (!test(item) || (previous !== undefined && item <= previous)) {
      throw fail(`the list ${name} must be sorted, without duplicates, of plain ids`);
    }
    items.push(item);
  }
  return items;
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 1024;
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/.test(value);
const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isDigestOrNull = (value: unknown): value is string | null => value === null || isDigest(value);
const isKeyIdText = (value: unknown): value is string => typeof value === 'string' && isKeyId(value);
const isTimeText = (value: unknown): value is string => typeof value === 'string' && parseTime(value) !== undefined;
const isSequence = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isLeafCount = (value: unknown): value is number =>
  isSequence(value) && value >= MIN_LEAVES && value <= 2 ** MAX_DEPTH && Number.isInteger(Math.log2(value));
const isFreezeMode = (value: unknown): value is 'Keep' | 'DenyWrites' | 'DenyAll' =>
  value === 'Keep' || value === 'DenyWrites' || value === 'DenyAll';
const isException = (value: unknown): value is 'Suspension' | 'Revocation' =>
  value === 'Suspension' || value === 'Revocation';
const isSignature = (value: unknown): value is string =>
  typeof value === 'string' && fromBase64Url(value)?.length === 64;

function fail(message: string): AegisError {
  return new AegisError('AEGIS_BUNDLE_MANIFEST', `manifest.json: ${message}`);
}
