import { AegisError } from '../errors.ts';
import { quoted } from './encoding.ts';

/** The files of a bundle, by role (docs/decisions/0002-bundle-format.md). */
export const HEAD_FILE = 'manifest.json';
export const OPA_MANIFEST_FILE = '.manifest';
export const SIGNATURES_FILE = '.signatures.json';
export const REGO_FILE = 'policy.rego';
export const WASM_FILE = 'policy.wasm';
export const TENANT_FILE = 'aegis/tenant/data.json';
export const CHANGES_FILE = 'changes.json';
/** Only in a slice: where its files stand in the Merkle tree. */
export const PROOF_FILE = 'proof.json';

const AGENT_ID = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const AGENT_FILE = /^aegis\/agents\/([^/]+)\/data\.json$/;
/** Portable names only: what differs in case, in dots or in slashes cannot be said in them. */
const PLAIN_NAME = /^(\.?[a-z0-9][a-z0-9._-]*)(\/[a-z0-9][a-z0-9._-]*)*$/;
const MAX_NAME_LENGTH = 100;

const FIXED = new Set([OPA_MANIFEST_FILE, REGO_FILE, WASM_FILE, TENANT_FILE, CHANGES_FILE]);
const ENVELOPE = new Set([HEAD_FILE, SIGNATURES_FILE, PROOF_FILE]);

/** `aegis/agents/<agentId>/data.json`. @throws AegisError `AEGIS_BUNDLE_INPUT` for a bad id. */
export function agentFile(agentId: string): string {
  if (!isAgentId(agentId)) throw new AegisError('AEGIS_BUNDLE_INPUT', `not an agent id: ${quoted(agentId)}`);
  return `aegis/agents/${agentId}/data.json`;
}

export function isAgentId(text: string): boolean {
  return AGENT_ID.test(text) && !text.includes('..');
}

/** The agent whose data the file holds; undefined for every other name. */
export function agentOfFile(name: string): string | undefined {
  const id = AGENT_FILE.exec(name)?.[1];
  return id !== undefined && isAgentId(id) ? id : undefined;
}

/** Whether the name is one of the content files, which are the leaves of the Merkle tree. */
export function isContentFile(name: string): boolean {
  return FIXED.has(name) || agentOfFile(name) !== undefined;
}

/** @throws AegisError `AEGIS_BUNDLE_PATH` unless the name is a plain relative one that every file system can hold. */
export function checkPlainName(name: string): void {
  const plain = name.length <= MAX_NAME_LENGTH && PLAIN_NAME.test(name) && !name.includes('..');
  if (!plain) throw new AegisError('AEGIS_BUNDLE_PATH', `refused file name ${quoted(name)}`);
}

/**
 * Refuses every name that has no place in a bundle or slice.
 * @throws AegisError `AEGIS_BUNDLE_PATH`, `AEGIS_BUNDLE_DELTA` for `patch.json`, `AEGIS_BUNDLE_SIGNATURE_MULTIPLE` for
 *   any other file that ends in `signatures.json`, `AEGIS_BUNDLE_FILE_EXTRA` for the rest.
 */
export function checkBundleName(name: string): void {
  checkPlainName(name);
  if (ENVELOPE.has(name) || isContentFile(name)) return;
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (base === 'patch.json')
    throw new AegisError('AEGIS_BUNDLE_DELTA', `delta bundles are not accepted (${quoted(name)})`);
  if (base.endsWith('signatures.json')) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MULTIPLE', `a second signatures file: ${quoted(name)}`);
  }
  throw new AegisError('AEGIS_BUNDLE_FILE_EXTRA', `no such file belongs to a bundle: ${quoted(name)}`);
}
