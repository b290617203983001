import { readJson } from '../../policy/bundle/json-reader.ts';
import { field, type JsonRecord, readRecord } from '../../policy/bundle/record.ts';
import { AegisError } from '../../policy/errors.ts';
import { MAX_COUNTS, MAX_EGRESS } from '../../policy/wire/gateway-report.ts';
import type {
  CandidateCount,
  EgressObservation,
  GatewayAcknowledgement,
  GatewayReport,
  ViolationCount,
} from '../model/gateway-report.ts';

type Test<T> = (value: unknown) => value is T;

const matches =
  (pattern: RegExp): Test<string> =>
  (value): value is string =>
    typeof value === 'string' && pattern.test(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSequence = (value: unknown): value is number => isCount(value) && value >= 1;
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isOne = (value: unknown): value is 1 => value === 1;
const isState = (value: unknown): value is GatewayAcknowledgement['state'] =>
  value === 'none' || value === 'active' || value === 'stale';
const isInstance = matches(/^[\x21-\x7e]{1,128}$/);
const isBoot = matches(/^[A-Za-z0-9_-]{8,64}$/);
const isName = matches(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
const isUid = matches(/^[\x21-\x7e]{1,300}$/);
const isDigest = matches(/^[0-9a-f]{64}$/);
const isTag = matches(/^[\x21\x23-\x7e]{1,128}$/);
const isCode = matches(/^[A-Z][A-Z0-9_]{0,63}$/);
const isHead = matches(/^[A-Za-z0-9+/]{4,49152}={0,2}$/);
const isPolicy = matches(/^[a-z0-9][a-z0-9.-]{0,252}\/[a-z0-9][a-z0-9.-]{0,252}$/);
const isPolicyOrNone = matches(/^(?:[a-z0-9][a-z0-9.-]{0,252}\/[a-z0-9][a-z0-9.-]{0,252})?$/);
const isRevision = (value: unknown): value is string | null => value === null || isTag(value);
const isRule = matches(/^[A-Za-z0-9._/-]{0,253}$/);
const isAction = matches(/^[\x21-\x7e]{0,253}$/);
const isVerdict = matches(/^[a-z_]{1,32}$/);
const isTime = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));
const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length <= MAX_COUNTS;
const isEgressList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length <= MAX_EGRESS;
/** A host as clients name it, or an address. */
const isDestination = matches(/^(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|[0-9a-f:]{2,45})$/);
const isPort = (value: unknown): value is number => isCount(value) && value >= 1 && value <= 65_535;
const isProtocol = (value: unknown): value is EgressObservation['protocol'] => value === 'tcp' || value === 'udp';

const ACKNOWLEDGEMENT = {
  required: ['version', 'instance', 'tenant', 'state'],
  optional: {
    agent: isName,
    sequence: isSequence,
    contentRoot: isDigest,
    etag: isTag,
    digest: isDigest,
    activatedAt: isTime,
    stored: isBoolean,
    error: isCode,
    head: isHead,
  },
};

function fail(message: string): AegisError {
  return new AegisError('AEGIS_SERVING_BODY', message);
}

/** Strict: no unknown fields, no duplicate keys, whole numbers only. @throws AegisError `AEGIS_SERVING_BODY` */
export function parseBody(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes, { numbers: 'integer' });
  } catch (cause) {
    throw new AegisError('AEGIS_SERVING_BODY', 'the body is not strict JSON', { cause });
  }
}

/** @throws AegisError `AEGIS_SERVING_BODY` */
export function readAcknowledgement(value: unknown): GatewayAcknowledgement {
  const { required, optional } = ACKNOWLEDGEMENT;
  const record = readRecord(value, required, Object.keys(optional), fail);
  const tenant = readRecord(record.tenant, ['name'], ['uid'], fail);
  const state = field(record, 'state', isState, fail);
  const acknowledgement: Record<string, unknown> = {
    version: field(record, 'version', isOne, fail),
    instance: field(record, 'instance', isInstance, fail),
    tenant: {
      name: field(tenant, 'name', isName, fail),
      ...(tenant.uid !== undefined && { uid: field(tenant, 'uid', isUid, fail) }),
    },
    state,
  };
  for (const [name, test] of Object.entries(optional)) {
    if (record[name] !== undefined) acknowledgement[name] = field<unknown>(record, name, test as Test<unknown>, fail);
  }
  if (state !== 'none' && (record.sequence === undefined || record.digest === undefined)) {
    throw fail('what is in force is missing');
  }
  return acknowledgement as unknown as GatewayAcknowledgement;
}

