import { canonicalJson, canonicalJsonBytes } from '../../policy/bundle/canonical-json.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import { isAgentId } from '../../policy/bundle/file-names.ts';
import { readJson } from '../../policy/bundle/json-reader.ts';
import { isKeyId } from '../../policy/bundle/key-ring.ts';
import type { Freeze } from '../../policy/bundle/manifest.ts';
import { field, isRecord, type JsonRecord, readRecord } from '../../policy/bundle/record.ts';
import { isTime, parseTime } from '../../policy/bundle/time.ts';
import { AegisError } from '../../policy/errors.ts';
import { type GatewayMemory, MAX_REVOKED_APPROVALS, MAX_REVOKED_KEYS } from './gateway-memory.ts';

export const MAX_MEMORY_BYTES = 8 * 1024 * 1024;

/** `memory.json`: the memory and a digest of it. The digest finds damage; against forgery there is the file's mode. */
export function writeMemory(memory: GatewayMemory, crypto: CryptoProvider): Uint8Array {
  const { tenant, agent, head, verifiedAt, revoked } = memory;
  const json = {
    version: 1,
    tenant,
    ...(agent !== undefined && { agent }),
    head,
    verifiedAt,
    revokedKeys: revoked.keys,
    revokedApprovals: [...revoked.approvals].map(([id, seen]) => ({ id, seen })),
  };
  return canonicalJsonBytes({ memory: json, sha256: digest(json, crypto) });
}

/** @throws AegisError `AEGIS_BUNDLE_STORE_CORRUPT` for anything that `writeMemory` would not write. */
export function readMemory(bytes: Uint8Array, crypto: CryptoProvider): GatewayMemory {
  const outer = readRecord(parse(bytes), ['memory', 'sha256'], [], fail);
  const required = ['version', 'tenant', 'head', 'verifiedAt', 'revokedKeys', 'revokedApprovals'];
  const json = readRecord(outer.memory, required, ['agent'], fail);
  if (json.version !== 1 || outer.sha256 !== digest(json, crypto)) throw fail('the digest does not fit');
  const tenant = readRecord(json.tenant, ['name', 'uid'], [], fail);
  const head = readRecord(json.head, ['sequence', 'contentRoot', 'issuedAt', 'etag', 'freeze'], [], fail);
  const agent = json.agent === undefined ? {} : { agent: field(json, 'agent', isAgent, fail) };
  return {
    tenant: { name: field(tenant, 'name', isText, fail), uid: field(tenant, 'uid', isText, fail) },
    ...agent,
    head: {
      sequence: field(head, 'sequence', isSequence, fail),
      contentRoot: field(head, 'contentRoot', isText, fail),
      issuedAt: field(head, 'issuedAt', isTimeText, fail),
      etag: field(head, 'etag', isText, fail),
      freeze: field(head, 'freeze', isFreeze, fail),
    },
    verifiedAt: field(json, 'verifiedAt', isInstant, fail),
    revoked: {
      keys: field(json, 'revokedKeys', isKeyList, fail),
      approvals: new Map(field(json, 'revokedApprovals', isApprovalList, fail).map(({ id, seen }) => [id, seen])),
    },
  };
}

function digest(json: unknown, crypto: CryptoProvider): string {
  return toHex(crypto.sha256(utf8(canonicalJson(json))));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes, { numbers: 'integer' });
  } catch (error) {
    throw error instanceof AegisError ? fail(error.message) : error;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 512;
const isAgent = (value: unknown): value is string => typeof value === 'string' && isAgentId(value);
const isSequence = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isInstant = (value: unknown): value is number => typeof value === 'number' && isTime(value);
const isTimeText = (value: unknown): value is string => isText(value) && parseTime(value) !== undefined;
const isKeyList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= MAX_REVOKED_KEYS && value.every((id) => isText(id) && isKeyId(id));
const isApproval = (value: unknown): value is { id: string; seen: number } =>
  isRecord(value) && isText(value.id) && isInstant(value.seen);
const isApprovalList = (value: unknown): value is { id: string; seen: number }[] =>
  Array.isArray(value) && value.length <= MAX_REVOKED_APPROVALS && value.every(isApproval);

const MODES: ReadonlySet<unknown> = new Set(['None', 'Keep', 'DenyWrites', 'DenyAll']);

/** The digest has vouched for the rest of it. */
function isFreeze(value: unknown): value is Freeze {
  const { mode, since } = (isRecord(value) ? value : {}) as JsonRecord;
  return MODES.has(mode) && (mode === 'None' || isTimeText(since));
}

function fail(message: string): AegisError {
  return new AegisError('AEGIS_BUNDLE_STORE_CORRUPT', `memory.json: ${message}`);
}
