import fc from 'fast-check';
import {
  buildTree,
  leafBlind,
  leafCountOf,
  leafHash,
  paddedWidth,
  proveInclusion,
  rootOf,
  verifyInclusion,
} from '../../../policy/bundle/merkle.ts';
import { codeOf, crypto } from './fixtures.ts';

const blinding = new Uint8Array(32).fill(3);
const digest = (n: number) => n.toString(16).padStart(64, '0');
const filesOf = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`f${i}`, { sha256: digest(i) }]));

test('every file of trees of every size is proven, and only with its digest, name, place and root', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (count, pick) => {
      const tree = buildTree(filesOf(count), blinding, crypto);
      const root = rootOf(tree);
      const leaves = leafCountOf(tree);
      const n = pick % count;
      const proof = proveInclusion(tree, `f${n}`, blinding, crypto);
      const check = (p = proof, sha = digest(n), r = root, l = leaves) => verifyInclusion(p, sha, r, l, crypto);
      expect(check()).toBe(true);
      expect(check(proof, digest(n + 1))).toBe(false);
      expect(check({ ...proof, name: 'other' })).toBe(false);
      expect(check({ ...proof, index: proof.index ^ 1 })).toBe(false);
      expect(check({ ...proof, index: proof.index + leaves })).toBe(false);
      expect(check({ ...proof, index: -1 })).toBe(false);
      expect(check({ ...proof, index: 0.5 })).toBe(false);
      expect(check({ ...proof, blind: digest(1) })).toBe(false);
      expect(check({ ...proof, blind: 'zz' })).toBe(false);
      expect(check({ ...proof, path: proof.path.slice(1) })).toBe(false);
      expect(check({ ...proof, path: [...proof.path, digest(0)] })).toBe(false);
      expect(check({ ...proof, path: [digest(9), ...proof.path.slice(1)] })).toBe(false);
      expect(check(proof, digest(n), digest(5))).toBe(false);
      expect(check(proof, digest(n), root, leaves * 2)).toBe(false);
      expect(check(proof, digest(n), root, 17)).toBe(false);
    }),
  );
});

test('an inner node cannot be passed off as a leaf, nor a padding leaf as a file', () => {
  const tree = buildTree(filesOf(3), blinding, crypto);
  const level1 = tree.levels[1]?.[0] as Uint8Array;
  const forged = { name: 'f0', index: 0, blind: Buffer.from(level1).toString('hex'), path: [] as string[] };
  expect(verifyInclusion(forged, digest(0), rootOf(tree), 16, crypto)).toBe(false);
  expect(tree.indexes.size).toBe(3);
});

test('hides the number of files within a factor of two, and their order', () => {
  expect([1, 16, 17, 32, 33, 1000].map(paddedWidth)).toEqual([16, 16, 32, 32, 64, 1024]);
  const order = [...buildTree(filesOf(12), blinding, crypto).indexes].sort((a, b) => a[1] - b[1]).map(([name]) => name);
  expect(order).not.toEqual([...filesOf(12).keys()].sort());
});

test('a guessed file cannot be checked against a sibling hash without its blind', () => {
  const other = new Uint8Array(32).fill(4);
  const mine = leafHash(leafBlind(blinding, 'f1', crypto), 'f1', digest(1), crypto);
  expect(mine).not.toEqual(leafHash(leafBlind(other, 'f1', crypto), 'f1', digest(1), crypto));
  expect(mine).not.toEqual(leafHash(leafBlind(blinding, 'f2', crypto), 'f1', digest(1), crypto));
});

test('unknown files have no proof', () => {
  const tree = buildTree(filesOf(3), blinding, crypto);
  expect(codeOf(() => proveInclusion(tree, 'nope', blinding, crypto))).toBe('AEGIS_BUNDLE_FILE_MISSING');
  expect(codeOf(() => buildTree(new Map([['x', { sha256: 'abc' }]]), blinding, crypto))).toBe('AEGIS_BUNDLE_INPUT');
});

test('proofs grow with the logarithm of the number of files', () => {
  const tree = buildTree(filesOf(10_000), blinding, crypto);
  expect(proveInclusion(tree, 'f77', blinding, crypto).path).toHaveLength(14);
});
