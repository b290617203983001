import { canonicalJsonBytes } from '../../../policy/bundle/canonical-json.ts';
import { type Manifest, manifestBytes, manifestDigest, signManifest } from '../../../policy/bundle/manifest.ts';
import { verifyManifestChain } from '../../../policy/bundle/manifest-chain.ts';
import { readManifest } from '../../../policy/bundle/read-manifest.ts';
import { renewHead } from '../../../policy/bundle/sign-bundle.ts';
import { verifyHead } from '../../../policy/bundle/verify-head.ts';
import { codeOf, crypto, HOUR, KEY, makeSigned, OTHER_KEY, RING, T0, verifyOptions } from './fixtures.ts';

const { manifest } = makeSigned();
const changed = (change: Record<string, unknown>) => canonicalJsonBytes({ ...manifest, ...change });

test('is read as it was written', () => {
  expect(readManifest(manifestBytes(manifest))).toEqual(manifest);
});

test.each([
  ['an unknown field', { extra: 1 }],
  ['another schema', { schemaVersion: 2 }],
  ['sequence 0', { sequence: 0 }],
  ['sequence as text', { sequence: '5' }],
  ['a tenant without uid', { tenant: { name: 'fintech' } }],
  ['a tenant with more', { tenant: { name: 'fintech', uid: 'u', x: 1 } }],
  ['a tenant name of spaces', { tenant: { name: ' ', uid: 'u' } }],
  ['an upper-case digest', { contentRoot: manifest.contentRoot.toUpperCase() }],
  ['a short digest', { engineDigest: 'ab' }],
  ['no leaves', { leafCount: 0 }],
  ['an odd number of leaves', { leafCount: 17 }],
  ['too many leaves', { leafCount: 2 ** 40 }],
  ['a local time', { issuedAt: '2026-03-01T00:00:00.000+01:00' }],
  ['an impossible day', { issuedAt: '2026-02-30T00:00:00.000Z' }],
  ['expiry before issue', { expiresAt: '2026-02-01T00:00:00.000Z' }],
  ['content younger than the head', { timestamp: '2026-04-01T00:00:00.000Z' }],
  ['an unknown freeze', { freeze: { mode: 'Maybe', reason: 'x', since: manifest.issuedAt } }],
  ['a freeze without reason', { freeze: { mode: 'Keep', since: manifest.issuedAt } }],
  ['no freeze with a reason', { freeze: { mode: 'None', reason: 'x' } }],
  ['unsorted revocations', { revocations: { approvals: ['b', 'a'], keys: [] } }],
  ['double revocations', { revocations: { approvals: ['a', 'a'], keys: [] } }],
  ['a revoked key that is none', { revocations: { approvals: [], keys: ['K1'] } }],
  ['a short signature', { signature: 'AAAA' }],
  ['a number as commit', { sourceCommit: 7 }],
])('refuses %s', (_, change) => {
  expect(codeOf(() => readManifest(changed(change)))).toBe('AEGIS_BUNDLE_MANIFEST');
});

test('refuses every missing field', () => {
  for (const name of Object.keys(manifest)) {
    const { [name as keyof Manifest]: _, ...rest } = manifest;
    const code = codeOf(() => readManifest(canonicalJsonBytes(rest)));
    expect(code).toBe(name === 'signature' ? 'AEGIS_BUNDLE_SIGNATURE_MISSING' : 'AEGIS_BUNDLE_MANIFEST');
  }
});

