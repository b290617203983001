/** Which bundle is served for which tenant, in memory. */
import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { CommittedBundle } from './committed-bundle.ts';
import { identityKey } from './head-config-map.ts';

interface Memory {
  served: CommittedBundle | undefined;
  /** Of the newest bundle that was ever served: nothing older is, until it is let go of. */
  newest: Manifest | undefined;
  /** Digests of heads that were served lately, newest first: a watch that lags may tell of them again. */
  lately: string[];
}

const REMEMBERED = 8;

export class ServedTenants {
  readonly #tenants = new Map<string, Memory>();
  readonly #listeners = new Set<(identity: TenantIdentity) => void>();

  /** Without a uid: the one that was signed last, should there be several of this name. */
  find(name: string, uid?: string): CommittedBundle | undefined {
    if (uid !== undefined) return this.of({ name, uid });
    let found: CommittedBundle | undefined;
    for (const bundle of this.values()) {
      const later = found === undefined || bundle.manifest.issuedAt > found.manifest.issuedAt;
      if (bundle.identity.name === name && later) found = bundle;
    }
    return found;
  }

  of(identity: TenantIdentity): CommittedBundle | undefined {
    return this.#tenants.get(identityKey(identity))?.served;
  }

  *values(): Iterable<CommittedBundle> {
    for (const { served } of this.#tenants.values()) if (served !== undefined) yield served;
  }

  newest(identity: TenantIdentity): Manifest | undefined {
    return this.#tenants.get(identityKey(identity))?.newest;
  }

  /** Whether this head is served, or was a moment ago and a newer one is. */
  knows(identity: TenantIdentity, digest: string): boolean {
    const memory = this.#tenants.get(identityKey(identity));
    return memory?.served !== undefined && memory.lately.includes(digest);
  }

  /** This very head is served. */
  serves(identity: TenantIdentity, digest: string): boolean {
    const memory = this.#tenants.get(identityKey(identity));
    return memory?.served !== undefined && memory.lately[0] === digest;
  }

  /** What is served stays until there is another, which may be older. */
  letGo(identity: TenantIdentity): void {
    const memory = this.#tenants.get(identityKey(identity));
    if (memory === undefined) return;
    memory.newest = undefined;
    memory.lately = [];
  }

  /** Only forward. @returns the bundle that it replaces; `refused` where a newer one was served. */
  serve(bundle: CommittedBundle, digest: string): CommittedBundle | 'refused' | undefined {
    const key = identityKey(bundle.identity);
    const memory = this.#tenants.get(key);
    if (memory?.newest !== undefined && !isAtLeast(bundle.manifest, memory.newest)) return 'refused';
    const lately = [digest, ...(memory?.lately ?? [])].slice(0, REMEMBERED);
    this.#tenants.set(key, { served: bundle, newest: bundle.manifest, lately });
    this.#tell(bundle.identity);
    return memory?.served;
  }

  /** @returns what was served. */
  withdraw(identity: TenantIdentity): CommittedBundle | undefined {
    const memory = this.#tenants.get(identityKey(identity));
    const bundle = memory?.served;
    if (memory === undefined || bundle === undefined) return undefined;
    memory.served = undefined;
    this.#tell(identity);
    return bundle;
  }

  subscribe(listener: (identity: TenantIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(identity: TenantIdentity): void {
    for (const listener of this.#listeners) listener(identity);
  }
}

function isAtLeast(manifest: Manifest, than: Manifest): boolean {
  if (manifest.sequence !== than.sequence) return manifest.sequence > than.sequence;
  return manifest.issuedAt >= than.issuedAt;
}
