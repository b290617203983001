/**
 * Writes a head: the one write that commits. What stands there instead of what was expected decides what a refusal means:
 * our own write (its answer was lost), a change by hand (put right), or another leader (AEGIS_HEAD_CONFLICT).
 */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { equalBytes } from '../../policy/bundle/encoding.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import { verifyHead } from '../../policy/bundle/verify-head.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { type HeadBytes, hasMetadataOf, headBytes } from './head-config-map.ts';
import { storedHead } from './stored-head.ts';
import type { ConfigMap } from './trusted-keys.ts';
import { mayPass, pauseAfter } from './try-again.ts';

export interface CommitOptions {
  client: KubeClient;
  clock: Clock;
  crypto: CryptoProvider;
  keys: { storedRing(): KeyRing };
  log: Logger;
}

/** What the head is known to be before the write. */
export interface HeadBase {
  /** Absent where only the place is known to be damaged: then nothing verified may stand there. */
  bytes?: HeadBytes;
  manifest?: Pick<Manifest, 'sequence' | 'issuedAt'>;
  resourceVersion: string;
}

const ATTEMPTS = 5;
const CALL_TIMEOUT = 10_000;

/**
 * @param base undefined: there is none yet.
 * @param deadline by the monotonic clock, ms: nothing is written later.
 * @returns the stored ConfigMap.
 * @throws AegisError `AEGIS_HEAD_CONFLICT`, `AEGIS_COMMIT_UNKNOWN`; KubeError where it was refused for good.
 */
export async function commitHead(
  desired: ConfigMap,
  identity: TenantIdentity,
  base: HeadBase | undefined,
  options: CommitOptions,
  deadline = Number.POSITIVE_INFINITY,
): Promise<ConfigMap> {
  const { client, clock } = options;
  let version = base?.resourceVersion;
  for (let attempt = 1; ; attempt++) {
    const outcome = await write(client, desired, version);
    if (!(outcome instanceof KubeError)) return outcome;
    if (mayPass(outcome)) await pauseAfter(attempt, outcome, clock);
    const current = await readBack(client, desired);
    if (current !== 'silent') {
      const standing = judgeHead(current, desired, identity, base, options);
      if (standing === 'ours') return current as ConfigMap;
      if (standing === 'newer') throw conflict(identity, outcome);
      tell(standing, identity, options.log);
      version = current?.metadata.resourceVersion;
    }
    // where not even reading was answered, writing again cannot do it twice
    if (attempt === ATTEMPTS || clock.monotonic() > deadline) throw unknown(identity, outcome);
  }
}

function tell(standing: Standing, { name }: TenantIdentity, log: Logger): void {
  if (standing === 'damaged' || standing === 'gone')
    log.warn('head_changed', { code: 'AEGIS_HEAD_DAMAGED', tenant: name });
}

/**
 * What stands where the head should be: nothing; what we want there; what was there before (or differs in labels only);
 * something that nobody signed, or an older head, put there by hand; or a head of somebody else.
 */
export type Standing = 'gone' | 'ours' | 'before' | 'damaged' | 'newer';

export function judgeHead(
  current: ConfigMap | undefined,
  desired: ConfigMap,
  identity: TenantIdentity,
  base: HeadBase | undefined,
  options: Pick<CommitOptions, 'keys' | 'crypto'>,
): Standing {
  if (current === undefined) return 'gone';
  const bytes = headBytes(current);
  if (sameHead(bytes, headBytes(desired))) return hasMetadataOf(current, desired) ? 'ours' : 'before';
  if (base !== undefined && sameHead(bytes, base.bytes)) return 'before';
  const manifest = bytes === undefined ? undefined : verified(bytes.manifest, identity, options);
  if (manifest === undefined) return base === undefined ? 'newer' : 'damaged';
  const before = base?.manifest;
  if (before === undefined) return 'newer';
  if (manifest.sequence !== before.sequence) return manifest.sequence > before.sequence ? 'newer' : 'damaged';
  // the same head with another index is no commit of anybody
  return manifest.issuedAt > before.issuedAt ? 'newer' : 'damaged';
}

function sameHead(a: HeadBytes | undefined, b: HeadBytes | undefined): boolean {
  return a !== undefined && b !== undefined && equalBytes(a.manifest, b.manifest) && equalBytes(a.index, b.index);
}

/** Signed by a key of ours for this tenant, however old; undefined otherwise. */
function verified(
  bytes: Uint8Array,
  identity: TenantIdentity,
  { keys, crypto }: Pick<CommitOptions, 'keys' | 'crypto'>,
): Manifest | undefined {
  try {
    return verifyHead(bytes, storedHead(identity, keys, crypto)).manifest;
  } catch {
    return undefined;
  }
}

/** What is stored now, or an error that leaves open what is. @throws KubeError where it was refused for good. */
async function write(
  client: KubeClient,
  desired: ConfigMap,
  version: string | undefined,
): Promise<ConfigMap | KubeError> {
  const options = { timeout: CALL_TIMEOUT };
  try {
    if (version === undefined) return await client.create<ConfigMap>(CONFIG_MAP, desired, options);
    const metadata = { ...desired.metadata, resourceVersion: version };
    return await client.replace<ConfigMap>(CONFIG_MAP, { ...desired, metadata }, options);
  } catch (error) {
    if (error instanceof KubeError && (error.isConflict || error.isNotFound || mayPass(error))) return error;
    throw error;
  }
}

async function readBack(client: KubeClient, { metadata }: ConfigMap): Promise<ConfigMap | undefined | 'silent'> {
  try {
    const { name, namespace } = metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    return await client.get<ConfigMap>(CONFIG_MAP, key, { timeout: CALL_TIMEOUT });
  } catch (error) {
    if (error instanceof KubeError && mayPass(error)) return 'silent';
    throw error;
  }
}

function conflict({ name }: TenantIdentity, cause: KubeError): AegisError {
  return new AegisError('AEGIS_HEAD_CONFLICT', `the head of the tenant ${name} is not the one we left`, { cause });
}

function unknown(identity: TenantIdentity, cause: KubeError): AegisError {
  return new AegisError('AEGIS_COMMIT_UNKNOWN', `whether the head of ${identity.name} was stored is not known`, {
    cause,
  });
}
