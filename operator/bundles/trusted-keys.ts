/** What everybody may read of the keys: the ring and the operator's CA, in one ConfigMap. */
import { formatKeyRing, type KeyRing } from '../../policy/bundle/key-ring.ts';
import type { KubeClient, KubeObject } from '../kube/types.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';

export const TRUSTED_KEYS = 'aegis-trusted-keys';
export const KEY_RING_KEY = 'keyring.json';
export const CA_KEY = 'ca.crt';

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  /** Base64. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

/** `keys` as gateways should trust them now; `caPem` one or several certificates. */
export function trustedKeysConfigMap(keys: { ring(): KeyRing }, caPem: string, namespace: string): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: TRUSTED_KEYS,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'aegis-operator', 'aegis.dev/component': 'trusted-keys' },
    },
    data: { [KEY_RING_KEY]: formatKeyRing(keys.ring()), [CA_KEY]: caPem },
  };
}

/** By server-side apply; a write that changes nothing is none. */
export function publishTrustedKeys(client: KubeClient, configMap: ConfigMap): Promise<ConfigMap> {
  return client.apply<ConfigMap>(CONFIG_MAP, configMap, { fieldManager: 'aegis-operator', force: true });
}
