import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient, KubeObject } from '../../operator/kube/types.ts';
import { CONFIG_MAP } from '../../operator/model/resource-types.ts';
import { OPERATOR_NAMESPACE } from '../../test/support/operator-process.ts';

type Head = KubeObject & { data?: Record<string, string> };
interface Manifest {
  sequence: number;
  tenant: { name: string; uid: string };
  previousManifestDigest: string | null;
}

const HEADS = { namespace: OPERATOR_NAMESPACE, labelSelector: 'aegis.dev/component in (bundle-head,bundle-archive)' };

/** Every head that was ever committed, by digest of its manifest: from a watch, and from the archive. */
export class Heads {
  readonly violations: string[] = [];
  readonly #client: KubeClient;
  readonly #known = new Map<string, Manifest>();
  readonly #latest = new Map<string, Manifest>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  get size(): number {
    return this.#known.size;
  }

  follow(): void {
    this.#running = this.#follow();
  }

  /** Sequence of the newest head of every tenant, by name. */
  latest(): ReadonlyMap<string, number> {
    return new Map([...this.#latest.values()].map(({ tenant, sequence }) => [tenant.name, sequence]));
  }

  /** Digests, after another look at everything that is stored. */
  async all(): Promise<ReadonlyMap<string, Manifest>> {
    await this.#list();
    return this.#known;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #list(): Promise<string> {
    const { items, resourceVersion } = await this.#client.list<Head>(CONFIG_MAP, HEADS);
    for (const head of items) this.#take(head);
    return resourceVersion;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const resourceVersion = await this.#list();
        const selection = { ...HEADS, resourceVersion, timeoutSeconds: 300 };
        for await (const event of this.#client.watch<Head>(CONFIG_MAP, selection, signal)) {
          if (event.type !== 'BOOKMARK' && event.type !== 'DELETED') this.#take(event.object);
        }
      } catch {
        await sleep(200);
      }
    }
  }

  #take({ data, metadata }: Head): void {
    const text = data?.['manifest.json'];
    if (text === undefined || text === '') return;
    const manifest = JSON.parse(text) as Manifest;
    this.#known.set(createHash('sha256').update(text).digest('hex'), manifest);
    if (metadata.labels?.['aegis.dev/component'] !== 'bundle-head') return;
    const key = `${manifest.tenant.name} ${manifest.tenant.uid}`;
    const before = this.#latest.get(key);
    if (before !== undefined && manifest.sequence < before.sequence) {
      this.violations.push(`the head of ${key} went back from ${before.sequence} to ${manifest.sequence}`);
    }
    this.#latest.set(key, manifest);
  }
}
