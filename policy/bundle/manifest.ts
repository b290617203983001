import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { concatBytes, toBase64Url, toHex, utf8 } from './encoding.ts';
import type { SigningKey } from './keys.ts';

/** What a gateway does with calls while its tenant is frozen. */
export type FreezeMode = 'Keep' | 'DenyWrites' | 'DenyAll';

export type Freeze =
  | { readonly mode: 'None' }
  | {
      readonly mode: FreezeMode;
      readonly reason: string;
      /** When this freeze began: identifies it across renewals. */
      readonly since: string;
      /** Set on the one head that brings content although frozen: a suspended agent or a revocation, never a grant. */
      readonly exception?: 'Suspension' | 'Revocation';
    };

export interface Revocations {
  /** Signing keys that must not be trusted any more, sorted. */
  readonly keys: readonly string[];
  /** Ids of override tokens (approvals) that were taken back, sorted. */
  readonly approvals: readonly string[];
}

/** The head without what signing adds. Times are RFC 3339 in UTC with milliseconds, digests hexadecimal SHA-256. */
export interface UnsignedManifest {
  readonly schemaVersion: 1;
  readonly tenant: { readonly name: string; readonly uid: string };
  /** Strictly increasing per tenant; renewals keep it. */
  readonly sequence: number;
  /** When the content was compiled. */
  readonly timestamp: string;
  readonly sourceCommit?: string;
  /** Leaf hash of `changes.json`: a blinded digest, so a gateway cannot guess what it says (see `leafHash`). */
  readonly changesDigest: string;
  /** Digest of `policy.wasm`: equal digests let a gateway keep its compiled engine. */
  readonly engineDigest: string;
  /** Root of the Merkle tree over all content files. */
  readonly contentRoot: string;
  /** Leaves of that tree: a power of two, padding included. */
  readonly leafCount: number;
  /** Digest of the head that the first head of this sequence replaced; null for the first of a tenant. */
  readonly previousManifestDigest: string | null;
  readonly freeze: Freeze;
  readonly revocations: Revocations;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly keyId: string;
  readonly algorithm: 'Ed25519';
}

/** `manifest.json`: the signed head of a bundle. */
export interface Manifest extends UnsignedManifest {
  /** Names this head (not only this content): changes with every renewal. Derived from the other fields. */
  readonly etag: string;
  /** Ed25519 (RFC 8032) over `aegis-manifest-v1\n` and the canonical JSON of everything else, base64url. */
  readonly signature: string;
}

const SIGNATURE_DOMAIN = utf8('aegis-manifest-v1\n');
const ETAG_DOMAIN = utf8('aegis-etag-v1\n');

export const NO_FREEZE: Freeze = { mode: 'None' };

/** Signs a head. The caller has checked the values; `readManifest` of the result refuses what is out of form. */
export function signManifest(head: UnsignedManifest, key: SigningKey, crypto: CryptoProvider): Manifest {
  if (head.keyId !== key.keyId) throw new AegisError('AEGIS_BUNDLE_INPUT', 'the head names another key');
  const unsigned = { ...head, etag: etagOf(head, crypto) };
  return { ...unsigned, signature: toBase64Url(crypto.sign(key.seed, signedBytes(unsigned))) };
}

/** Whether the signature is the one of this public key. */
export function hasValidSignature(
  manifest: Manifest,
  signature: Uint8Array,
  publicKey: Uint8Array,
  crypto: CryptoProvider,
): boolean {
  const { signature: _, ...rest } = manifest;
  return crypto.verifyEd25519(publicKey, signedBytes(rest), signature);
}

/** First 128 bits of a digest over everything but etag and signature, in hexadecimal. */
export function etagOf(head: UnsignedManifest & { etag?: string; signature?: string }, crypto: CryptoProvider): string {
  const { etag: _, signature: __, ...rest } = head;
  return toHex(crypto.sha256(concatBytes(ETAG_DOMAIN, canonicalJsonBytes(rest)))).slice(0, 32);
}

/** The bytes of `manifest.json`. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return canonicalJsonBytes(manifest);
}

/** Digest of the bytes of `manifest.json`, as in `previousManifestDigest`. */
export function manifestDigest(bytes: Uint8Array, crypto: CryptoProvider): string {
  return toHex(crypto.sha256(bytes));
}

function signedBytes(head: Omit<Manifest, 'signature'>): Uint8Array {
  return concatBytes(SIGNATURE_DOMAIN, canonicalJsonBytes(head));
}
