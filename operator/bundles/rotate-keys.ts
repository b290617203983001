/** Changes of the signing keys by an administrator: compare-and-swap on the Secret. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { publicKeyToPem } from '../../policy/bundle/keys.ts';
import { AegisError } from '../../policy/errors.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import { SECRET } from '../model/resource-types.ts';
import { listHeads } from './head-config-map.ts';
import { type KeyIndex, revoke, rotate } from './key-index.ts';
import {
  getSigningSecret,
  type KeySet,
  newKey,
  type RandomBytes,
  readKeySet,
  type Secret,
  SIGNING_SECRET,
  secretOf,
} from './signing-secret.ts';

export interface KeyAdministration {
  client: KubeClient;
  namespace: string;
  crypto: CryptoProvider;
  randomBytes: RandomBytes;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface KeysInUse {
  index: KeyIndex;
  /** Names of tenants by the key that signed their head in force. */
  tenants: ReadonlyMap<string, readonly string[]>;
}

/** @throws AegisError `AEGIS_SIGNING_KEYS`, `AEGIS_SIGNING_KEYS_GONE`; KubeError. */
export async function keysInUse({ client, namespace, crypto }: KeyAdministration): Promise<KeysInUse> {
  const { keys } = await read({ client, namespace, crypto });
  const tenants = new Map<string, string[]>();
  for (const { manifest } of await listHeads(client, namespace)) {
    if (manifest === undefined) continue;
    const names = tenants.get(manifest.keyId) ?? [];
    tenants.set(manifest.keyId, [...names, manifest.tenant.name].sort());
  }
  return { index: keys.index, tenants };
}

/**
 * @param overlap ms that what the old key has signed stays trusted.
 * @throws AegisError `AEGIS_SIGNING_KEYS`, `AEGIS_SIGNING_KEYS_GONE`, `AEGIS_SIGNING_KEYS_CONFLICT`; KubeError.
 */
export async function rotateKeys(options: KeyAdministration, overlap: number): Promise<KeyIndex> {
  const { secret, keys } = await read(options);
  const next = newKey(options.randomBytes, options.crypto);
  const old = { publicKey: publicKeyToPem(keys.active.publicKey) };
  const index = rotate(keys.index, old, next.keyId, options.now + overlap);
  await write(options, secret, { index, active: keys.standby, standby: next });
  return index;
}

/**
 * @param force revoke even a key that heads in force are signed by: their tenants' state is not trusted any more.
 * @throws AegisError `AEGIS_KEY_ACTIVE`, `AEGIS_KEY_IN_USE`, `AEGIS_KEY_NOT_FOUND`, and those of {@link rotateKeys}.
 */
export async function revokeKey(options: KeyAdministration, id: string, force = false): Promise<KeyIndex> {
  const { secret, keys } = await read(options);
  const next = newKey(options.randomBytes, options.crypto);
  const index = revoke(keys.index, id, next.keyId);
  if (index === keys.index) return index;
  if (!force) {
    const using = (await keysInUse(options)).tenants.get(id) ?? [];
    if (using.length > 0) {
      throw new AegisError('AEGIS_KEY_IN_USE', `the key ${id} has signed the heads in force of: ${using.join(', ')}`);
    }
  }
  await write(options, secret, { ...keys, index, standby: index.standby === next.keyId ? next : keys.standby });
  return index;
}

async function read({ client, namespace, crypto }: Pick<KeyAdministration, 'client' | 'namespace' | 'crypto'>) {
  const secret = await getSigningSecret(client, namespace);
  if (secret === undefined) {
    throw new AegisError('AEGIS_SIGNING_KEYS_GONE', `there is no Secret ${SIGNING_SECRET} in ${namespace}`);
  }
  return { secret, keys: readKeySet(secret, crypto) };
}

async function write({ client, namespace }: KeyAdministration, secret: Secret, keys: KeySet): Promise<void> {
  const { data, type } = secretOf(keys, namespace);
  const next: Secret = { ...secret, ...(type === undefined ? {} : { type }), ...(data === undefined ? {} : { data }) };
  try {
    await client.replace<Secret>(SECRET, next);
  } catch (error) {
    if (error instanceof KubeError && (error.isConflict || error.status === 404)) {
      throw new AegisError('AEGIS_SIGNING_KEYS_CONFLICT', 'the Secret changed in the meantime', { cause: error });
    }
    throw error;
  }
}
