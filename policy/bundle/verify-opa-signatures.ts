import { sha384, sha512, sha512_256 } from '@noble/hashes/sha2.js';
import { AegisError, type ErrorCode } from '../errors.ts';
import { NumberLiteral } from '../number-literal.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { quoted, toHex } from './encoding.ts';
import { readJson } from './json-reader.ts';
import type { ParsedJws } from './jws.ts';
import type { KeyRing } from './key-ring.ts';
import { readSignatures, readSigned } from './opa-signatures.ts';
import { isRecord, type JsonRecord } from './record.ts';
import { findKey } from './verify-head.ts';

export interface VerifyOpaOptions {
  keyRing: KeyRing;
  /** Key to use whatever the JWT says; absent: the JWT's `kid`, or the ring's only key where it names none. */
  keyId?: string;
  /** Must equal the `scope` claim; absent or empty demands that there is none. */
  scope?: string;
  /** Milliseconds since 1970, for `exp` and `nbf` where they are present. */
  now: number;
  crypto: CryptoProvider;
}

const SIGNATURES = '.signatures.json';

/**
 * Verifies a bundle that stock `opa sign --signing-alg EdDSA` has signed: files by name (`data.json`, without a leading
 * slash) and the `.signatures.json` among them. Stricter than OPA: digests of SHA-256 or better, `exp` and `nbf` are
 * enforced, no deltas, no YAML data, no duplicate keys in JSON. It gives integrity and origin, not freshness: our own
 * bundles go through `verifyBundle`.
 * @returns the claims of the JWT.
 * @throws AegisError `AEGIS_BUNDLE_…` as `verifyBundle` does.
 */
export function verifyOpaSignatures(files: ReadonlyMap<string, Uint8Array>, options: VerifyOpaOptions): JsonRecord {
  for (const name of files.keys()) checkName(name);
  const bytes = files.get(SIGNATURES);
  if (bytes === undefined) refuse('AEGIS_BUNDLE_SIGNATURE_MISSING', 'there is no .signatures.json');
  const jws = readSignatures(bytes, { canonical: false });
  const key = findKey(options.keyRing, chooseKey(jws, options));
  if (key.notBefore !== undefined && options.now < key.notBefore)
    refuse('AEGIS_BUNDLE_KEY_WINDOW', 'the key is not yet in force');
  if (key.notAfter !== undefined && options.now > key.notAfter)
    refuse('AEGIS_BUNDLE_KEY_WINDOW', 'the key is no longer in force');
  if (!jws.verify(key.publicKey, options.crypto)) {
    refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', `.signatures.json is not signed by the key ${key.keyId}`);
  }
  const claims = readSigned(jws.payload);
  if (!isRecord(claims)) refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the payload of the JWT is not an object');
  if ((claims.scope ?? '') !== (options.scope ?? '')) refuse('AEGIS_BUNDLE_TENANT', 'the scope is another one');
  checkTimes(claims, options.now);
  checkFiles(files, claims, options.crypto);
  return claims;
}

/** Digest as OPA computes it: JSON documents in canonical form, everything else as it is. */
export function opaDigest(name: string, bytes: Uint8Array, algorithm: string, crypto: CryptoProvider): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const structured = base === 'data.json' || base === '.manifest';
  const input = structured ? canonicalJsonBytes(readJson(bytes, { numbers: 'literal' })) : bytes;
  return toHex(hasher(algorithm, crypto)(input));
}

function hasher(algorithm: string, crypto: CryptoProvider): (bytes: Uint8Array) => Uint8Array {
  switch (algorithm) {
    case 'SHA-256':
      return crypto.sha256;
    case 'SHA-384':
      return sha384;
    case 'SHA-512':
      return sha512;
    case 'SHA-512-256':
      return sha512_256;
    default:
      return refuse('AEGIS_BUNDLE_ALGORITHM', `the digest algorithm ${quoted(algorithm)} is not accepted`);
  }
}

function checkName(name: string): void {
  const parts = name.split('/');
  if (/[\\\0]/.test(name) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    refuse('AEGIS_BUNDLE_PATH', `refused file name ${quoted(name)}`);
  }
  const base = parts.at(-1) as string;
  if (base === 'patch.json') refuse('AEGIS_BUNDLE_DELTA', 'delta bundles are not accepted');
  if (base.endsWith('signatures.json') && name !== SIGNATURES) {
    refuse('AEGIS_BUNDLE_SIGNATURE_MULTIPLE', `a second signatures file: ${quoted(name)}`);
  }
  if (base === 'data.yaml' || base === 'data.yml') {
    refuse('AEGIS_BUNDLE_FILE_EXTRA', `YAML data has no canonical form here: ${quoted(name)}`);
  }
}

function chooseKey(jws: ParsedJws, options: VerifyOpaOptions): string {
  const named = options.keyId ?? jws.keyId;
  if (named !== undefined) return named;
  const [only, ...others] = options.keyRing.keys.keys();
  if (only === undefined || others.length > 0)
    refuse('AEGIS_BUNDLE_KEY_UNKNOWN', 'the JWT does not say which key signed it');
  return only;
}

function checkTimes(claims: JsonRecord, now: number): void {
  const seconds = now / 1000;
  const time = (name: string): number | undefined => {
    const value = claims[name];
    if (value === undefined) return undefined;
    const number = value instanceof NumberLiteral ? Number(value.text) : Number.NaN;
    if (!Number.isFinite(number)) refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', `the claim ${name} is not a time`);
    return number;
  };
  const exp = time('exp');
  const nbf = time('nbf');
  if (exp !== undefined && seconds >= exp) refuse('AEGIS_BUNDLE_EXPIRED', 'the signature has expired');
  if (nbf !== undefined && seconds < nbf) refuse('AEGIS_BUNDLE_FUTURE', 'the signature is not valid yet');
}

function checkFiles(files: ReadonlyMap<string, Uint8Array>, claims: JsonRecord, crypto: CryptoProvider): void {
  if (!Array.isArray(claims.files)) refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the payload of the JWT lists no files');
  const open = new Set(files.keys());
  open.delete(SIGNATURES);
  for (const item of claims.files as unknown[]) {
    const { name, hash, algorithm } = isRecord(item) ? item : {};
    if (typeof name !== 'string' || typeof hash !== 'string' || typeof algorithm !== 'string') {
      refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', 'a file entry of the JWT is malformed');
    }
    const bytes = files.get(name);
    if (bytes === undefined || !open.delete(name)) {
      refuse('AEGIS_BUNDLE_FILE_MISSING', `${quoted(name)} was signed but is missing, or is listed twice`);
    }
    if (opaDigest(name, bytes, algorithm, crypto) !== hash) {
      refuse('AEGIS_BUNDLE_DIGEST', `${quoted(name)} is not the file that was signed`);
    }
  }
  const [extra] = open;
  if (extra !== undefined) refuse('AEGIS_BUNDLE_FILE_EXTRA', `${quoted(extra)} was not signed`);
}

function refuse(code: ErrorCode, message: string): never {
  throw new AegisError(code, message);
}
