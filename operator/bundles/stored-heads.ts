/** Heads in the API server: those in force, and those that were replaced and are kept for auditors and for recovery. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import {
  archiveConfigMap,
  archiveSelector,
  type HeadBytes,
  headIdentity,
  headName,
  listHeads,
  manifestOf,
  removedAt,
} from './head-config-map.ts';
import { byManifestDigest } from './references.ts';
import type { ConfigMap } from './trusted-keys.ts';
import { mayPass, pauseAfter } from './try-again.ts';

const ATTEMPTS = 5;

export interface StoredHeadsOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  crypto: CryptoProvider;
}

export class StoredHeads {
  readonly #options: StoredHeadsOptions;

  constructor(options: StoredHeadsOptions) {
    this.#options = options;
  }

  /** Tenants that have a head, whatever its condition; those that were removed are none. */
  async list(): Promise<TenantIdentity[]> {
    const { client, namespace, crypto } = this.#options;
    return (await listHeads(client, namespace))
      .filter(({ configMap }) => removedAt(configMap) === undefined)
      .map(({ configMap }) => headIdentity(configMap, crypto))
      .filter((identity) => identity !== undefined);
  }

  get(identity: TenantIdentity): Promise<ConfigMap | undefined> {
    const { client, namespace, crypto } = this.#options;
    return client.get<ConfigMap>(CONFIG_MAP, { namespace, name: headName(identity, crypto) });
  }

  /** Those that were replaced, newest first. */
  async archived(identity: TenantIdentity): Promise<ConfigMap[]> {
    const { client, namespace, crypto } = this.#options;
    const labelSelector = archiveSelector(identity, crypto);
    const { items } = await client.list<ConfigMap>(CONFIG_MAP, { namespace, labelSelector });
    const issuedAt = (configMap: ConfigMap): string => manifestOf(configMap)?.issuedAt ?? '';
    return [...byManifestDigest(items, crypto).values()]
      .filter((configMap) => manifestOf(configMap)?.tenant.uid === identity.uid)
      .sort((a, b) => (issuedAt(a) < issuedAt(b) ? 1 : -1));
  }

  /** Keeps a head that is about to be replaced. */
  async archive(identity: TenantIdentity, bytes: HeadBytes, head: { sequence: number; digest: string }): Promise<void> {
    const { client, clock } = this.#options;
    const desired = archiveConfigMap(identity, bytes, head, this.#options);
    for (let attempt = 1; ; attempt++) {
      try {
        await client.create<ConfigMap>(CONFIG_MAP, desired);
        return;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        // it is there: an earlier attempt ended before its commit
        if (error.isConflict) return;
        if (!mayPass(error) || attempt === ATTEMPTS) throw error;
        await pauseAfter(attempt, error, clock);
      }
    }
  }
}
