import { AegisError, type ErrorCode } from '../errors.ts';
import { checkComplete } from './build-bundle.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import { type ContentFile, rawFile } from './content-file.ts';
import { equalBytes, fromHex, quoted } from './encoding.ts';
import * as names from './file-names.ts';
import { gunzip } from './gzip.ts';
import { type BundleLimits, DEFAULT_LIMITS } from './limits.ts';
import type { Manifest } from './manifest.ts';
import { buildTree, leafCountOf, type MerkleTree, rootOf, verifyInclusion } from './merkle.ts';
import { payloadOf, readSignatures, readSigned } from './opa-signatures.ts';
import { isRecord } from './record.ts';
import { changesDigest } from './sign-bundle.ts';
import { readProofs, sliceFileNames } from './slice-bundle.ts';
import { readTar } from './tar.ts';
import { findKey, type VerifiedHead, type VerifyHeadOptions, verifyHead } from './verify-head.ts';

export interface VerifyOptions extends VerifyHeadOptions {
  /** The agent that the verifier serves. Needed for a slice; of a whole bundle it demands that the agent is in it. */
  agentId?: string;
  limits?: Partial<BundleLimits>;
}

interface VerifiedFiles extends VerifiedHead {
  /** All files of the input, verified, by name. Views of the input: do not write to it afterwards. */
  readonly files: ReadonlyMap<string, ContentFile>;
  /** `policy.wasm`. */
  readonly wasm: Uint8Array;
  /** Canonical JSON of `data.aegis.tenant`. */
  readonly tenantData: Uint8Array;
  /** Canonical JSON of `data.aegis.agents[agentId]`; only where `agentId` was given. */
  readonly agentData: Uint8Array | undefined;
}

/** Fits `sliceBundle`, so a server of slices needs only what was published. */
export interface VerifiedBundle extends VerifiedFiles {
  readonly kind: 'bundle';
  readonly blinding: string;
  readonly tree: MerkleTree;
}

export interface VerifiedSlice extends VerifiedFiles {
  readonly kind: 'slice';
}

type Files = ReadonlyMap<string, Uint8Array>;

/**
 * Verifies a bundle or a slice: an archive (`packBundle`), or its files by name. There is no unverified way through
 * here and no option that makes a signature optional. The result holds nothing that was not signed.
 * @throws AegisError with one code per reason: those of `verifyHead`; of the archive (`AEGIS_BUNDLE_TRUNCATED`,
 *   `_CORRUPT`, `_TOO_LARGE`, `_PATH`, `_LINK`, `_FILE_DUPLICATE`); of the set of files (`_SIGNATURE_MISSING`,
 *   `_SIGNATURE_MULTIPLE`, `_DELTA`, `_FILE_EXTRA`, `_FILE_MISSING`, `_AGENT`); of the content (`_DIGEST`, `_PROOF`,
 *   `_MISMATCH`, `_ALGORITHM`).
 */
export function verifyBundle(input: Uint8Array | Files, options: VerifyOptions): VerifiedBundle | VerifiedSlice {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const files = input instanceof Uint8Array ? readTar(gunzip(input, limits), limits) : input;
  checkFiles(files, limits);
  const headBytes = files.get(names.HEAD_FILE);
  if (headBytes === undefined) refuse('AEGIS_BUNDLE_SIGNATURE_MISSING', 'there is no manifest.json');
  const hasProof = files.has(names.PROOF_FILE);
  const hasSignatures = files.has(names.SIGNATURES_FILE);
  if (hasProof && hasSignatures) refuse('AEGIS_BUNDLE_FILE_EXTRA', 'both a slice and a whole bundle');
  if (!hasProof && !hasSignatures) {
    refuse('AEGIS_BUNDLE_SIGNATURE_MISSING', 'there is neither .signatures.json nor, for a slice, proof.json');
  }
  const head = verifyHead(headBytes, options);
  return hasProof ? verifySlice(files, head, options) : verifyWhole(files, head, options);
}

