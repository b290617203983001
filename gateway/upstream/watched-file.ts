/** Just enough of a file system to notice that a mounted file changed. */
export interface FileReader {
  /** Something that differs whenever the file does, and its length in bytes. @throws where there is no such file. */
  stat(path: string): { mark: string; size: number };
  read(path: string): Uint8Array;
}

export interface WatchedFileOptions<T> {
  files: FileReader;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Larger files are unusable. */
  maxBytes: number;
  /** Content to value; undefined where it is unusable. */
  parse(text: string): T | undefined;
}

/** Least time between two looks at a file, in milliseconds. */
const INTERVAL = 1000;

/**
 * A small file that others replace while the gateway runs (mounted Secrets and ConfigMaps). It is looked at when it is
 * asked for, at most once a second; a file that is missing or unusable has no value, whatever it had before.
 */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #options: WatchedFileOptions<T>;
  #checked = Number.NEGATIVE_INFINITY;
  #mark: string | undefined;
  #value: T | undefined;

  constructor(path: string, options: WatchedFileOptions<T>) {
    this.#path = path;
    this.#options = options;
  }

  /** The same value (identity) as long as the file is the same. */
  read(): T | undefined {
    const now = this.#options.now();
    if (now - this.#checked >= INTERVAL) {
      this.#checked = now;
      this.#load();
    }
    return this.#value;
  }

  #load(): void {
    const { files, maxBytes, parse } = this.#options;
    try {
      const { mark, size } = files.stat(this.#path);
      if (mark === this.#mark) return;
      this.#value =
        size > maxBytes ? undefined : parse(new TextDecoder('utf-8', { fatal: true }).decode(files.read(this.#path)));
      this.#mark = mark;
    } catch {
      this.#mark = undefined;
      this.#value = undefined;
    }
  }
}
