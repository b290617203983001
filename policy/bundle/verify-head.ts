import { AegisError, type ErrorCode } from '../errors.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { fromBase64Url, quoted } from './encoding.ts';
import { type KeyRing, type TrustedKey, withRevoked } from './key-ring.ts';
import { etagOf, type Freeze, hasValidSignature, type Manifest, manifestDigest, type Revocations } from './manifest.ts';
import { readManifest } from './read-manifest.ts';
import { parseTime } from './time.ts';

/** What the verifier already has in force; a `Manifest` fits. */
export interface PreviousHead {
  readonly sequence: number;
  readonly contentRoot: string;
  readonly issuedAt: string;
  readonly etag?: string;
  readonly freeze?: Freeze;
  /** Keys that it revoked stay revoked, whatever the ring says. */
  readonly revocations?: Revocations;
}

export interface VerifyHeadOptions {
  keyRing: KeyRing;
  /** The tenant that the verifier belongs to, and its uid where that is pinned. */
  tenant: string;
  tenantUid?: string;
  /** Lowest acceptable sequence, e.g. pinned in the pod spec. */
  minSequence?: number;
  previous?: PreviousHead;
  /** Milliseconds since 1970. */
  now: number;
  /** How far the publisher's clock may be ahead; two minutes when absent. */
  maxClockSkewMs?: number;
  /**
   * For the last-known-good of the verifier's own disk, whose age the caller judges by `maxStaleness`: neither the
   * head's expiry nor the end of the key's window counts against `now`. Everything else holds.
   */
  ignoreExpiry?: boolean;
  crypto: CryptoProvider;
}

export interface VerifiedHead {
  readonly manifest: Manifest;
  /** SHA-256 of the bytes of `manifest.json`, for the hash chain and for acknowledgements. */
  readonly digest: string;
  /** Only ever true under `ignoreExpiry`. */
  readonly expired: boolean;
}

const DEFAULT_SKEW_MS = 120_000;

/**
 * Verifies a head on its own, e.g. a renewal whose content is already in force (same `contentRoot`).
 * @throws AegisError with the code of the first check that fails, in this order: form (see `readManifest`), key
 *   (`AEGIS_BUNDLE_KEY_UNKNOWN`, `_KEY_REVOKED`), `AEGIS_BUNDLE_SIGNATURE_INVALID`, `AEGIS_BUNDLE_KEY_WINDOW`,
 *   tenant (`_TENANT`, `_TENANT_UID`), time (`_FUTURE`, `_EXPIRED`), order (`_SEQUENCE`, `_SEQUENCE_CONFLICT`,
 *   `_HEAD_OLDER`, `_FROZEN`).
 */
export function verifyHead(bytes: Uint8Array, options: VerifyHeadOptions): VerifiedHead {
  const { crypto } = options;
  const manifest = readManifest(bytes);
  const key = findKey(withRevoked(options.keyRing, options.previous?.revocations?.keys ?? []), manifest.keyId);
  const signature = fromBase64Url(manifest.signature) ?? new Uint8Array();
  if (!hasValidSignature(manifest, signature, key.publicKey, crypto)) {
    refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', `manifest.json is not signed by the key ${manifest.keyId}`);
  }
  // from here on the head's word counts
  if (manifest.etag !== etagOf(manifest, crypto))
    refuse('AEGIS_BUNDLE_MANIFEST', 'manifest.json: the etag is not its own');
  if (manifest.revocations.keys.includes(manifest.keyId)) {
    refuse('AEGIS_BUNDLE_KEY_REVOKED', 'the head is signed by a key that it revokes itself');
  }
  checkWindow(key, manifest, options);
  checkTenant(manifest, options);
  const expired = checkTime(manifest, options);
  checkOrder(manifest, options);
  return { manifest, digest: manifestDigest(bytes, crypto), expired };
}

/** @throws AegisError `AEGIS_BUNDLE_KEY_REVOKED` or `AEGIS_BUNDLE_KEY_UNKNOWN`. */
export function findKey(ring: KeyRing, keyId: string): TrustedKey {
  if (ring.revoked.has(keyId)) refuse('AEGIS_BUNDLE_KEY_REVOKED', `the key ${quoted(keyId)} is revoked`);
  const key = ring.keys.get(keyId);
  if (key === undefined) refuse('AEGIS_BUNDLE_KEY_UNKNOWN', `the key ${quoted(keyId)} is not trusted`);
  return key;
}

