import { nobleCrypto } from '../../../policy/bundle/crypto-provider.ts';
import { keyRingOf, makeKeyRing, withRevoked } from '../../../policy/bundle/key-ring.ts';
import { type Freeze, manifestBytes } from '../../../policy/bundle/manifest.ts';
import { renewHead, type SignOptions, signBundle } from '../../../policy/bundle/sign-bundle.ts';
import { type VerifyHeadOptions, verifyHead } from '../../../policy/bundle/verify-head.ts';
import {
  codeOf,
  crypto,
  HOUR,
  KEY,
  makeContent,
  makeSigned,
  OTHER_KEY,
  RING,
  signOptions,
  T0,
  verifyOptions,
} from './fixtures.ts';

const head = (options: Partial<SignOptions> = {}) => manifestBytes(makeSigned(options).manifest);
const verify = (bytes: Uint8Array, options: Partial<VerifyHeadOptions> = {}) =>
  codeOf(() => verifyHead(bytes, verifyOptions(options)));

test('accepts a good head with both providers', () => {
  expect(verify(head())).toBe('none');
  expect(verify(head(), { crypto: nobleCrypto })).toBe('none');
  expect(verify(head(), { tenantUid: 'uid-1', minSequence: 5 })).toBe('none');
});

test('keys: unknown, revoked, revoked by the head itself', () => {
  expect(verify(head(), { keyRing: keyRingOf([OTHER_KEY.publicKey], crypto) })).toBe('AEGIS_BUNDLE_KEY_UNKNOWN');
  expect(verify(head(), { keyRing: withRevoked(RING, [KEY.keyId]) })).toBe('AEGIS_BUNDLE_KEY_REVOKED');
  expect(verify(head({ revocations: { keys: [KEY.keyId] } }))).toBe('AEGIS_BUNDLE_KEY_REVOKED');
});

test('what the previous head revoked stays revoked, though the ring and the new head do not say so', () => {
  const keyRing = keyRingOf([KEY.publicKey, OTHER_KEY.publicKey], crypto);
  const content = makeContent();
  const revoking = signOptions({ revocations: { keys: [KEY.keyId] } });
  const previous = signBundle(content, revoking, OTHER_KEY, crypto).manifest;
  expect(verify(head({ sequence: 6 }), { keyRing, previous })).toBe('AEGIS_BUNDLE_KEY_REVOKED');
  const next = manifestBytes(signBundle(content, signOptions({ sequence: 6 }), OTHER_KEY, crypto).manifest);
  expect(verify(next, { keyRing, previous })).toBe('none');
});

