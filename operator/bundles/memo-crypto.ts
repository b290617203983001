import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';

/** Shorter inputs are hashed as fast as they are looked up. */
const WORTH_IT = 512;

/**
 * The same primitives, but bytes that are the same object as before are not hashed again. Sound only where nobody writes
 * to bytes that were hashed; the digests live as long as the bytes do.
 */
export function memoCrypto(crypto: CryptoProvider): CryptoProvider {
  const digests = new WeakMap<Uint8Array, Uint8Array>();
  return {
    ...crypto,
    sha256(bytes) {
      if (bytes.length < WORTH_IT) return crypto.sha256(bytes);
      let digest = digests.get(bytes);
      if (digest === undefined) {
        digest = crypto.sha256(bytes);
        digests.set(bytes, digest);
      }
      return digest;
    },
  };
}
