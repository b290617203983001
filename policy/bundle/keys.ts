import { AegisError } from '../errors.ts';
import { type CryptoProvider, isUsablePublicKey } from './crypto-provider.ts';
import { concatBytes, equalBytes, fromBase64, toBase64, toHex } from './encoding.ts';

/**
 * Key files that openssl and opa read: PKCS#8 (RFC 5958 with the Ed25519 parameters of RFC 8410 section 7) for the
 * private key, SubjectPublicKeyInfo (RFC 8410 section 4) for the public one. Both are a fixed DER prefix and 32 bytes.
 */
export const PRIVATE_DER_PREFIX = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);
export const PUBLIC_DER_PREFIX = Uint8Array.of(48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0);

export interface SigningKey {
  /** {@link keyIdOf} the public key. */
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  /** 32 secret bytes. Never goes into messages, logs or JSON. */
  readonly seed: Uint8Array;
}

export interface KeyPairFiles {
  keyId: string;
  privatePem: string;
  publicPem: string;
}

/** Key id: the first 128 bits of SHA-256 of the 32-byte public key, in hexadecimal; pinning the id pins the key. */
export function keyIdOf(publicKey: Uint8Array, crypto: CryptoProvider): string {
  return toHex(crypto.sha256(publicKey)).slice(0, 32);
}

/** A signing key from 32 random bytes. @throws AegisError `AEGIS_KEY_FORMAT` for another length. */
export function signingKeyFromSeed(seed: Uint8Array, crypto: CryptoProvider): SigningKey {
  if (seed.length !== 32) throw new AegisError('AEGIS_KEY_FORMAT', 'a private key seed has 32 bytes');
  const copy = Uint8Array.from(seed);
  const publicKey = crypto.publicKey(copy);
  const key = { keyId: keyIdOf(publicKey, crypto), publicKey };
  // not enumerable: a logged or serialised key shows its id and public half only
  return Object.defineProperty(key, 'seed', { value: copy, enumerable: false }) as unknown as SigningKey;
}

/** What `aegis keygen` writes; the seed is the caller's randomness. */
export function generateKeyPair(seed: Uint8Array, crypto: CryptoProvider): KeyPairFiles {
  const key = signingKeyFromSeed(seed, crypto);
  return { keyId: key.keyId, privatePem: privateKeyToPem(key), publicPem: publicKeyToPem(key.publicKey) };
}

export function privateKeyToPem(key: SigningKey): string {
  return pem('PRIVATE KEY', concatBytes(PRIVATE_DER_PREFIX, key.seed));
}

export function publicKeyToPem(publicKey: Uint8Array): string {
  return pem('PUBLIC KEY', concatBytes(PUBLIC_DER_PREFIX, publicKey));
}

/** @throws AegisError `AEGIS_KEY_FORMAT`; its message never holds any of the text. */
export function parsePrivateKey(text: string, crypto: CryptoProvider): SigningKey {
  return signingKeyFromSeed(unwrap(text, 'PRIVATE KEY', PRIVATE_DER_PREFIX), crypto);
}

/** The 32 bytes of a public key. @throws AegisError `AEGIS_KEY_FORMAT`, also for points of small order. */
export function parsePublicKey(text: string): Uint8Array {
  const publicKey = unwrap(text, 'PUBLIC KEY', PUBLIC_DER_PREFIX);
  if (!isUsablePublicKey(publicKey)) throw new AegisError('AEGIS_KEY_FORMAT', 'the public key is not a usable point');
  return publicKey;
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${toBase64(der)}\n-----END ${label}-----\n`; // RFC 7468; fits one line
}

function unwrap(text: string, label: string, prefix: Uint8Array): Uint8Array {
  const match = /^-----BEGIN ([A-Z0-9 ]{1,40})-----\s+([A-Za-z0-9+/=\s]{1,4000})-----END \1-----$/.exec(text.trim());
  if (match === null) throw new AegisError('AEGIS_KEY_FORMAT', `expected one PEM block "${label}"`);
  if (match[1] !== label) throw new AegisError('AEGIS_KEY_FORMAT', `expected a PEM "${label}", found a "${match[1]}"`);
  const der = fromBase64((match[2] as string).replaceAll(/\s/g, ''));
  const fits = der?.length === prefix.length + 32 && equalBytes(der.subarray(0, prefix.length), prefix);
  if (!fits) throw new AegisError('AEGIS_KEY_FORMAT', `the ${label.toLowerCase()} is not an Ed25519 key`);
  return der.slice(prefix.length);
}
