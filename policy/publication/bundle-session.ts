/** Compiled tenants → signed bundles, each on top of the one before: one stream of publications. */
import type { ContentFile } from '../bundle/content-file.ts';
import type { CryptoProvider } from '../bundle/crypto-provider.ts';
import type { SigningKey } from '../bundle/keys.ts';
import { manifestDigest } from '../bundle/manifest.ts';
import { type SignedBundle, signBundle } from '../bundle/sign-bundle.ts';
import type { CompiledTenant } from '../compiler/compile.ts';
import { bundleContent, ContentFiles, type Engine } from './bundle-content.ts';
import { tenantIdentity } from './tenant-identity.ts';

export interface SessionOptions {
  engine: Engine;
  crypto: CryptoProvider;
  key: SigningKey;
  /** Milliseconds since the epoch. */
  clock(): number;
  /** How long a head is valid, in milliseconds. */
  lifetime: number;
}

/** Signs one bundle after another for each tenant: the sequence rises, each head names the one before. */
export class BundleSession {
  readonly #options: SessionOptions;
  readonly #files: ContentFiles;
  readonly #heads = new Map<string, { sequence: number; digest: string }>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#files = new ContentFiles(options.crypto);
  }

  publish(tenant: CompiledTenant): SignedBundle {
    const { engine, crypto, key, clock, lifetime } = this.#options;
    const previous = this.#heads.get(tenant.name);
    const sequence = (previous?.sequence ?? 0) + 1;
    const content = bundleContent(tenant, this.#files, { engine, crypto, revision: String(sequence) });
    const now = clock();
    const signed = signBundle(
      content,
      {
        tenant: tenantIdentity(tenant),
        sequence,
        issuedAt: now,
        expiresAt: now + lifetime,
        previousManifestDigest: previous?.digest ?? null,
      },
      key,
      crypto,
    );
    const head = signed.files.get('manifest.json') as ContentFile;
    this.#heads.set(tenant.name, { sequence, digest: manifestDigest(head.bytes, crypto) });
    return signed;
  }
}