/** Both the stated time of issue and now: the first stops an early key, the second a stolen old one that backdates. */
function checkWindow(key: TrustedKey, manifest: Manifest, options: VerifyHeadOptions): void {
  const issuedAt = parseTime(manifest.issuedAt) as number;
  const { notBefore = 0, notAfter = Number.POSITIVE_INFINITY } = key;
  const over = options.ignoreExpiry === true ? issuedAt > notAfter : Math.max(issuedAt, options.now) > notAfter;
  if (issuedAt < notBefore || over) {
    refuse('AEGIS_BUNDLE_KEY_WINDOW', `the key ${key.keyId} was not in force when the head was issued or is no longer`);
  }
}

function checkTenant(manifest: Manifest, options: VerifyHeadOptions): void {
  const { name, uid } = manifest.tenant;
  if (name !== options.tenant) {
    refuse('AEGIS_BUNDLE_TENANT', `the bundle is for the tenant ${quoted(name)}, not ${quoted(options.tenant)}`);
  }
  if (options.tenantUid !== undefined && uid !== options.tenantUid) {
    refuse('AEGIS_BUNDLE_TENANT_UID', `the bundle is for uid ${quoted(uid)} of the tenant ${quoted(name)}`);
  }
}

function checkTime(manifest: Manifest, options: VerifyHeadOptions): boolean {
  const skew = options.maxClockSkewMs ?? DEFAULT_SKEW_MS;
  if ((parseTime(manifest.issuedAt) as number) > options.now + skew) {
    refuse('AEGIS_BUNDLE_FUTURE', `the head says it was issued at ${manifest.issuedAt}, which is in the future`);
  }
  const expired = options.now >= (parseTime(manifest.expiresAt) as number);
  if (expired && options.ignoreExpiry !== true) {
    refuse('AEGIS_BUNDLE_EXPIRED', `the head expired at ${manifest.expiresAt}`);
  }
  return expired;
}

function checkOrder(manifest: Manifest, options: VerifyHeadOptions): void {
  const { minSequence, previous } = options;
  if (minSequence !== undefined && manifest.sequence < minSequence) {
    refuse('AEGIS_BUNDLE_SEQUENCE', `sequence ${manifest.sequence} is below the least acceptable ${minSequence}`);
  }
  if (previous === undefined) return;
  if (manifest.sequence < previous.sequence) {
    refuse('AEGIS_BUNDLE_SEQUENCE', `sequence ${manifest.sequence} is below ${previous.sequence}, which is in force`);
  }
  if (manifest.sequence === previous.sequence) checkRenewal(manifest, previous);
  checkFreeze(manifest, previous);
}

function checkRenewal(manifest: Manifest, previous: PreviousHead): void {
  if (manifest.contentRoot !== previous.contentRoot) {
    refuse('AEGIS_BUNDLE_SEQUENCE_CONFLICT', `sequence ${manifest.sequence} is in force with other content`);
  }
  if (manifest.issuedAt < previous.issuedAt) {
    refuse(
      'AEGIS_BUNDLE_HEAD_OLDER',
      `a head of ${previous.issuedAt} is in force, this one is of ${manifest.issuedAt}`,
    );
  }
  if (manifest.issuedAt === previous.issuedAt && previous.etag !== undefined && manifest.etag !== previous.etag) {
    refuse('AEGIS_BUNDLE_SEQUENCE_CONFLICT', 'two different heads were issued at the same time for the same sequence');
  }
}

/** Within one and the same freeze (same `since`) content stays, unless the head says which exception it makes. */
function checkFreeze(manifest: Manifest, previous: PreviousHead): void {
  const now = manifest.freeze;
  const before = previous.freeze;
  if (now.mode === 'None' || before === undefined || before.mode === 'None' || now.since !== before.since) return;
  if (manifest.contentRoot !== previous.contentRoot && now.exception === undefined) {
    refuse('AEGIS_BUNDLE_FROZEN', `new content although the tenant is frozen since ${now.since}`);
  }
}

function refuse(code: ErrorCode, message: string): never {
  throw new AegisError(code, message);
}
