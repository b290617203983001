import { canonicalJson } from '../../policy/bundle/canonical-json.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import type { CompiledTenant } from '../../policy/compiler/compile.ts';
import type { SliceFile } from '../../policy/compiler/compile-cache.ts';
import { changesOf } from '../../policy/publication/changes.ts';

/** Digests of everything that a compiled tenant says; files that did not change are not read again. */
export class ContentDigests {
  readonly #crypto: CryptoProvider;
  readonly #files = new WeakMap<SliceFile, string>();

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  /** Hexadecimal SHA-256. */
  of(tenant: CompiledTenant): string {
    const agents = [...tenant.agents].map(([id, file]) => [id, this.#file(file)]);
    return this.#text(canonicalJson([this.#file(tenant.part), agents, this.#text(canonicalJson(changesOf(tenant)))]));
  }

  #file(file: SliceFile): string {
    let digest = this.#files.get(file);
    if (digest === undefined) {
      digest = toHex(this.#crypto.sha256(file.bytes));
      this.#files.set(file, digest);
    }
    return digest;
  }

  #text(text: string): string {
    return toHex(this.#crypto.sha256(utf8(text)));
  }
}
