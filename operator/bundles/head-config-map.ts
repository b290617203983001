/** Names and forms of the ConfigMaps that hold heads: one per tenant, and one per head that was replaced. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import { readManifest } from '../../policy/bundle/read-manifest.ts';
import type { KubeClient } from '../kube/types.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { ConfigMap } from './trusted-keys.ts';

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const COMPONENT = 'aegis.dev/component';
export const HEAD_COMPONENT = 'bundle-head';
export const ARCHIVE_COMPONENT = 'bundle-archive';
const TENANT = 'aegis.dev/tenant';
const TENANT_NAME = 'aegis.dev/tenant-name';
const TENANT_UID = 'aegis.dev/tenant-uid';
const SEQUENCE = 'aegis.dev/sequence';
/** On the head of a tenant that is gone: since when (RFC 3339). Nobody serves it; it is deleted later. */
const REMOVED = 'aegis.dev/removed-at';

const MANIFEST_KEY = 'manifest.json';
const INDEX_KEY = 'index.json';
const MAX_LABEL = 63;
/** Leaves room for the digests in 253 characters. */
const MAX_TENANT_IN_NAME = 180;

/** The bytes that a head consists of. */
export interface HeadBytes {
  readonly manifest: Uint8Array;
  readonly index: Uint8Array;
}

/** `aegis-head.<tenant>.<first 8 of SHA-256 of the uid>`; names that would not do are replaced by their digest. */
export function headName({ name, uid }: TenantIdentity, crypto: CryptoProvider): string {
  const plain =
    name.length <= MAX_TENANT_IN_NAME && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name);
  return `aegis-head.${plain ? name : digestOf(name, crypto).slice(0, 40)}.${digestOf(uid, crypto).slice(0, 8)}`;
}

/** By the digest of the head that it keeps. */
export function archiveName(manifestDigest: string): string {
  return `aegis-head-archive.${manifestDigest}`;
}

export function identityKey({ name, uid }: TenantIdentity): string {
  return `${name}\n${uid}`;
}

export function headConfigMap(
  identity: TenantIdentity,
  bytes: HeadBytes,
  sequence: number,
  { namespace, crypto, removedAt }: { namespace: string; crypto: CryptoProvider; removedAt?: string },
): ConfigMap {
  const removed = removedAt === undefined ? {} : { [REMOVED]: removedAt };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: headName(identity, crypto),
      namespace,
      labels: labelsOf(identity, HEAD_COMPONENT, crypto),
      annotations: { ...annotationsOf(identity, sequence), ...removed },
    },
    data: { [MANIFEST_KEY]: toText(bytes.manifest), [INDEX_KEY]: toText(bytes.index) },
  };
}

export function archiveConfigMap(
  identity: TenantIdentity,
  bytes: HeadBytes,
  head: { sequence: number; digest: string },
  { namespace, crypto }: { namespace: string; crypto: CryptoProvider },
): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: archiveName(head.digest),
      namespace,
      labels: labelsOf(identity, ARCHIVE_COMPONENT, crypto),
      annotations: annotationsOf(identity, head.sequence),
    },
    immutable: true,
    data: { [MANIFEST_KEY]: toText(bytes.manifest), [INDEX_KEY]: toText(bytes.index) },
  };
}

/** What stands in a head or an archived one; undefined where one of the two is missing. */
export function headBytes({ data = {} }: ConfigMap): HeadBytes | undefined {
  const { [MANIFEST_KEY]: manifest, [INDEX_KEY]: index } = data;
  return manifest === undefined || index === undefined ? undefined : { manifest: utf8(manifest), index: utf8(index) };
}

/** Whose head it says it is; undefined where that does not fit its name. */
export function headIdentity({ metadata }: ConfigMap, crypto: CryptoProvider): TenantIdentity | undefined {
  const name = metadata.annotations?.[TENANT_NAME];
  const uid = metadata.annotations?.[TENANT_UID];
  if (name === undefined || uid === undefined) return undefined;
  return headName({ name, uid }, crypto) === metadata.name ? { name, uid } : undefined;
}

/** Of an archived head: the label is enough to find it. */
export function archiveSelector(identity: TenantIdentity, crypto: CryptoProvider): string {
  return `${COMPONENT}=${ARCHIVE_COMPONENT},${TENANT}=${tenantLabel(identity, crypto)}`;
}

export function removedAt({ metadata }: ConfigMap): string | undefined {
  return metadata.annotations?.[REMOVED];
}

/** All labels and annotations of ours are there. */
export function hasMetadataOf(live: ConfigMap, desired: ConfigMap): boolean {
  const within = (a: Record<string, string> = {}, b: Record<string, string> = {}): boolean =>
    Object.entries(b).every(([name, value]) => a[name] === value);
  return (
    within(live.metadata.labels, desired.metadata.labels) &&
    within(live.metadata.annotations, desired.metadata.annotations) &&
    removedAt(live) === removedAt(desired)
  );
}

/** All heads, with what their manifests say; unverified, undefined where it is malformed. */
export async function listHeads(
  client: KubeClient,
  namespace: string,
): Promise<{ configMap: ConfigMap; manifest: Manifest | undefined }[]> {
  const selection = { namespace, labelSelector: `${COMPONENT}=${HEAD_COMPONENT}` };
  const { items } = await client.list<ConfigMap>(CONFIG_MAP, selection);
  return items.map((configMap) => ({ configMap, manifest: manifestOf(configMap) }));
}

/** Unverified. */
export function manifestOf(configMap: ConfigMap): Manifest | undefined {
  const bytes = headBytes(configMap);
  try {
    return bytes === undefined ? undefined : readManifest(bytes.manifest);
  } catch {
    return undefined;
  }
}

function labelsOf(identity: TenantIdentity, component: string, crypto: CryptoProvider): Record<string, string> {
  return { [MANAGED_BY]: 'aegis-operator', [COMPONENT]: component, [TENANT]: tenantLabel(identity, crypto) };
}

/** Longer names than a label takes are cut and told apart by their digest. */
function tenantLabel({ name }: TenantIdentity, crypto: CryptoProvider): string {
  const plain = name.length <= MAX_LABEL && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name);
  return plain ? name : `x-${digestOf(name, crypto).slice(0, 40)}`;
}

function annotationsOf({ name, uid }: TenantIdentity, sequence: number): Record<string, string> {
  return { [TENANT_NAME]: name, [TENANT_UID]: uid, [SEQUENCE]: String(sequence) };
}

function digestOf(text: string, crypto: CryptoProvider): string {
  return toHex(crypto.sha256(utf8(text)));
}

function toText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
