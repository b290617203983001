/**
 * Files and state entries ↔ groups of them, each a payload of one or several content-addressed pieces. Pure. One changed
 * slice changes one group; what is the same as in the pack before is neither packed nor hashed again.
 */
import { compareUtf8 } from '../../policy/bundle/canonical-json.ts';
import type { ContentFile } from '../../policy/bundle/content-file.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { quoted, toHex } from '../../policy/bundle/encoding.ts';
import * as names from '../../policy/bundle/file-names.ts';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import { isRecord } from '../../policy/bundle/record.ts';
import { readTar, writeTar } from '../../policy/bundle/tar.ts';
import { AegisError } from '../../policy/errors.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
import { bucketCount, bucketOf } from './bucket.ts';
import { splitPayload } from './split-payload.ts';

/** Raw bytes of agent files, and number of entries, that a bucket holds on average at most. */
const AGENT_BUCKET = 256 * 1024;
const STATE_BUCKET = 128;

export interface BucketCounts {
  readonly agents: number;
  readonly state: number;
}

interface FileGroup {
  readonly files: ReadonlyMap<string, ContentFile>;
  /** SHA-256 of the pieces of the payload, hexadecimal, in order. */
  readonly digests: readonly string[];
}

interface StateGroup {
  readonly entries: ReadonlyMap<string, StateEntry>;
  readonly digests: readonly string[];
}

export type Group = FileGroup | StateGroup;

/**
 * Groups: `engine` (the same for all tenants), `tenant`, `changes`, `agents/<bucket>`, `envelope` (what every new
 * sequence changes), `state/<bucket>`. The head itself is in none of them.
 */
export interface Packed {
  readonly counts: BucketCounts;
  readonly groups: ReadonlyMap<string, Group>;
}

export const NO_BUCKETS: BucketCounts = { agents: 1, state: 1 };

/** `fresh`: pieces by digest of all groups that are not the ones of `previous`. */
export function pack(
  content: { files: ReadonlyMap<string, ContentFile>; entries: StateEntries },
  crypto: CryptoProvider,
  previous: Packed = { counts: NO_BUCKETS, groups: new Map() },
): { packed: Packed; fresh: Map<string, Uint8Array> } {
  const counts = {
    agents: bucketCount(agentBytes(content.files), AGENT_BUCKET, previous.counts.agents),
    state: bucketCount(content.entries.size, STATE_BUCKET, previous.counts.state),
  };
  const groups = new Map<string, Group>();
  const fresh = new Map<string, Uint8Array>();
  const digestsOf = (pieces: readonly Uint8Array[]): string[] =>
    pieces.map((piece) => {
      const digest = toHex(crypto.sha256(piece));
      fresh.set(digest, piece);
      return digest;
    });
  for (const [name, files] of groupFiles(content.files, counts.agents)) {
    const before = previous.groups.get(name);
    const same = before !== undefined && 'files' in before && sameFiles(before.files, files);
    groups.set(name, { files, digests: same ? before.digests : digestsOf(filePieces(files)) });
  }
  for (const [name, entries] of groupEntries(content.entries, counts.state)) {
    const before = previous.groups.get(name);
    const same = before !== undefined && 'entries' in before && sameEntries(before.entries, entries);
    groups.set(name, { entries, digests: same ? before.digests : digestsOf(entryPieces(entries)) });
  }
  return { packed: { counts, groups }, fresh };
}

/** The pieces of a group, made again. */
export function piecesOf(group: Group): Uint8Array[] {
  return 'files' in group ? filePieces(group.files) : entryPieces(group.entries);
}

/** Digests of all pieces, each once. */
export function digestsOf(packed: Packed): Set<string> {
  return new Set([...packed.groups.values()].flatMap(({ digests }) => digests));
}

export function isStateGroup(name: string): boolean {
  return name.startsWith('state/');
}