test('refuses a stripped signature, another algorithm, other spellings of the same JSON', () => {
  expect(codeOf(() => readManifest(changed({ signature: '' })))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(codeOf(() => readManifest(changed({ signature: null })))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  for (const algorithm of ['none', 'HS256', 'EdDSA', 'ed25519', '']) {
    expect(codeOf(() => readManifest(changed({ algorithm })))).toBe('AEGIS_BUNDLE_ALGORITHM');
  }
  const pretty = new TextEncoder().encode(JSON.stringify(manifest, null, 1));
  expect(codeOf(() => readManifest(pretty))).toBe('AEGIS_BUNDLE_MANIFEST');
  expect(codeOf(() => readManifest(new TextEncoder().encode('{"a":1,"a":2}')))).toBe('AEGIS_BUNDLE_MANIFEST');
  expect(codeOf(() => readManifest(new Uint8Array()))).toBe('AEGIS_BUNDLE_MANIFEST');
  expect(codeOf(() => readManifest(new Uint8Array(300_000)))).toBe('AEGIS_BUNDLE_TOO_LARGE');
});

test('every signed field is signed', () => {
  const other: Partial<Record<keyof Manifest, unknown>> = {
    tenant: { name: 'health', uid: 'uid-1' },
    sequence: 6,
    timestamp: '2026-02-01T00:00:00.000Z',
    sourceCommit: 'abc',
    changesDigest: '0'.repeat(64),
    engineDigest: '0'.repeat(64),
    contentRoot: '0'.repeat(64),
    leafCount: 32,
    previousManifestDigest: '0'.repeat(64),
    freeze: { mode: 'Keep', reason: 'x', since: manifest.issuedAt },
    revocations: { approvals: ['a'], keys: [] },
    issuedAt: '2026-03-01T00:00:00.001Z',
    expiresAt: '2027-03-01T00:00:00.000Z',
    etag: '0'.repeat(32),
  };
  for (const [name, value] of Object.entries(other)) {
    const code = codeOf(() => verifyHead(changed({ [name]: value }), verifyOptions()));
    expect(`${name} ${code}`).toBe(`${name} AEGIS_BUNDLE_SIGNATURE_INVALID`);
  }
});

test('a renewal keeps sequence, content and chain, and has another etag', () => {
  const renewed = renewHead(manifest, { issuedAt: T0 + 1, expiresAt: T0 + 2 * HOUR }, KEY, crypto);
  const { etag, signature, issuedAt, expiresAt, ...same } = renewed;
  expect(manifest).toMatchObject(same);
  expect(etag).not.toBe(manifest.etag);
  expect(signature).not.toBe(manifest.signature);
  const options = verifyOptions({ previous: manifest, now: T0 + HOUR });
  expect(verifyHead(manifestBytes(renewed), options).manifest.expiresAt).toBe('2026-03-01T02:00:00.000Z');
});

test('a renewal moves forward and keeps revoked keys', () => {
  const renew = (options: object, from = manifest) =>
    codeOf(() => renewHead(from, { issuedAt: T0 + 1, expiresAt: T0 + HOUR, ...options }, KEY, crypto));
  expect(renew({ issuedAt: T0 })).toBe('AEGIS_BUNDLE_INPUT');
  expect(renew({ expiresAt: T0 })).toBe('AEGIS_BUNDLE_INPUT');
  expect(renew({ issuedAt: Number.NaN })).toBe('AEGIS_BUNDLE_INPUT');
  const revoking = makeSigned({ revocations: { keys: [OTHER_KEY.keyId] } }).manifest;
  expect(renew({ revocations: { keys: [] } }, revoking)).toBe('AEGIS_BUNDLE_INPUT');
  expect(renew({}, revoking)).toBe('none');
});

test('a head cannot name a key that does not sign it', () => {
  const { etag: _, signature: __, ...head } = manifest;
  expect(codeOf(() => signManifest(head, OTHER_KEY, crypto))).toBe('AEGIS_BUNDLE_INPUT');
});

test('the hash chain over sequences', () => {
  const chain: Uint8Array[] = [];
  for (let sequence = 1; sequence <= 4; sequence++) {
    const last = chain.at(-1);
    const previousManifestDigest = last === undefined ? null : manifestDigest(last, crypto);
    const issuedAt = T0 + sequence * 1000;
    chain.push(manifestBytes(makeSigned({ sequence, previousManifestDigest, issuedAt }).manifest));
  }
  const check = (heads: Uint8Array[]) =>
    codeOf(() => verifyManifestChain(heads, { keyRing: RING, tenant: 'fintech', crypto }));
  expect(check(chain)).toBe('none');
  expect(verifyManifestChain([], { keyRing: RING, tenant: 'fintech', crypto })).toBeUndefined();
  expect(check([chain[0], chain[2]] as Uint8Array[])).toBe('AEGIS_BUNDLE_MISMATCH');
  expect(check([chain[1], chain[0]] as Uint8Array[])).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect(check([chain[1], chain[1]] as Uint8Array[])).toBe('AEGIS_BUNDLE_SEQUENCE');
});
