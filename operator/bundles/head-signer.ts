/** Signs the heads of tenants, each on top of the one before. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { SigningKey } from '../../policy/bundle/keys.ts';
import { type Freeze, type Manifest, NO_FREEZE, type Revocations } from '../../policy/bundle/manifest.ts';
import { renewBundle, type SignedBundle, signBundle } from '../../policy/bundle/sign-bundle.ts';
import { AegisError } from '../../policy/errors.ts';
import { bundleContent, ContentFiles, type Engine } from '../../policy/publication/bundle-content.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { Publication } from './publication.ts';
import type { KnownHead } from './read-commit.ts';
import { mergeRevocations } from './shown-heads.ts';

export interface HeadSignerOptions {
  clock: Clock;
  crypto: CryptoProvider;
  keys: { active(): SigningKey; revoked(): readonly string[] };
  engine: Engine;
  /** Remembers digests; its own where absent. */
  files?: ContentFiles;
}

/** The key may be another one a moment later; what belongs to the head is signed by the same. */
export interface Signed {
  bundle: SignedBundle;
  key: SigningKey;
}

export class HeadSigner {
  readonly #options: HeadSignerOptions;
  readonly #files: ContentFiles;

  constructor(options: HeadSignerOptions) {
    this.#options = options;
    this.#files = options.files ?? new ContentFiles(options.crypto);
  }

  /**
   * @param shown revocations that gateways have shown us.
   * @throws AegisError `AEGIS_SIGNING_KEY_REVOKED`; those of `signBundle`.
   */
  sign(publication: Publication, before: KnownHead, shown: Revocations | undefined): Signed {
    const { crypto, keys, engine } = this.#options;
    const { identity, sequence, sourceCommit, lifetime } = publication;
    const issuedAt = this.#issuedAt(before.manifest);
    const revocations = mergeRevocations(shown, { keys: [], approvals: publication.revokedApprovals ?? [] });
    const key = keys.active();
    const bundle = signBundle(
      bundleContent(publication.compiled, this.#files, { engine, crypto, revision: String(sequence) }),
      {
        tenant: identity,
        sequence,
        issuedAt,
        expiresAt: issuedAt + lifetime,
        ...(sourceCommit === undefined ? {} : { sourceCommit }),
        previousManifestDigest: before.digest ?? null,
        freeze: publication.freeze ?? before.manifest?.freeze ?? NO_FREEZE,
        revocations: this.#revocations(identity, before.manifest, revocations),
      },
      key,
      crypto,
    );
    return { bundle, key };
  }

  /** A later head for the same content. @throws AegisError `AEGIS_SIGNING_KEY_REVOKED`; those of `renewBundle`. */
  renew(
    bundle: SignedBundle,
    { lifetime, freeze }: { lifetime: number; freeze?: Freeze },
    shown: Revocations | undefined,
  ): Signed {
    const { crypto, keys } = this.#options;
    const { manifest } = bundle;
    const issuedAt = this.#issuedAt(manifest);
    const key = keys.active();
    const renewed = renewBundle(
      bundle,
      {
        issuedAt,
        expiresAt: issuedAt + lifetime,
        ...(freeze === undefined ? {} : { freeze }),
        revocations: this.#revocations(manifest.tenant, manifest, shown),
      },
      key,
      crypto,
    );
    return { bundle: renewed, key };
  }

  /** Later than the head before, also where the clock was set back. */
  #issuedAt(before: Manifest | undefined): number {
    const now = Math.floor(this.#options.clock.now());
    return before === undefined ? now : Math.max(now, Date.parse(before.issuedAt) + 1);
  }

  /** None is ever taken back. */
  #revocations({ name }: TenantIdentity, before: Manifest | undefined, further: Revocations | undefined): Revocations {
    const { keys } = this.#options;
    const known = mergeRevocations(before?.revocations, further);
    const all = mergeRevocations(known, { keys: keys.revoked(), approvals: [] });
    if (!all.keys.includes(keys.active().keyId)) return all;
    throw new AegisError('AEGIS_SIGNING_KEY_REVOKED', `the active key is revoked for the tenant ${name}`);
  }
}
