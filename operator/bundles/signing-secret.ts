/** The Secret `aegis-signing-keys`: one entry per private key, and an index that says which is which. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { type KeyRing, makeKeyRing, type TrustedKey } from '../../policy/bundle/key-ring.ts';
import {
  parsePrivateKey,
  parsePublicKey,
  privateKeyToPem,
  type SigningKey,
  signingKeyFromSeed,
} from '../../policy/bundle/keys.ts';
import { parseTime } from '../../policy/bundle/time.ts';
import type { KubeClient, KubeObject } from '../kube/types.ts';
import { SECRET } from '../model/resource-types.ts';
import { firstIndex, type KeyIndex, malformed, readKeyIndex } from './key-index.ts';

export const SIGNING_SECRET = 'aegis-signing-keys';
const INDEX = 'index.json';

export interface Secret extends KubeObject {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
}

export interface KeySet {
  readonly index: KeyIndex;
  readonly active: SigningKey;
  readonly standby: SigningKey;
}

export type RandomBytes = (length: number) => Uint8Array;

export function newKey(randomBytes: RandomBytes, crypto: CryptoProvider): SigningKey {
  return signingKeyFromSeed(randomBytes(32), crypto);
}

export function newKeySet(randomBytes: RandomBytes, crypto: CryptoProvider): KeySet {
  const active = newKey(randomBytes, crypto);
  const standby = newKey(randomBytes, crypto);
  return { index: firstIndex(active.keyId, standby.keyId), active, standby };
}

export function getSigningSecret(client: KubeClient, namespace: string): Promise<Secret | undefined> {
  return client.get<Secret>(SECRET, { namespace, name: SIGNING_SECRET });
}

export function secretOf(keys: KeySet, namespace: string): Secret {
  const data: Record<string, string> = { [INDEX]: toBase64(`${JSON.stringify(keys.index, undefined, 2)}\n`) };
  for (const key of [keys.active, keys.standby]) data[`${key.keyId}.pem`] = toBase64(privateKeyToPem(key));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: SIGNING_SECRET,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'aegis-operator', 'aegis.dev/component': 'signing-keys' },
    },
    type: 'Opaque',
    data,
  };
}

/** @throws AegisError `AEGIS_SIGNING_KEYS`, whose message holds nothing of the Secret. */
export function readKeySet({ data = {} }: Secret, crypto: CryptoProvider): KeySet {
  const entry = (name: string): string => {
    const text = data[name];
    if (text === undefined) throw malformed(`the entry ${name} is missing`);
    return Buffer.from(text, 'base64').toString('utf8');
  };
  const index = readKeyIndex(entry(INDEX), crypto);
  const keyOf = (id: string): SigningKey => {
    let key: SigningKey;
    try {
      key = parsePrivateKey(entry(`${id}.pem`), crypto);
    } catch {
      throw malformed(`the entry ${id}.pem is missing or no private key`);
    }
    if (key.keyId !== id) throw malformed(`the entry ${id}.pem holds another key`);
    return key;
  };
  return { index, active: keyOf(index.active), standby: keyOf(index.standby) };
}

/** What gateways should trust at a moment: active, standby, retired ones that are not over. */
export function ringAt({ index, active, standby }: KeySet, now: number): KeyRing {
  const retired = retiredKeys(index).filter(({ notAfter }) => (notAfter as number) > now);
  return makeKeyRing([plain(active), plain(standby), ...retired], index.revoked);
}

/** What the operator trusts of its own writing, however old. */
export function storedRingOf({ index, active, standby }: KeySet): KeyRing {
  const retired = retiredKeys(index).map(({ keyId, publicKey }) => ({ keyId, publicKey }));
  return makeKeyRing([plain(active), plain(standby), ...retired], index.revoked);
}

/** Checking that a public key is a usable point takes about a millisecond. */
const parsed = new WeakMap<KeyIndex, readonly TrustedKey[]>();

function retiredKeys(index: KeyIndex): readonly TrustedKey[] {
  let keys = parsed.get(index);
  if (keys === undefined) {
    keys = index.retired.map(({ id, publicKey, notAfter }) => ({
      keyId: id,
      publicKey: parsePublicKey(publicKey),
      notAfter: parseTime(notAfter) as number,
    }));
    parsed.set(index, keys);
  }
  return keys;
}

/** Without the private half. */
function plain({ keyId, publicKey }: SigningKey): TrustedKey {
  return { keyId, publicKey };
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
