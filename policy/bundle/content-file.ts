import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { equalBytes, quoted, toHex } from './encoding.ts';
import { readJson } from './json-reader.ts';

/** One file with its digest, made once and kept by the caller: what did not change costs nothing to sign again. */
export interface ContentFile {
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, lower-case hexadecimal. */
  readonly sha256: string;
}

export function rawFile(bytes: Uint8Array, crypto: CryptoProvider): ContentFile {
  return { bytes, sha256: toHex(crypto.sha256(bytes)) };
}

/** A value as canonical JSON. @throws AegisError `AEGIS_JSON_VALUE`. */
export function jsonFile(value: unknown, crypto: CryptoProvider): ContentFile {
  return rawFile(canonicalJsonBytes(value), crypto);
}

/**
 * Checks that bytes are canonical JSON: only then is their digest also the one that OPA computes.
 * @throws AegisError `AEGIS_BUNDLE_JSON`.
 */
export function checkCanonical(name: string, bytes: Uint8Array): void {
  if (!equalBytes(canonicalJsonBytes(readJson(bytes, { numbers: 'literal' })), bytes)) {
    throw new AegisError('AEGIS_BUNDLE_JSON', `${quoted(name)} is not canonical JSON`);
  }
}