function checkFiles(files: Files, limits: BundleLimits): void {
  let total = 0;
  for (const [name, bytes] of files) {
    names.checkBundleName(name);
    total += bytes.length;
    if (bytes.length > limits.maxFileBytes) refuse('AEGIS_BUNDLE_TOO_LARGE', `${quoted(name)} is too large`);
  }
  if (total > limits.maxTotalBytes) refuse('AEGIS_BUNDLE_TOO_LARGE', 'the files together are too large');
  if (files.size > limits.maxFiles) refuse('AEGIS_BUNDLE_TOO_LARGE', 'there are too many files');
}

function verifySlice(files: Files, head: VerifiedHead, options: VerifyOptions): VerifiedSlice {
  const { agentId, crypto } = options;
  const { manifest } = head;
  if (agentId === undefined) refuse('AEGIS_BUNDLE_AGENT', 'this is the slice of one agent, not a whole bundle');
  const expected = sliceFileNames(agentId, files.has(names.REGO_FILE));
  for (const name of files.keys()) {
    if (name === names.HEAD_FILE || name === names.PROOF_FILE || expected.includes(name)) continue;
    const other = names.agentOfFile(name);
    if (other !== undefined) refuse('AEGIS_BUNDLE_AGENT', `the slice is for the agent ${quoted(other)}`);
    refuse('AEGIS_BUNDLE_FILE_EXTRA', `${quoted(name)} does not belong to a slice`);
  }
  const proofs = readProofs(files.get(names.PROOF_FILE) as Uint8Array);
  const verified = new Map<string, ContentFile>();
  for (const name of expected) {
    const bytes = files.get(name);
    if (bytes === undefined) refuse('AEGIS_BUNDLE_FILE_MISSING', `the slice has no ${quoted(name)}`);
    const file = rawFile(bytes, crypto);
    const proof = proofs.get(name);
    if (proof === undefined || !verifyInclusion(proof, file.sha256, manifest.contentRoot, manifest.leafCount, crypto)) {
      refuse('AEGIS_BUNDLE_PROOF', `${quoted(name)} is not proven to be part of this bundle`);
    }
    verified.set(name, file);
  }
  if (proofs.size !== expected.length) refuse('AEGIS_BUNDLE_PROOF', 'proof.json proves files that are not there');
  const found = parts(verified, manifest, agentId);
  for (const name of [names.HEAD_FILE, names.PROOF_FILE])
    verified.set(name, rawFile(files.get(name) as Uint8Array, crypto));
  return { kind: 'slice', ...head, ...found };
}

function verifyWhole(files: Files, head: VerifiedHead, options: VerifyOptions): VerifiedBundle {
  const { agentId, crypto } = options;
  const { manifest } = head;
  const jws = readSignatures(files.get(names.SIGNATURES_FILE) as Uint8Array, { canonical: true });
  if (jws.keyId !== manifest.keyId) refuse('AEGIS_BUNDLE_MISMATCH', 'head and .signatures.json name different keys');
  if (!jws.verify(findKey(options.keyRing, manifest.keyId).publicKey, crypto)) {
    refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', `.signatures.json is not signed by the key ${manifest.keyId}`);
  }
  const listed = readPayload(jws.payload);
  const verified = verifyListed(files, listed.files, options);
  // equal bytes: scope, order, hash algorithm, sequence, root and expiry all agree with the head, and nothing is added
  const claims = { ...listed, files: verified, scope: manifest.tenant.name, exp: expirySeconds(manifest) };
  const aegis = { ...listed.aegis, sequence: manifest.sequence, contentRoot: manifest.contentRoot };
  if (!equalBytes(canonicalJsonBytes(payloadOf({ ...claims, aegis })), jws.payload)) {
    refuse('AEGIS_BUNDLE_MISMATCH', '.signatures.json does not belong to this head');
  }
  const content = new Map([...verified].filter(([name]) => name !== names.HEAD_FILE));
  checkComplete(content);
  const blinding = fromHex(listed.aegis.blinding) as Uint8Array;
  const tree = buildTree(content, blinding, crypto);
  const changes = content.get(names.CHANGES_FILE) as ContentFile;
  const fits =
    rootOf(tree) === manifest.contentRoot &&
    leafCountOf(tree) === manifest.leafCount &&
    changesDigest(changes.sha256, blinding, crypto) === manifest.changesDigest;
  if (!fits) refuse('AEGIS_BUNDLE_MISMATCH', 'the files are not the ones of this head');
  const found = parts(verified, manifest, agentId);
  verified.set(names.SIGNATURES_FILE, rawFile(files.get(names.SIGNATURES_FILE) as Uint8Array, crypto));
  return { kind: 'bundle', ...head, ...found, blinding: listed.aegis.blinding, tree };
}

