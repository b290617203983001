import { AegisError } from '../errors.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { compareBytes, concatBytes, equalBytes, fromHex, quoted, toHex, utf8 } from './encoding.ts';

/**
 * A Merkle tree over the files of a bundle, after RFC 6962 section 2.1: leaves and inner nodes are hashed with the
 * prefixes 0x00 and 0x01, so neither can be taken for the other. It differs in three ways, so that the proof of one
 * file says nothing about the others:
 * - every leaf holds a blind, known only to who has the file, so a guessed file cannot be checked against its hash;
 * - the tree is filled up with padding leaves (prefix 0x02) to a power of two, so it tells the number of files only
 *   within a factor of two;
 * - leaves are ordered by their hash, so a position says nothing about the name.
 */
export const MIN_LEAVES = 16;
export const MAX_DEPTH = 24;

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);
const PAD = Uint8Array.of(0x02);
const BLIND_DOMAIN = utf8('aegis-blind-v1\n');

export interface MerkleTree {
  /** Levels from the leaves to the root; the last one holds the root alone. */
  readonly levels: readonly (readonly Uint8Array[])[];
  /** Position of every file's leaf. */
  readonly indexes: ReadonlyMap<string, number>;
}

/** Where one file stands: enough, with the file and the signed root, to check it. */
export interface InclusionProof {
  name: string;
  /** Position of the leaf, from 0. */
  index: number;
  /** The leaf's blind, 32 bytes in hexadecimal. */
  blind: string;
  /** Sibling hashes from the leaf upwards, 32 bytes in hexadecimal each. */
  path: string[];
}

/** The blind of one leaf, from the secret of the bundle (32 bytes). */
export function leafBlind(blinding: Uint8Array, name: string, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(concatBytes(BLIND_DOMAIN, blinding, crypto.sha256(utf8(name))));
}

/** Hash of a leaf; the fixed-length parts come first, so no two inputs read the same. `sha256` is hexadecimal. */
export function leafHash(blind: Uint8Array, name: string, sha256: string, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(concatBytes(LEAF, blind, bytes32(sha256, 'digest'), utf8(name)));
}

/** Builds the tree over file digests (hexadecimal SHA-256 by name). */
export function buildTree(
  files: ReadonlyMap<string, { readonly sha256: string }>,
  blinding: Uint8Array,
  crypto: CryptoProvider,
): MerkleTree {
  const leaves: { name: string | undefined; hash: Uint8Array }[] = [];
  for (const [name, file] of files) {
    leaves.push({ name, hash: leafHash(leafBlind(blinding, name, crypto), name, file.sha256, crypto) });
  }
  const width = paddedWidth(leaves.length);
  for (let i = leaves.length; i < width; i++) {
    leaves.push({ name: undefined, hash: crypto.sha256(concatBytes(PAD, blinding, uint32(i))) });
  }
  leaves.sort((a, b) => compareBytes(a.hash, b.hash));
  const indexes = new Map<string, number>();
  for (const [index, leaf] of leaves.entries()) if (leaf.name !== undefined) indexes.set(leaf.name, index);
  return {
    levels: hashUpwards(
      leaves.map((leaf) => leaf.hash),
      crypto,
    ),
    indexes,
  };
}

export function rootOf(tree: MerkleTree): string {
  return toHex((tree.levels.at(-1) as readonly Uint8Array[])[0] as Uint8Array);
}

export function leafCountOf(tree: MerkleTree): number {
  return (tree.levels[0] as readonly Uint8Array[]).length;
}

/** @throws AegisError `AEGIS_BUNDLE_FILE_MISSING` when the tree has no such file. */
export function proveInclusion(
  tree: MerkleTree,
  name: string,
  blinding: Uint8Array,
  crypto: CryptoProvider,
): InclusionProof {
  const index = tree.indexes.get(name);
  if (index === undefined)
    throw new AegisError('AEGIS_BUNDLE_FILE_MISSING', `no such file in the bundle: ${quoted(name)}`);
  const path: string[] = [];
  let at = index;
  for (const level of tree.levels.slice(0, -1)) {
    path.push(toHex(level[at ^ 1] as Uint8Array));
    at >>= 1;
  }
  return { name, index, blind: toHex(leafBlind(blinding, name, crypto)), path };
}

/**
 * Whether the file with this digest is in the tree with this root and leaf count (both from the signed head).
 * False for every malformed proof; the cost grows with the logarithm of the leaf count only.
 */
export function verifyInclusion(
  proof: InclusionProof,
  sha256: string,
  root: string,
  leafCount: number,
  crypto: CryptoProvider,
): boolean {
  const expected = fromHex(root);
  const blind = fromHex(proof.blind);
  const depth = Math.log2(leafCount);
  if (expected?.length !== 32 || blind?.length !== 32 || fromHex(sha256)?.length !== 32) return false;
  if (!Number.isInteger(depth) || depth > MAX_DEPTH || proof.path.length !== depth) return false;
  if (!Number.isSafeInteger(proof.index) || proof.index < 0 || proof.index >= leafCount) return false;
  let hash = leafHash(blind, proof.name, sha256, crypto);
  let at = proof.index;
  for (const step of proof.path) {
    const sibling = fromHex(step);
    if (sibling?.length !== 32) return false;
    const pair = at % 2 === 0 ? concatBytes(NODE, hash, sibling) : concatBytes(NODE, sibling, hash);
    hash = crypto.sha256(pair);
    at >>= 1;
  }
  return equalBytes(hash, expected);
}

/** Number of leaves for a number of files: the next power of two, at least {@link MIN_LEAVES}. */
export function paddedWidth(files: number): number {
  let width = MIN_LEAVES;
  while (width < files) width *= 2;
  if (width > 2 ** MAX_DEPTH) throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `too many files: ${files}`);
  return width;
}

function hashUpwards(leaves: readonly Uint8Array[], crypto: CryptoProvider): Uint8Array[][] {
  const levels: Uint8Array[][] = [[...leaves]];
  let level = levels[0] as Uint8Array[];
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      next.push(crypto.sha256(concatBytes(NODE, level[i] as Uint8Array, level[i + 1] as Uint8Array)));
    }
    levels.push(next);
    level = next;
  }
  return levels;
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function bytes32(hex: string, what: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes?.length !== 32) throw new AegisError('AEGIS_BUNDLE_INPUT', `not a SHA-256 ${what}: ${quoted(hex)}`);
  return bytes;
}
