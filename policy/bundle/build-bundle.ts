import { AegisError } from '../errors.ts';
import { compareUtf8 } from './canonical-json.ts';
import { type ContentFile, checkCanonical, rawFile } from './content-file.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { quoted } from './encoding.ts';
import * as names from './file-names.ts';
import { type OpaManifestInput, opaManifest } from './opa-manifest.ts';

export interface BundleInput extends OpaManifestInput {
  engine: { rego: ContentFile; wasm: ContentFile };
  /** `data.aegis.tenant`, made with `jsonFile`. */
  tenantData: ContentFile;
  /** `data.aegis.agents[agentId]`, made with `jsonFile`. May be empty. */
  agents: ReadonlyMap<string, ContentFile>;
  /** What auditors read about each policy; gateways never load it. */
  changes: ContentFile;
}

/** The unsigned content of a bundle: every file that the signature will cover, sorted by name. */
export interface BundleContent {
  readonly files: ReadonlyMap<string, ContentFile>;
}

/**
 * Puts the content of a bundle together. Digests are taken as given (`jsonFile`, `rawFile`), so one changed slice
 * costs only that slice.
 * @throws AegisError `AEGIS_BUNDLE_INPUT` for a bad agent id.
 */
export function buildBundle(input: BundleInput, crypto: CryptoProvider): BundleContent {
  const files: [string, ContentFile][] = [
    [names.OPA_MANIFEST_FILE, opaManifest(input, crypto)],
    [names.REGO_FILE, input.engine.rego],
    [names.WASM_FILE, input.engine.wasm],
    [names.TENANT_FILE, input.tenantData],
    [names.CHANGES_FILE, input.changes],
  ];
  for (const [agentId, file] of input.agents) files.push([names.agentFile(agentId), file]);
  return { files: sorted(files) };
}

/**
 * The content from files on disk (`aegis compile -o DIR`, then `aegis sign DIR`). Head and signatures of an earlier
 * signing are left out; every JSON file must be canonical.
 * @throws AegisError of `checkBundleName` for names that have no place, `AEGIS_BUNDLE_FILE_MISSING`,
 *   `AEGIS_BUNDLE_JSON`.
 */
export function contentFromFiles(input: ReadonlyMap<string, Uint8Array>, crypto: CryptoProvider): BundleContent {
  const files: [string, ContentFile][] = [];
  for (const [name, bytes] of input) {
    names.checkBundleName(name);
    if (!names.isContentFile(name)) continue;
    if (name.endsWith('.json') || name === names.OPA_MANIFEST_FILE) checkCanonical(name, bytes);
    files.push([name, rawFile(bytes, crypto)]);
  }
  const content = { files: sorted(files) };
  checkComplete(content.files);
  return content;
}

/** @throws AegisError `AEGIS_BUNDLE_FILE_MISSING` unless all files are there that every bundle has. */
export function checkComplete(files: ReadonlyMap<string, unknown>): void {
  const { OPA_MANIFEST_FILE, REGO_FILE, WASM_FILE, TENANT_FILE, CHANGES_FILE } = names;
  for (const name of [OPA_MANIFEST_FILE, REGO_FILE, WASM_FILE, TENANT_FILE, CHANGES_FILE]) {
    if (!files.has(name)) throw new AegisError('AEGIS_BUNDLE_FILE_MISSING', `the bundle has no ${quoted(name)}`);
  }
}

function sorted(files: [string, ContentFile][]): Map<string, ContentFile> {
  return new Map(files.sort(([a], [b]) => compareUtf8(a, b)));
}
