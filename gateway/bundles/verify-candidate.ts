import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import { isContentFile } from '../../policy/bundle/file-names.ts';
import { gunzip } from '../../policy/bundle/gzip.ts';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import { sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import { readTar } from '../../policy/bundle/tar.ts';
import {
  type VerifiedBundle,
  type VerifiedSlice,
  type VerifyOptions,
  verifyBundle,
} from '../../policy/bundle/verify-bundle.ts';
import type { BundleCandidate } from './bundle-source.ts';
import { nextTurn } from './next-turn.ts';

export type Verified = VerifiedBundle | VerifiedSlice;

/** Names a candidate by its bytes, so that the same one need not be looked at twice. */
export function candidateId(candidate: BundleCandidate, crypto: CryptoProvider): string {
  if ('archive' in candidate) return `archive ${toHex(crypto.sha256(candidate.archive))}`;
  const lines = [...candidate.files]
    .map(([name, bytes]) => `${JSON.stringify(name)} ${toHex(crypto.sha256(bytes))}`)
    .sort();
  return `files ${toHex(crypto.sha256(utf8(lines.join('\n'))))}`;
}

/**
 * Unpacks and verifies; other events have their turn between the two. A gateway of one agent that is given a whole
 * bundle keeps the slice of its agent only.
 * @throws AegisError like `verifyBundle`.
 */
export async function verifyCandidate(
  candidate: BundleCandidate,
  options: VerifyOptions & { limits: BundleLimits },
): Promise<Verified> {
  let { files } = candidate as { files?: ReadonlyMap<string, Uint8Array> };
  if (files === undefined) {
    const tar = gunzip((candidate as { archive: Uint8Array }).archive, options.limits);
    await nextTurn();
    files = readTar(tar, options.limits);
  }
  const verified = verifyBundle(files, options);
  const { agentId, crypto } = options;
  if (verified.kind === 'slice' || agentId === undefined) return verified;
  const { files: sliced } = sliceBundle(verified, agentId, crypto);
  return verifyBundle(new Map([...sliced].map(([name, { bytes }]) => [name, bytes])), options);
}

/** What is evaluated and mapped by: equal texts need not be loaded again. The manifests differ with every sequence. */
export function contentId({ manifest, files }: Verified): string {
  const parts = [...files]
    .filter(([name]) => isContentFile(name) && (name.startsWith('aegis/') || name === 'policy.wasm'))
    .map(([name, { sha256 }]) => `${name} ${sha256}`);
  return [manifest.tenant.name, ...parts.sort()].join('\n');
}