/** Exactly the listed files, each with the listed digest. */
function verifyListed(
  files: Files,
  listed: ReadonlyMap<string, string>,
  options: VerifyOptions,
): Map<string, ContentFile> {
  for (const name of files.keys()) {
    if (name !== names.SIGNATURES_FILE && !listed.has(name)) {
      refuse('AEGIS_BUNDLE_FILE_EXTRA', `${quoted(name)} was not signed`);
    }
  }
  const verified = new Map<string, ContentFile>();
  for (const [name, digest] of listed) {
    const bytes = files.get(name);
    if (bytes === undefined) refuse('AEGIS_BUNDLE_FILE_MISSING', `${quoted(name)} was signed but is missing`);
    const file = rawFile(bytes, options.crypto);
    if (file.sha256 !== digest) {
      const mixed = name === names.HEAD_FILE; // the head itself is good: it is of another signing
      refuse(
        mixed ? 'AEGIS_BUNDLE_MISMATCH' : 'AEGIS_BUNDLE_DIGEST',
        `${quoted(name)} is not the file that was signed`,
      );
    }
    verified.set(name, file);
  }
  return verified;
}

interface Payload {
  files: Map<string, string>;
  aegis: { blinding: string };
}

/** Only what `payloadOf` needs to build the payload again; the comparison of bytes checks the rest. */
function readPayload(bytes: Uint8Array): Payload {
  const json = readSigned(bytes);
  const list = isRecord(json) ? json.files : undefined;
  const aegis = isRecord(json) ? json.aegis : undefined;
  const blinding = isRecord(aegis) ? aegis.blinding : undefined;
  if (!Array.isArray(list) || typeof blinding !== 'string' || fromHex(blinding)?.length !== 32) {
    refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the payload of .signatures.json is not one of Aegis');
  }
  const files = new Map<string, string>();
  for (const item of list as unknown[]) {
    const { name, hash, algorithm } = isRecord(item) ? item : {};
    if (typeof name !== 'string' || typeof hash !== 'string')
      refuse('AEGIS_BUNDLE_SIGNATURE_INVALID', 'bad file entry');
    if (algorithm !== 'SHA-256') refuse('AEGIS_BUNDLE_ALGORITHM', `the digest of ${quoted(name)} is not SHA-256`);
    files.set(name, hash);
  }
  return { files, aegis: { blinding } };
}

function parts(verified: Map<string, ContentFile>, manifest: Manifest, agentId: string | undefined) {
  const bytesOf = (name: string): Uint8Array => (verified.get(name) as ContentFile).bytes;
  if ((verified.get(names.WASM_FILE) as ContentFile).sha256 !== manifest.engineDigest) {
    refuse('AEGIS_BUNDLE_MISMATCH', 'policy.wasm is not the engine of this head');
  }
  if (agentId !== undefined && !verified.has(names.agentFile(agentId))) {
    refuse('AEGIS_BUNDLE_AGENT', `the agent ${quoted(agentId)} is not in the bundle`);
  }
  return {
    files: verified,
    wasm: bytesOf(names.WASM_FILE),
    tenantData: bytesOf(names.TENANT_FILE),
    agentData: agentId === undefined ? undefined : bytesOf(names.agentFile(agentId)),
  };
}

function expirySeconds(manifest: Manifest): number {
  return Math.floor(Date.parse(manifest.expiresAt) / 1000);
}

function refuse(code: ErrorCode, message: string): never {
  throw new AegisError(code, message);
}
