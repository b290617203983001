import type { TenantIdentity } from '../../../operator/model/tenant-identity.ts';
import type { ServedBundles, ServedTenant } from '../../../operator/serving/served-bundles.ts';

/** Bundles that the test hands out. */
export class FakeBundles implements ServedBundles {
  ready = true;
  /** How often an archive was asked for. */
  asked = 0;
  readonly #tenants = new Map<string, { identity: TenantIdentity; served: ServedTenant }>();
  readonly #listeners = new Set<(identity: TenantIdentity) => void>();

  tenant(name: string, uid?: string): ServedTenant | undefined {
    const found = this.#tenants.get(name);
    return found !== undefined && (uid ?? found.identity.uid) === found.identity.uid ? found.served : undefined;
  }

  subscribe(listener: (identity: TenantIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(identity: TenantIdentity, etag: string, archives: Readonly<Record<string, Uint8Array>>): void {
    const served = {
      etag,
      archive: (agentId: string) => {
        this.asked++;
        return archives[agentId];
      },
    };
    this.#tenants.set(identity.name, { identity, served });
    for (const listener of this.#listeners) listener(identity);
  }
}
