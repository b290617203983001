/**
 * Deletes what nothing refers to any more. Safe beside other publishers without a common clock:
 * - a shard goes only after it has been seen, unchanged and unreferenced, for longer than a commit may take;
 * - references are read after the shards were seen, and deleting names the resourceVersion that was seen: a shard that
 *   somebody uses again in between has another one.
 */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import { ARCHIVE_COMPONENT, COMPONENT, HEAD_COMPONENT, removedAt } from './head-config-map.ts';
import { inParallel } from './in-parallel.ts';
import { type References, referencesOf, shardsIn } from './references.ts';
import { SHARD_COMPONENT, SHARD_GROUP, shardDigest, shardName } from './shard-store.ts';
import type { ConfigMap } from './trusted-keys.ts';

/** How long something must have been seen unreferenced, ms. A commit gives up after half of it. */
export const GRACE = 5 * 60_000;
/** How long the head of a tenant that is gone is kept, ms: should it come back, its sequence goes on. */
const REMOVED_KEPT = 7 * 24 * 3_600_000;
const MAX_DELETIONS = 256;
const WORKERS = 4;
/** Their data comes with them and is dropped page by page. */
const SHARD_PAGE = 32;
const HEAD_PAGE = 100;

export interface GarbageOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  crypto: CryptoProvider;
}

export interface Collected {
  shards: number;
  /** Heads that were replaced, beyond the retention, and those of tenants that are long gone. */
  heads: number;
}

interface Seen {
  version: string;
  /** Monotonic, ms. */
  since: number;
}

export class GarbageCollector {
  readonly #options: GarbageOptions;
  /** What has been seen and was not in use, by name of the ConfigMap. */
  readonly #seen = new Map<string, Seen>();
  /** resourceVersions of shards that this process has written, by digest. */
  readonly #written = new Map<string, string>();
  #turn = 0;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** Shards whose version is known need not be found by a list once nothing refers to them. */
  written(versions: ReadonlyMap<string, string>): void {
    for (const [digest, version] of versions) this.#written.set(digest, version);
  }

  /**
   * One bounded step: looks at one sixteenth of the shards, and deletes a limited number of what has waited long enough.
   * @param retention heads that are kept for the tenant of this head (its name), the current one included.
   * @param inUse further shards that must stay.
   * @throws KubeError.
   */
  async step(retention: (head: string) => number, inUse: Iterable<string> = []): Promise<Collected> {
    await this.#lookAt((this.#turn++ % 16).toString(16));
    const references = await this.#references(retention);
    if (references === undefined) return { shards: 0, heads: 0 };
    for (const digest of inUse) references.shards.add(digest);
    for (const [name, { metadata }] of references.surplus) this.#see(name, metadata.resourceVersion ?? '');
    const collected: Collected = { shards: 0, heads: 0 };
    await inParallel(this.#due(references), WORKERS, async ([name, version]) => {
      this.#seen.delete(name);
      const digest = shardDigest({ metadata: { name } });
      if (digest !== undefined) this.#written.delete(digest);
      if (!(await this.#delete(name, version))) return;
      if (digest === undefined) {
        collected.heads++;
        this.#seeShardsOf(references.surplus.get(name));
      } else collected.shards++;
    });
    return collected;
  }

  /** The next step finds out which of them are in use elsewhere. */
  #seeShardsOf(head: ConfigMap | undefined): void {
    for (const digest of (head && shardsIn(head)) ?? []) {
      const version = this.#written.get(digest);
      if (version !== undefined) this.#see(shardName(digest), version);
    }
  }

  async #lookAt(group: string): Promise<void> {
    const labelSelector = `${COMPONENT}=${SHARD_COMPONENT},${SHARD_GROUP}=${group}`;
    const { client, namespace } = this.#options;
    const { items } = await client.list<ConfigMap>(CONFIG_MAP, {
      namespace,
      labelSelector,
      pageSize: SHARD_PAGE,
      map: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
    });
    const there = new Set<string>();
    for (const { metadata } of items) {
      if (shardDigest({ metadata }) === undefined) continue;
      there.add(metadata.name);
      this.#see(metadata.name, metadata.resourceVersion ?? '');
    }
    for (const name of this.#seen.keys()) {
      if (name.startsWith(shardName(group)) && !there.has(name)) this.#seen.delete(name);
    }
  }

  async #references(retention: (head: string) => number): Promise<References | undefined> {
    const heads = (await this.#list(`${COMPONENT}=${HEAD_COMPONENT}`)).items;
    const archived = (await this.#list(`${COMPONENT}=${ARCHIVE_COMPONENT}`)).items;
    const kept = (head: ConfigMap): number => (this.#isLongGone(head) ? 0 : Math.max(1, retention(head.metadata.name)));
    return referencesOf({ heads, archived }, kept, this.#options.crypto);
  }

  #isLongGone(head: ConfigMap): boolean {
    const since = Date.parse(removedAt(head) ?? '');
    return !Number.isNaN(since) && this.#options.clock.now() - since > REMOVED_KEPT;
  }

  #see(name: string, version: string): void {
    const before = this.#seen.get(name);
    if (before?.version === version) return;
    this.#seen.set(name, { version, since: this.#options.clock.monotonic() });
  }

  /** What may go now; whoever is in use is forgotten, so that its waiting starts anew. */
  #due({ shards, surplus }: References): [name: string, version: string][] {
    const now = this.#options.clock.monotonic();
    const due: [string, string][] = [];
    for (const [name, { version, since }] of this.#seen) {
      const digest = shardDigest({ metadata: { name } });
      const used = digest === undefined ? !surplus.has(name) : shards.has(digest);
      if (used) this.#seen.delete(name);
      else if (now - since >= GRACE && due.length < MAX_DELETIONS) due.push([name, version]);
    }
    return due;
  }

  async #delete(name: string, resourceVersion: string): Promise<boolean> {
    const { client, namespace } = this.#options;
    try {
      await client.delete(CONFIG_MAP, { namespace, name }, { resourceVersion });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.isConflict) return false;
      throw error;
    }
  }

  #list(labelSelector: string): Promise<{ items: ConfigMap[] }> {
    const { client, namespace } = this.#options;
    return client.list<ConfigMap>(CONFIG_MAP, { namespace, labelSelector, pageSize: HEAD_PAGE });
  }
}