test('a key id alone gives no trust: the other key under the known id is refused', () => {
  const swapped = makeKeyRing([{ keyId: KEY.keyId, publicKey: OTHER_KEY.publicKey }], []);
  expect(verify(head(), { keyRing: swapped })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
});

test('key windows: rotation with overlap, backdating by an old key, early use of a new one', () => {
  const window = (notBefore: number, notAfter: number) =>
    makeKeyRing([{ keyId: KEY.keyId, publicKey: KEY.publicKey, notBefore, notAfter }], []);
  expect(verify(head(), { keyRing: window(T0 - HOUR, T0 + HOUR) })).toBe('none');
  expect(verify(head(), { keyRing: window(T0 + 1, T0 + HOUR) })).toBe('AEGIS_BUNDLE_KEY_WINDOW');
  expect(verify(head(), { keyRing: window(T0 - HOUR, T0 - 1) })).toBe('AEGIS_BUNDLE_KEY_WINDOW');
  const backdated = { keyRing: window(T0 - HOUR, T0 + 500), now: T0 + 1000 };
  expect(verify(head(), backdated)).toBe('AEGIS_BUNDLE_KEY_WINDOW');
  expect(verify(head(), { ...backdated, ignoreExpiry: true })).toBe('none');
});

test('tenant and uid', () => {
  expect(verify(head(), { tenant: 'health' })).toBe('AEGIS_BUNDLE_TENANT');
  expect(verify(head(), { tenant: 'FINTECH' })).toBe('AEGIS_BUNDLE_TENANT');
  expect(verify(head(), { tenantUid: 'uid-2' })).toBe('AEGIS_BUNDLE_TENANT_UID');
});

test('time: expired to the millisecond, in the future beyond the skew', () => {
  expect(verify(head(), { now: T0 + HOUR - 1 })).toBe('none');
  expect(verify(head(), { now: T0 + HOUR })).toBe('AEGIS_BUNDLE_EXPIRED');
  expect(verify(head(), { now: T0 - 120_000 })).toBe('none');
  expect(verify(head(), { now: T0 - 120_001 })).toBe('AEGIS_BUNDLE_FUTURE');
  expect(verify(head(), { now: T0 - 1, maxClockSkewMs: 0 })).toBe('AEGIS_BUNDLE_FUTURE');
});

test('the last-known-good is verified whatever its age, and says that it has expired', () => {
  const options = verifyOptions({ now: T0 + 100 * HOUR, ignoreExpiry: true });
  expect(verifyHead(head(), options).expired).toBe(true);
  expect(verifyHead(head(), verifyOptions()).expired).toBe(false);
  expect(verify(head(), { now: T0 - HOUR, ignoreExpiry: true })).toBe('AEGIS_BUNDLE_FUTURE');
});

test('sequence: never back, same sequence only with the same content', () => {
  const previous = makeSigned().manifest;
  expect(verify(head({ sequence: 4 }), { previous })).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect(verify(head({ sequence: 4 }), { minSequence: 5 })).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect(verify(head({ sequence: 6 }), { previous })).toBe('none');
  expect(verify(head(), { previous })).toBe('none');
  const other = manifestBytes(makeSigned({}, makeContent({ agents: {} })).manifest);
  expect(verify(other, { previous })).toBe('AEGIS_BUNDLE_SEQUENCE_CONFLICT');
});

test('a replayed older head of the same sequence does not undo a freeze', () => {
  const first = makeSigned().manifest;
  const freeze: Freeze = { mode: 'DenyAll', reason: 'incident 7', since: first.issuedAt };
  const frozen = renewHead(first, { issuedAt: T0 + 10, expiresAt: T0 + HOUR, freeze }, KEY, crypto);
  expect(verify(manifestBytes(frozen), { previous: first })).toBe('none');
  expect(verify(manifestBytes(first), { previous: frozen })).toBe('AEGIS_BUNDLE_HEAD_OLDER');
});

test('two heads of one moment are a conflict', () => {
  const previous = makeSigned().manifest;
  expect(verify(head({ expiresAt: T0 + 5 * HOUR }), { previous })).toBe('AEGIS_BUNDLE_SEQUENCE_CONFLICT');
});

test('within one freeze content stays, but for declared exceptions; a later freeze is another one', () => {
  const since = '2026-03-01T00:00:00.000Z';
  const freeze: Freeze = { mode: 'Keep', reason: 'year end', since };
  const previous = makeSigned({ freeze }).manifest;
  const next = (change: Freeze) => head({ sequence: 6, freeze: change });
  expect(verify(next(freeze), { previous })).toBe('AEGIS_BUNDLE_FROZEN');
  expect(verify(next({ ...freeze, mode: 'DenyAll' }), { previous })).toBe('AEGIS_BUNDLE_FROZEN');
  expect(verify(next({ ...freeze, exception: 'Suspension' }), { previous })).toBe('none');
  expect(verify(next({ ...freeze, since: '2026-02-28T00:00:00.000Z' }), { previous })).toBe('none');
  expect(verify(next({ mode: 'None' }), { previous })).toBe('none');
  const renewed = renewHead(previous, { issuedAt: T0 + 1, expiresAt: T0 + HOUR }, KEY, crypto);
  expect(verify(manifestBytes(renewed), { previous })).toBe('none');
});