/** Files of one group. @throws AegisError of `readTar`. */
export function unpackFiles(payload: Uint8Array, limits: BundleLimits): Map<string, Uint8Array> {
  return readTar(payload, limits);
}

/** Entries of one group. @throws AegisError `AEGIS_SHARD_DAMAGED`. */
export function unpackEntries(payload: Uint8Array): Map<string, StateEntry> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    json = undefined;
  }
  if (!Array.isArray(json)) throw damaged('state entries are not a list');
  const entries = new Map<string, StateEntry>();
  for (const item of json as unknown[]) {
    const [key, entry] = Array.isArray(item) ? item : [];
    if (typeof key !== 'string' || !isRecord(entry) || entries.has(key)) throw damaged('a state entry is malformed');
    entries.set(key, entry as unknown as StateEntry);
  }
  return entries;
}

/** Adds without replacing: two groups never hold the same. @throws AegisError `AEGIS_SHARD_DAMAGED`. */
export function addAll<T>(to: Map<string, T>, from: ReadonlyMap<string, T>): void {
  for (const [key, value] of from) {
    if (to.has(key)) throw damaged(`${quoted(key)} is in two groups`);
    to.set(key, value);
  }
}

function agentBytes(files: ReadonlyMap<string, ContentFile>): number {
  let total = 0;
  for (const [name, { bytes }] of files) if (name.startsWith('aegis/agents/')) total += bytes.length;
  return total;
}

function groupFiles(files: ReadonlyMap<string, ContentFile>, buckets: number): Map<string, Map<string, ContentFile>> {
  const groups = new Map<string, Map<string, ContentFile>>();
  for (const [name, file] of files) {
    if (name !== names.HEAD_FILE) add(groups, groupOf(name, buckets), name, file);
  }
  return groups;
}

function groupOf(name: string, buckets: number): string {
  switch (name) {
    case names.REGO_FILE:
    case names.WASM_FILE:
      return 'engine';
    case names.TENANT_FILE:
      return 'tenant';
    case names.CHANGES_FILE:
      return 'changes';
    case names.OPA_MANIFEST_FILE:
    case names.SIGNATURES_FILE:
      return 'envelope';
    default:
      return `agents/${bucketOf(name, buckets)}`;
  }
}

function groupEntries(entries: StateEntries, buckets: number): Map<string, Map<string, StateEntry>> {
  const groups = new Map<string, Map<string, StateEntry>>();
  for (const [key, entry] of entries) add(groups, `state/${bucketOf(key, buckets)}`, key, entry);
  return groups;
}

function add<T>(groups: Map<string, Map<string, T>>, group: string, key: string, value: T): void {
  let members = groups.get(group);
  if (members === undefined) {
    members = new Map();
    groups.set(group, members);
  }
  members.set(key, value);
}

function sameFiles(a: ReadonlyMap<string, ContentFile>, b: ReadonlyMap<string, ContentFile>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, file] of b) if (a.get(name)?.sha256 !== file.sha256) return false;
  return true;
}

function sameEntries(a: ReadonlyMap<string, StateEntry>, b: ReadonlyMap<string, StateEntry>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, entry] of b) if (a.get(key) !== entry) return false;
  return true;
}

function filePieces(files: ReadonlyMap<string, ContentFile>): Uint8Array[] {
  return splitPayload(writeTar(new Map([...files].map(([name, { bytes }]) => [name, bytes]))));
}

/** Pairs sorted by key. Unlike bundles, entries hold whatever numbers the API server has stored: plain JSON. */
function entryPieces(entries: ReadonlyMap<string, StateEntry>): Uint8Array[] {
  const pairs = [...entries].sort(([a], [b]) => compareUtf8(a, b));
  return splitPayload(new TextEncoder().encode(`[${pairs.map((pair) => JSON.stringify(pair)).join(',\n')}]`));
}

function damaged(message: string): AegisError {
  return new AegisError('AEGIS_SHARD_DAMAGED', message);
}
