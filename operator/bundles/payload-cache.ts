/** Files of shard groups that bundles in force consist of, so that a new head costs only the groups that changed. */
export type FilesByName = ReadonlyMap<string, Uint8Array>;

export class PayloadCache {
  /** By digests of the pieces. */
  readonly #payloads = new Map<string, { files: FilesByName; users: Set<string> }>();
  readonly #used = new Map<string, ReadonlySet<string>>();

  get(key: string): FilesByName | undefined {
    return this.#payloads.get(key)?.files;
  }

  get size(): number {
    return this.#payloads.size;
  }

  /** What the user (a tenant's head) consists of from now on; what nobody uses any more is dropped. */
  use(user: string, payloads: ReadonlyMap<string, FilesByName>): void {
    for (const [key, files] of payloads) {
      const known = this.#payloads.get(key);
      if (known === undefined) this.#payloads.set(key, { files, users: new Set([user]) });
      else known.users.add(user);
    }
    for (const key of this.#used.get(user) ?? []) {
      if (payloads.has(key)) continue;
      const known = this.#payloads.get(key);
      known?.users.delete(user);
      if (known?.users.size === 0) this.#payloads.delete(key);
    }
    if (payloads.size === 0) this.#used.delete(user);
    else this.#used.set(user, new Set(payloads.keys()));
  }
}
