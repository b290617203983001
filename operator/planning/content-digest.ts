import { canonicalJson } from '../../policy/bundle/canonical-json.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import type { CompiledTenant } from '../../policy/compiler/compile.ts';
import type { ContentFiles } from '../../policy/publication/bundle-content.ts';

/** Digests of everything that a compiled tenant says; files that did not change are not read again. */
export class ContentDigests {
  readonly #crypto: CryptoProvider;
  readonly #files: ContentFiles;

  /** `files` remembers digests: the one that publishes what is looked at here. */
  constructor(files: ContentFiles, crypto: CryptoProvider) {
    this.#crypto = crypto;
    this.#files = files;
  }

  /** Hexadecimal SHA-256. */
  of(tenant: CompiledTenant): string {
    const agents = [...tenant.agents].map(([id, file]) => [id, this.#files.of(file).sha256]);
    const content = [this.#files.of(tenant.part).sha256, agents, this.#files.changes(tenant).sha256];
    return toHex(this.#crypto.sha256(utf8(canonicalJson(content))));
  }
}
