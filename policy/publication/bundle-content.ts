/** A compiled tenant → the unsigned content of its bundle. */
import { buildBundle } from '../bundle/build-bundle.ts';
import { type ContentFile, rawFile } from '../bundle/content-file.ts';
import type { CryptoProvider } from '../bundle/crypto-provider.ts';
import type { CompiledTenant } from '../compiler/compile.ts';
import type { SliceFile } from '../compiler/compile-cache.ts';
import { ChangesWriter } from './changes.ts';

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
  readonly #changes = new ChangesWriter();
  readonly #changesOf = new WeakMap<CompiledTenant, ContentFile>();
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

  /** `changes.json`. */
  changes(tenant: CompiledTenant): ContentFile {
    let content = this.#changesOf.get(tenant);
    if (content === undefined) {
      content = rawFile(this.#changes.bytes(tenant), this.#crypto);
      this.#changesOf.set(tenant, content);
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
      changes: files.changes(tenant),
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
