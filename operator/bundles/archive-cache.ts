/** Bounded by bytes; what was not asked for longest goes first. */
export class ArchiveCache {
  readonly #maxBytes: number;
  readonly #archives = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `etag` names the head: archives of heads that are gone are dropped by it. */
  of(etag: string, agentId: string, make: () => Uint8Array): Uint8Array {
    const key = `${etag}/${agentId}`;
    const known = this.#archives.get(key);
    if (known !== undefined) {
      this.#archives.delete(key);
      this.#archives.set(key, known);
      return known;
    }
    const archive = make();
    this.#archives.set(key, archive);
    this.#bytes += archive.length;
    for (const oldest of this.#archives.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
    return archive;
  }

  drop(etag: string): void {
    for (const key of this.#archives.keys()) if (key.startsWith(`${etag}/`)) this.#drop(key);
  }

  #drop(key: string): void {
    this.#bytes -= this.#archives.get(key)?.length ?? 0;
    this.#archives.delete(key);
  }
}
