import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { nobleCrypto } from '../../../policy/bundle/crypto-provider.ts';
import {
  formatKeyRing,
  keyRingOf,
  makeKeyRing,
  parseKeyRing,
  pinKeys,
  withRevoked,
} from '../../../policy/bundle/key-ring.ts';
import {
  generateKeyPair,
  parsePrivateKey,
  parsePublicKey,
  publicKeyToPem,
  signingKeyFromSeed,
} from '../../../policy/bundle/keys.ts';
import { codeOf, crypto, KEY, OTHER_KEY } from './fixtures.ts';

test('PEM files are those of openssl, both ways', () => {
  const seed = new Uint8Array(32).fill(9);
  const files = generateKeyPair(seed, crypto);
  const native = createPrivateKey(files.privatePem);
  expect(native.asymmetricKeyType).toBe('ed25519');
  expect(native.export({ format: 'pem', type: 'pkcs8' })).toBe(files.privatePem);
  expect(createPublicKey(native).export({ format: 'pem', type: 'spki' })).toBe(files.publicPem);
  const pair = generateKeyPairSync('ed25519');
  const ours = parsePrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, crypto);
  expect(publicKeyToPem(ours.publicKey)).toBe(pair.publicKey.export({ format: 'pem', type: 'spki' }));
  const message = Uint8Array.of(1, 2, 3);
  expect(crypto.verifyEd25519(ours.publicKey, message, sign(null, message, pair.privateKey))).toBe(true);
});

test('windows line ends and surrounding white space are fine', () => {
  const { publicPem, privatePem } = generateKeyPair(KEY.seed, crypto);
  expect(parsePublicKey(`\n${publicPem.replaceAll('\n', '\r\n')}\n`)).toEqual(KEY.publicKey);
  expect(parsePrivateKey(privatePem.trim(), crypto).keyId).toBe(KEY.keyId);
});

test('wrong keys are refused without showing any of them', () => {
  const { publicPem, privatePem } = generateKeyPair(KEY.seed, crypto);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  const bad = [
    publicPem,
    '',
    'secret',
    privatePem.replace('MC4', 'MC5'),
    String(rsa),
    String(x25519),
    privatePem + publicPem,
  ];
  for (const text of bad) {
    try {
      parsePrivateKey(text, crypto);
      throw new Error('accepted');
    } catch (error) {
      expect(error).toMatchObject({ code: 'AEGIS_KEY_FORMAT' });
      const body = text.split('\n')[1];
      if (body !== undefined) expect(String(error)).not.toContain(body.slice(0, 12));
    }
  }
  expect(codeOf(() => parsePublicKey(privatePem))).toBe('AEGIS_KEY_FORMAT');
  expect(codeOf(() => signingKeyFromSeed(new Uint8Array(31), crypto))).toBe('AEGIS_KEY_FORMAT');
});

test('a signing key does not show its seed when printed or serialised', () => {
  expect(Object.keys(KEY)).toEqual(['keyId', 'publicKey']);
  expect(JSON.stringify(KEY)).not.toContain('seed');
  expect({ ...KEY }).not.toHaveProperty('seed');
});

test('public keys of small order are refused', () => {
  for (const hex of [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ]) {
    const pem = publicKeyToPem(new Uint8Array(Buffer.from(hex, 'hex')));
    expect(codeOf(() => parsePublicKey(pem))).toBe('AEGIS_KEY_FORMAT');
  }
});

test('a ring is read from one PEM, several, or its JSON, and written the same again', () => {
  const pems = publicKeyToPem(KEY.publicKey) + publicKeyToPem(OTHER_KEY.publicKey);
  expect([...parseKeyRing(pems, crypto).keys.keys()]).toEqual([KEY.keyId, OTHER_KEY.keyId]);
  const ring = makeKeyRing(
    [
      { keyId: KEY.keyId, publicKey: KEY.publicKey, notBefore: 0, notAfter: 1000 },
      { keyId: OTHER_KEY.keyId, publicKey: OTHER_KEY.publicKey },
    ],
    ['f'.repeat(32)],
  );
  const json = formatKeyRing(ring);
  expect(parseKeyRing(json, crypto)).toEqual(ring);
  expect(formatKeyRing(parseKeyRing(json, crypto))).toBe(json);
});

test.each([
  ['{"version":2,"keys":[]}'],
  ['{"version":1,"keys":[]}'],
  ['{"version":1,"keys":[],"more":1}'],
  ['{"version":1,"keys":[{}]}'],
  ['{"version":1,"keys":{}}'],
  ['{"version":1'],
])('a malformed ring is refused: %s', (text) => {
  expect(codeOf(() => parseKeyRing(text, crypto))).toBe('AEGIS_KEY_RING');
});

test('ids must be the digests of their keys, windows must be windows', () => {
  const json = formatKeyRing(keyRingOf([KEY.publicKey], crypto));
  expect(codeOf(() => parseKeyRing(json.replace(KEY.keyId, OTHER_KEY.keyId), crypto))).toBe('AEGIS_KEY_RING');
  const backwards = { keyId: KEY.keyId, publicKey: KEY.publicKey, notBefore: 2, notAfter: 1 };
  expect(codeOf(() => makeKeyRing([backwards], []))).toBe('AEGIS_KEY_RING');
  expect(codeOf(() => keyRingOf([KEY.publicKey, KEY.publicKey], crypto))).toBe('AEGIS_KEY_RING');
  expect(codeOf(() => keyRingOf([], crypto))).toBe('AEGIS_KEY_RING');
});

test('pinning keeps only the pinned keys, revoking adds up', () => {
  const ring = keyRingOf([KEY.publicKey, OTHER_KEY.publicKey], crypto);
  expect([...pinKeys(ring, new Set([KEY.keyId])).keys.keys()]).toEqual([KEY.keyId]);
  expect(codeOf(() => pinKeys(ring, new Set(['0'.repeat(32)])))).toBe('AEGIS_KEY_RING');
  expect([...withRevoked(withRevoked(ring, ['a']), ['b']).revoked]).toEqual(['a', 'b']);
});

test('noble and node agree on ids, signatures and refusals', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(63),
      (seed, message, at) => {
        const publicKey = crypto.publicKey(seed);
        const signature = crypto.sign(seed, message);
        expect(nobleCrypto.publicKey(seed)).toEqual(publicKey);
        expect(nobleCrypto.sign(seed, message)).toEqual(signature);
        const forged = Uint8Array.from(signature);
        forged[at] = (forged[at] as number) ^ 4;
        for (const provider of [crypto, nobleCrypto]) {
          expect(provider.verifyEd25519(publicKey, message, signature)).toBe(true);
          expect(provider.verifyEd25519(publicKey, message, forged)).toBe(false);
          expect(provider.verifyEd25519(publicKey, message, signature.subarray(1))).toBe(false);
          expect(provider.verifyEd25519(publicKey.subarray(1), message, signature)).toBe(false);
        }
        expect(nobleCrypto.sha256(message)).toEqual(crypto.sha256(message));
      },
    ),
    { numRuns: 30 },
  );
});

test('the vectors of RFC 8032 section 7.1', () => {
  const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
  const seed = hex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
  const publicKey = hex('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025');
  const signature = hex(
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
      '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  );
  for (const provider of [crypto, nobleCrypto]) {
    expect(provider.publicKey(seed)).toEqual(publicKey);
    expect(provider.sign(seed, hex('af82'))).toEqual(signature);
    expect(provider.verifyEd25519(publicKey, hex('af82'), signature)).toBe(true);
  }
});
