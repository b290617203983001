import * as ed25519 from '@noble/ed25519';
import { sha256, sha512 } from '@noble/hashes/sha2.js';

/**
 * The three primitives that bundles need, so that a host can inject faster or hardware-held ones.
 * All are synchronous and deterministic (Ed25519 as in RFC 8032 section 5.1.6 takes no randomness).
 */
export interface CryptoProvider {
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** Public key for a 32-byte private seed. */
  publicKey(privateKeySeed: Uint8Array): Uint8Array;
  /** 64-byte Ed25519 signature. */
  sign(privateKeySeed: Uint8Array, message: Uint8Array): Uint8Array;
  /** False for every malformed key or signature; never throws. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

ed25519.hashes.sha512 = sha512;

/** Pure, on the noble libraries: runs in a browser; slower than the host's (a verification takes 1 to 2 ms). */
export const nobleCrypto: CryptoProvider = {
  sha256: (bytes) => sha256(bytes),
  publicKey: (privateKeySeed) => ed25519.getPublicKey(privateKeySeed),
  sign: (privateKeySeed, message) => ed25519.sign(message, privateKeySeed),
  verifyEd25519(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      return ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
};

/** Whether 32 bytes are a point that is safe to trust as a public key (not one of the eight of small order). */
export function isUsablePublicKey(publicKey: Uint8Array): boolean {
  try {
    return publicKey.length === 32 && !ed25519.Point.fromBytes(publicKey, false).isSmallOrder();
  } catch {
    return false;
  }
}
