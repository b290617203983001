import { type ContentFile, jsonFile } from './content-file.ts';
import type { CryptoProvider } from './crypto-provider.ts';

export const ENTRYPOINT = 'aegis/decision';
export const ROOT = 'aegis';

export interface OpaManifestInput {
  tenant: string;
  /**
   * Shown by OPA as the bundle's revision. Every gateway of the tenant reads it: a sequence or a commit, never a digest
   * of data that an agent must not know.
   */
  revision: string;
  /** Further members of `metadata`, e.g. the compiler's version. Seen by every gateway as well. */
  metadata?: Record<string, unknown>;
}

/**
 * OPA's `.manifest` (openpolicyagent.org/schemas/bundle/v1/manifest.schema.json). It has no `wasm` key: stock OPA
 * without WASM support refuses such bundles. The entrypoint stands in `metadata`.
 */
export function opaManifest(input: OpaManifestInput, crypto: CryptoProvider): ContentFile {
  return jsonFile(
    {
      revision: input.revision,
      roots: [ROOT],
      rego_version: 1,
      metadata: { ...input.metadata, entrypoint: ENTRYPOINT, tenant: input.tenant },
    },
    crypto,
  );
}
