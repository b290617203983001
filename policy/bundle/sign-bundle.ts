import { AegisError } from '../errors.ts';
import { type BundleContent, checkComplete } from './build-bundle.ts';
import { canonicalJsonBytes, compareUtf8 } from './canonical-json.ts';
import { type ContentFile, rawFile } from './content-file.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { concatBytes, toHex, utf8 } from './encoding.ts';
import { CHANGES_FILE, HEAD_FILE, SIGNATURES_FILE, WASM_FILE } from './file-names.ts';
import type { SigningKey } from './keys.ts';
import { type Freeze, type Manifest, manifestBytes, NO_FREEZE, signManifest } from './manifest.ts';
import { buildTree, leafBlind, leafCountOf, leafHash, type MerkleTree, rootOf } from './merkle.ts';
import { signOpaSignatures } from './opa-signatures.ts';
import { readManifest } from './read-manifest.ts';
import { formatTime, isTime } from './time.ts';

/** Times in milliseconds since 1970. Equal content and options give equal bytes. */
export interface SignOptions {
  tenant: { name: string; uid: string };
  sequence: number;
  /** When the content was compiled; the time of issue when absent. */
  timestamp?: number;
  issuedAt: number;
  expiresAt: number;
  sourceCommit?: string;
  /** `manifestDigest` of the head that this one replaces; absent or null for the first of a tenant. */
  previousManifestDigest?: string | null;
  freeze?: Freeze;
  revocations?: { keys?: readonly string[]; approvals?: readonly string[] };
}

export interface SignedBundle {
  readonly manifest: Manifest;
  /** Everything: the content, `manifest.json`, `.signatures.json`; sorted by name. */
  readonly files: ReadonlyMap<string, ContentFile>;
  /** Secret of the tree's blinds, 32 bytes in hexadecimal: never give it to a gateway. */
  readonly blinding: string;
  readonly tree: MerkleTree;
}

/** What a head renewal may change. Everything else stays as it was signed. */
export interface RenewOptions {
  issuedAt: number;
  expiresAt: number;
  freeze?: Freeze;
  revocations?: { keys?: readonly string[]; approvals?: readonly string[] };
}

/**
 * Signs content: the head `manifest.json`, and `.signatures.json` over all files for stock OPA.
 * @throws AegisError `AEGIS_BUNDLE_INPUT` for arguments out of form, `AEGIS_BUNDLE_FILE_MISSING`.
 */
export function signBundle(
  content: BundleContent,
  options: SignOptions,
  key: SigningKey,
  crypto: CryptoProvider,
): SignedBundle {
  checkComplete(content.files);
  checkTimes(options);
  if (!Number.isSafeInteger(options.sequence) || options.sequence < 1)
    throw invalid('the sequence is a positive integer');
  const blinding = deriveBlinding(options, key, crypto);
  const tree = buildTree(content.files, blinding, crypto);
  const changes = content.files.get(CHANGES_FILE) as ContentFile;
  const manifest = signManifest(
    {
      schemaVersion: 1,
      tenant: { name: options.tenant.name, uid: options.tenant.uid },
      sequence: options.sequence,
      timestamp: formatTime(options.timestamp ?? options.issuedAt),
      ...(options.sourceCommit === undefined ? {} : { sourceCommit: options.sourceCommit }),
      changesDigest: changesDigest(changes.sha256, blinding, crypto),
      engineDigest: (content.files.get(WASM_FILE) as ContentFile).sha256,
      contentRoot: rootOf(tree),
      leafCount: leafCountOf(tree),
      previousManifestDigest: options.previousManifestDigest ?? null,
      freeze: options.freeze ?? NO_FREEZE,
      revocations: sortedRevocations(options.revocations),
      issuedAt: formatTime(options.issuedAt),
      expiresAt: formatTime(options.expiresAt),
      keyId: key.keyId,
      algorithm: 'Ed25519',
    },
    key,
    crypto,
  );
  return assemble(manifest, content.files, toHex(blinding), tree, key, crypto);
}

