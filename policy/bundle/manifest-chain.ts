import { AegisError } from '../errors.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import type { KeyRing } from './key-ring.ts';
import { manifestDigest } from './manifest.ts';
import { readManifest } from './read-manifest.ts';
import { parseTime } from './time.ts';
import { verifyHead } from './verify-head.ts';

/**
 * The auditor's check over archived heads, oldest first: the last head of each sequence, as it stood when the next one
 * replaced it. Every head is verified as of its own time of issue, and must name the digest of the one before.
 * @returns the digest of the last head.
 * @throws AegisError of `verifyHead`, or `AEGIS_BUNDLE_MISMATCH` where a link is broken, named by its sequence.
 */
export function verifyManifestChain(
  heads: readonly Uint8Array[],
  options: { keyRing: KeyRing; tenant: string; tenantUid?: string; crypto: CryptoProvider },
): string | undefined {
  let previous: string | undefined;
  let sequence = 0;
  for (const bytes of heads) {
    const now = parseTime(readManifest(bytes).issuedAt) as number;
    const { manifest } = verifyHead(bytes, { ...options, now, minSequence: sequence + 1 });
    if (previous !== undefined && manifest.previousManifestDigest !== previous) {
      throw new AegisError('AEGIS_BUNDLE_MISMATCH', `the head of sequence ${manifest.sequence} follows another one`);
    }
    previous = manifestDigest(bytes, options.crypto);
    sequence = manifest.sequence;
  }
  return previous;
}
