/** Compiled tenants → signed bundles, each on top of the one before: one stream of publications. */
import { buildBundle } from '../../policy/bundle/build-bundle.ts';
import { type ContentFile, jsonFile, rawFile } from '../../policy/bundle/content-file.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { SigningKey } from '../../policy/bundle/keys.ts';
import { manifestDigest } from '../../policy/bundle/manifest.ts';
import { type SignedBundle, signBundle } from '../../policy/bundle/sign-bundle.ts';
import type { CompiledTenant } from '../../policy/compiler/compile.ts';
import type { SliceFile } from '../../policy/compiler/compile-cache.ts';
import { changesOf } from './changes.ts';

export interface Engine {
  rego: Uint8Array;
  wasm: Uint8Array;
}

export interface BundleContentOptions {
  engine: Engine;
  crypto: CryptoProvider;
  /** Shown by OPA as the bundle's revision. */
  revision: string;
}

/** Digests of files that did not change are kept between publications. */
export class ContentFiles {
  readonly #files = new WeakMap<SliceFile, ContentFile>();
  readonly #crypto: CryptoProvider;

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  of(file: SliceFile): ContentFile {
    let content = this.#files.get(file);
    if (content === undefined) {
      content = rawFile(file.bytes, this.#crypto);
      this.#files.set(file, content);
    }
    return content;
  }
}

/** The unsigned content of a tenant's bundle. */
export function bundleContent(tenant: CompiledTenant, files: ContentFiles, options: BundleContentOptions) {
  const { engine, crypto, revision } = options;
  return buildBundle(
    {
      tenant: tenant.name,
      revision,
      engine: { rego: files.of(sliceOf(engine.rego)), wasm: files.of(sliceOf(engine.wasm)) },
      tenantData: files.of(tenant.part),
      agents: new Map([...tenant.agents].map(([id, file]) => [id, files.of(file)])),
      changes: jsonFile(changesOf(tenant), crypto),
    },
    crypto,
  );
}

const engineFiles = new WeakMap<Uint8Array, SliceFile>();

function sliceOf(bytes: Uint8Array): SliceFile {
  let file = engineFiles.get(bytes);
  if (file === undefined) {
    file = { bytes };
    engineFiles.set(bytes, file);
  }
  return file;
}

/** A tenant that no cluster has given a uid is known by its name alone. */
export function tenantIdentity(tenant: { name: string; uid?: string }): { name: string; uid: string } {
  return { name: tenant.name, uid: tenant.uid ?? `local:${tenant.name}` };
}

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
