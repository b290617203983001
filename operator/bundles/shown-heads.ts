/** Heads that gateways hold and the cluster does not: it was restored from a backup. The next commit goes above them. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import type { Manifest, Revocations } from '../../policy/bundle/manifest.ts';
import { verifyHead } from '../../policy/bundle/verify-head.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { identityKey } from './head-config-map.ts';
import { storedHead } from './stored-head.ts';

export interface ShownHead {
  sequence: number;
  /** Of all heads that were shown since. */
  revocations: Revocations;
}

export class ShownHeads {
  readonly #keys: { storedRing(): KeyRing };
  readonly #crypto: CryptoProvider;
  readonly #heads = new Map<string, ShownHead>();

  constructor(keys: { storedRing(): KeyRing }, crypto: CryptoProvider) {
    this.#keys = keys;
    this.#crypto = crypto;
  }

  /**
   * @returns undefined where the head is not beyond `committed` and what was shown before: of the same sequence, it is
   *   beyond where it has other content, because then a gateway can never take what is committed.
   * @throws AegisError of `verifyHead` where it is not one of ours.
   */
  accept(bytes: Uint8Array, identity: TenantIdentity, committed: Manifest | undefined): ShownHead | undefined {
    const { manifest } = verifyHead(bytes, storedHead(identity, this.#keys, this.#crypto));
    const before = this.get(identity);
    if (manifest.sequence <= (before?.sequence ?? 0) || !isBeyond(manifest, committed)) return undefined;
    const shown = {
      sequence: manifest.sequence,
      revocations: mergeRevocations(before?.revocations, manifest.revocations),
    };
    this.#heads.set(identityKey(identity), shown);
    return shown;
  }

  get(identity: TenantIdentity): ShownHead | undefined {
    return this.#heads.get(identityKey(identity));
  }

  /** A head above it is committed, with its revocations. */
  settle(identity: TenantIdentity, committed: number): void {
    const shown = this.get(identity);
    if (shown !== undefined && committed > shown.sequence) this.#heads.delete(identityKey(identity));
  }
}

function isBeyond({ sequence, contentRoot }: Manifest, committed: Manifest | undefined): boolean {
  if (committed === undefined || sequence > committed.sequence) return true;
  return sequence === committed.sequence && contentRoot !== committed.contentRoot;
}

export function mergeRevocations(a: Revocations | undefined, b: Revocations | undefined): Revocations {
  const union = (kind: keyof Revocations): string[] =>
    [...new Set([...(a?.[kind] ?? []), ...(b?.[kind] ?? [])])].sort();
  return { keys: union('keys'), approvals: union('approvals') };
}
