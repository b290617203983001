import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import { type ContentFile, rawFile } from './content-file.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { equalBytes, fromHex, quoted } from './encoding.ts';
import * as names from './file-names.ts';
import { readJson } from './json-reader.ts';
import { type InclusionProof, MAX_DEPTH, proveInclusion } from './merkle.ts';
import { field, readRecord } from './record.ts';
import type { SignedBundle } from './sign-bundle.ts';

/** What the gateway of one agent receives: head, engine, tenant part, its own slice, and the proofs of these files. */
export interface BundleSlice {
  readonly agentId: string;
  readonly files: ReadonlyMap<string, ContentFile>;
}

export interface SliceOptions {
  /** Add `policy.rego`, e.g. for `aegis explain` on a gateway; evaluation does not need it. */
  rego?: boolean;
}

/**
 * The slice of one agent; its size does not depend on the other agents, but for one hash per doubling of their number.
 * `bundle` is what was signed, or a whole bundle that was verified.
 * @throws AegisError `AEGIS_BUNDLE_AGENT` when the agent is not in the bundle.
 */
export function sliceBundle(
  bundle: Pick<SignedBundle, 'files' | 'blinding' | 'tree'>,
  agentId: string,
  crypto: CryptoProvider,
  options: SliceOptions = {},
): BundleSlice {
  const agent = names.agentFile(agentId);
  if (!bundle.files.has(agent)) {
    throw new AegisError('AEGIS_BUNDLE_AGENT', `the agent ${quoted(agentId)} is not in the bundle`);
  }
  const blinding = fromHex(bundle.blinding) as Uint8Array;
  const files = new Map<string, ContentFile>();
  const leaves: InclusionProof[] = [];
  for (const name of sliceFileNames(agentId, options.rego === true)) {
    files.set(name, bundle.files.get(name) as ContentFile);
    leaves.push(proveInclusion(bundle.tree, name, blinding, crypto));
  }
  files.set(names.HEAD_FILE, bundle.files.get(names.HEAD_FILE) as ContentFile);
  files.set(names.PROOF_FILE, rawFile(canonicalJsonBytes({ version: 1, leaves }), crypto));
  return { agentId, files };
}

/** Content files of a slice, sorted by name. */
export function sliceFileNames(agentId: string, rego: boolean): string[] {
  const files = [names.OPA_MANIFEST_FILE, names.agentFile(agentId), names.TENANT_FILE];
  return rego ? [...files, names.REGO_FILE, names.WASM_FILE] : [...files, names.WASM_FILE];
}

/**
 * Parses `proof.json`. The proofs say nothing until `verifyInclusion` has checked them against a signed root.
 * @throws AegisError `AEGIS_BUNDLE_PROOF`.
 */
export function readProofs(bytes: Uint8Array): Map<string, InclusionProof> {
  const root = readRecord(parse(bytes), ['version', 'leaves'], [], fail);
  if (root.version !== 1) throw fail('version must be 1');
  const proofs = new Map<string, InclusionProof>();
  for (const item of field(root, 'leaves', Array.isArray, fail) as unknown[]) {
    const leaf = readRecord(item, ['name', 'index', 'blind', 'path'], [], fail);
    const name = field(leaf, 'name', isString, fail);
    if (proofs.has(name)) throw fail(`two proofs for ${quoted(name)}`);
    const index = field(leaf, 'index', isNumber, fail);
    proofs.set(name, {
      name,
      index,
      blind: field(leaf, 'blind', isHash, fail),
      path: field(leaf, 'path', isPath, fail),
    });
  }
  return proofs;
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length > 64 * 1024) throw fail('it is too large');
  try {
    const json = readJson(bytes, { numbers: 'integer' });
    if (!equalBytes(canonicalJsonBytes(json), bytes)) throw fail('it is not canonical JSON');
    return json;
  } catch (error) {
    throw error instanceof AegisError && error.code !== 'AEGIS_BUNDLE_PROOF' ? fail(error.message) : error;
  }
}

const isString = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isPath = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= MAX_DEPTH && value.every(isHash);

function fail(message: string): AegisError {
  return new AegisError('AEGIS_BUNDLE_PROOF', `proof.json: ${message}`);
}
