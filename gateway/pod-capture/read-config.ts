import { readJson } from '../../policy/bundle/json-reader.ts';
import { field, readRecord } from '../../policy/bundle/record.ts';
import { AegisError } from '../../policy/errors.ts';
import { isCidr as isBlock } from '../../policy/network/address.ts';
import { CAPTURE_CONFIG_VARIABLE, type CaptureConfig } from '../../policy/wire/capture-config.ts';

const MAX_ALLOWED = 256;
const MAX_PORTS = 64;
/** The last one stands for "no user" in the kernel. */
const MAX_UID = 2 ** 32 - 2;

const isOne = (value: unknown): value is 1 => value === 1;
const isPort = (value: unknown): value is number => Number.isInteger(value) && isWithin(value as number, 65_535);
/** Never root: its traffic would pass unseen. */
const isUid = (value: unknown): value is number => Number.isInteger(value) && isWithin(value as number, MAX_UID);
const isGuard = (value: unknown): value is CaptureConfig['guard'] =>
  value === 'Off' || value === 'Observe' || value === 'Enforce';
const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length <= MAX_ALLOWED;
const isCidr = (value: unknown): value is string => typeof value === 'string' && isBlock(value);
const isPorts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length >= 1 && value.length <= MAX_PORTS && value.every(isPort);

function isWithin(value: number, max: number): boolean {
  return value >= 1 && value <= max;
}

function fail(message: string): AegisError {
  return new AegisError('AEGIS_CAPTURE_CONFIG', `${CAPTURE_CONFIG_VARIABLE}: ${message}`);
}

/**
 * What the program is told. A version or a field that it does not know may mean a stricter guard than it can set up, so
 * nothing is guessed.
 * @throws AegisError AEGIS_CAPTURE_CONFIG
 */
export function readCaptureConfig(text: string | undefined): CaptureConfig {
  if (text === undefined) throw fail('it is not set');
  let value: unknown;
  try {
    value = readJson(new TextEncoder().encode(text), { numbers: 'integer' });
  } catch (cause) {
    throw new AegisError('AEGIS_CAPTURE_CONFIG', `${CAPTURE_CONFIG_VARIABLE}: it is not strict JSON`, { cause });
  }
  const record = readRecord(value, ['version', 'gatewayUid', 'ports', 'guard', 'allow'], [], fail);
  const ports = readRecord(record.ports, ['http', 'tls'], [], fail);
  const config: CaptureConfig = {
    version: field(record, 'version', isOne, fail),
    gatewayUid: field(record, 'gatewayUid', isUid, fail),
    ports: { http: field(ports, 'http', isPort, fail), tls: field(ports, 'tls', isPort, fail) },
    guard: field(record, 'guard', isGuard, fail),
    allow: field(record, 'allow', isList, fail).map(readAllowed),
  };
  if (config.ports.http === config.ports.tls) throw fail('HTTP and TLS go to the same port');
  return config;
}

function readAllowed(value: unknown): CaptureConfig['allow'][number] {
  const record = readRecord(value, ['cidr'], ['ports'], fail);
  const cidr = field(record, 'cidr', isCidr, fail);
  return record.ports === undefined ? { cidr } : { cidr, ports: field(record, 'ports', isPorts, fail) };
}