/** @throws AegisError `AEGIS_SERVING_BODY` */
export function readReport(value: unknown): GatewayReport {
  const fields = ['version', 'instance', 'boot', 'since', 'candidates', 'violations', 'overflow'];
  const record = readRecord(value, fields, ['egress'], fail);
  return {
    version: field(record, 'version', isOne, fail),
    instance: field(record, 'instance', isInstance, fail),
    boot: field(record, 'boot', isBoot, fail),
    since: field(record, 'since', isTime, fail),
    candidates: unique(field(record, 'candidates', isList, fail).map(readCandidate), candidateKey),
    violations: unique(field(record, 'violations', isList, fail).map(readViolation), violationKey),
    overflow: field(record, 'overflow', isCount, fail),
    ...(record.egress !== undefined && {
      egress: unique(field(record, 'egress', isEgressList, fail).map(readEgress), egressKey),
    }),
  };
}

/** Names one counter of candidates within a gateway. */
export function candidateKey({ policy, revision }: Pick<CandidateCount, 'policy' | 'revision'>): string {
  return `${policy} ${revision ?? ''}`;
}

/** Names one counter of violations within a gateway. */
export function violationKey({ policy, rule, tool, action, code, verdict }: ViolationCount): string {
  return JSON.stringify([policy, rule, tool, action, code, verdict]);
}

/** Names one destination within a gateway. */
export function egressKey({ destination, port, protocol, refused }: EgressObservation): string {
  return [destination, port, protocol, refused].join(' ');
}

function readEgress(value: unknown): EgressObservation {
  const record = readRecord(value, ['destination', 'port', 'protocol', 'connections', 'refused'], [], fail);
  return {
    destination: field(record, 'destination', isDestination, fail),
    port: field(record, 'port', isPort, fail),
    protocol: field(record, 'protocol', isProtocol, fail),
    connections: countOf(record, 'connections'),
    refused: field(record, 'refused', isBoolean, fail),
  };
}

function readCandidate(value: unknown): CandidateCount {
  const fields = ['policy', 'revision', 'calls', 'wouldDeny', 'wouldAllow', 'otherwise', 'errors'];
  const record = readRecord(value, fields, [], fail);
  const count = {
    policy: field(record, 'policy', isPolicy, fail),
    revision: field(record, 'revision', isRevision, fail),
    calls: countOf(record, 'calls'),
    wouldDeny: countOf(record, 'wouldDeny'),
    wouldAllow: countOf(record, 'wouldAllow'),
    otherwise: countOf(record, 'otherwise'),
    errors: countOf(record, 'errors'),
  };
  if (count.wouldDeny + count.wouldAllow + count.otherwise + count.errors > count.calls) {
    throw fail('more differences than calls');
  }
  return count;
}

function readViolation(value: unknown): ViolationCount {
  const fields = ['policy', 'rule', 'tool', 'action', 'code', 'verdict', 'calls'];
  const record = readRecord(value, fields, [], fail);
  return {
    policy: field(record, 'policy', isPolicyOrNone, fail),
    rule: field(record, 'rule', isRule, fail),
    tool: field(record, 'tool', isRule, fail),
    action: field(record, 'action', isAction, fail),
    code: field(record, 'code', isCode, fail),
    verdict: field(record, 'verdict', isVerdict, fail),
    calls: countOf(record, 'calls'),
  };
}

function countOf(record: JsonRecord, name: string): number {
  return field(record, name, isCount, fail);
}

function unique<T>(items: T[], key: (item: T) => string): T[] {
  if (new Set(items.map(key)).size < items.length) throw fail('two counts of the same');
  return items;
}