/** A new head for the same sequence and content: later times, and possibly another freeze or further revocations. */
export function renewHead(
  manifest: Manifest,
  options: RenewOptions,
  key: SigningKey,
  crypto: CryptoProvider,
): Manifest {
  checkTimes(options);
  const issuedAt = formatTime(options.issuedAt);
  if (issuedAt <= manifest.issuedAt) throw invalid('a renewed head must be issued later than the one it renews');
  const { etag: _, signature: __, ...head } = manifest;
  const revocations = sortedRevocations(options.revocations ?? manifest.revocations);
  for (const id of manifest.revocations.keys) {
    if (!revocations.keys.includes(id)) throw invalid('a renewed head keeps the revocations of the one it renews');
  }
  const renewed = { ...head, freeze: options.freeze ?? manifest.freeze, revocations, issuedAt };
  return checked(signManifest({ ...renewed, expiresAt: formatTime(options.expiresAt), keyId: key.keyId }, key, crypto));
}

/** The same for a whole bundle; only `manifest.json` and `.signatures.json` change. */
export function renewBundle(
  bundle: SignedBundle,
  options: RenewOptions,
  key: SigningKey,
  crypto: CryptoProvider,
): SignedBundle {
  const content = new Map(bundle.files);
  content.delete(HEAD_FILE);
  content.delete(SIGNATURES_FILE);
  const manifest = renewHead(bundle.manifest, options, key, crypto);
  return assemble(manifest, content, bundle.blinding, bundle.tree, key, crypto);
}

/** Leaf hash of `changes.json`. An auditor computes it from the file's SHA-256 and the file's blind. */
export function changesDigest(sha256: string, blinding: Uint8Array, crypto: CryptoProvider): string {
  return toHex(leafHash(leafBlind(blinding, CHANGES_FILE, crypto), CHANGES_FILE, sha256, crypto));
}

function assemble(
  manifest: Manifest,
  content: ReadonlyMap<string, ContentFile>,
  blinding: string,
  tree: MerkleTree,
  key: SigningKey,
  crypto: CryptoProvider,
): SignedBundle {
  const files = new Map(content);
  files.set(HEAD_FILE, rawFile(manifestBytes(checked(manifest)), crypto));
  const listed = new Map([...files].sort(([a], [b]) => compareUtf8(a, b)));
  const signatures = signOpaSignatures(
    {
      scope: manifest.tenant.name,
      files: listed,
      exp: Math.floor(Date.parse(manifest.expiresAt) / 1000),
      aegis: { sequence: manifest.sequence, contentRoot: manifest.contentRoot, blinding },
    },
    key,
    crypto,
  );
  files.set(SIGNATURES_FILE, rawFile(signatures, crypto));
  return { manifest, files: new Map([...files].sort(([a], [b]) => compareUtf8(a, b))), blinding, tree };
}

/**
 * The secret of the blinds: a deterministic function of the private key, tenant and sequence (a signature that is never
 * published, used as a pseudo-random function), so that the same inputs give the same bytes and nobody else can
 * compute it. A new sequence changes every blind: hashes of unchanged files cannot be linked across sequences.
 */
function deriveBlinding(options: SignOptions, key: SigningKey, crypto: CryptoProvider): Uint8Array {
  const domain = utf8('aegis-blinding-v1\n');
  const context = canonicalJsonBytes({
    tenant: options.tenant.name,
    uid: options.tenant.uid,
    sequence: options.sequence,
  });
  return crypto.sha256(concatBytes(domain, crypto.sign(key.seed, concatBytes(domain, context))));
}

function sortedRevocations(revocations: SignOptions['revocations']): Manifest['revocations'] {
  const list = (items: readonly string[] | undefined) => [...new Set(items ?? [])].sort();
  return { keys: list(revocations?.keys), approvals: list(revocations?.approvals) };
}

function checkTimes(options: { timestamp?: number; issuedAt: number; expiresAt: number }): void {
  const { timestamp, issuedAt, expiresAt } = options;
  if (!isTime(issuedAt) || !isTime(expiresAt) || (timestamp !== undefined && !isTime(timestamp))) {
    throw invalid('times are whole milliseconds since 1970');
  }
  if (expiresAt <= issuedAt) throw invalid('expiresAt must be later than issuedAt');
}

/** Never publish a head that our own reader would refuse. */
function checked(manifest: Manifest): Manifest {
  try {
    readManifest(manifestBytes(manifest));
  } catch (error) {
    throw error instanceof AegisError ? invalid(error.message) : error;
  }
  return manifest;
}

function invalid(message: string): AegisError {
  return new AegisError('AEGIS_BUNDLE_INPUT', message);
}
