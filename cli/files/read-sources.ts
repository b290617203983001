import path from 'node:path';
import { AegisError } from '../../policy/errors.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import type { FileSystem } from './file-system.ts';

/** Where sources come from. `stdin` yields chunks of bytes, as `process.stdin` does. */
export interface SourceInput {
  files: FileSystem;
  stdin: AsyncIterable<Uint8Array>;
}

export const FILE_LIMITS = {
  /** Bytes of one file. */
  file: 32 * 1024 * 1024,
  /** Bytes of all files of one command. */
  total: 256 * 1024 * 1024,
  files: 20_000,
  /** Folders below a named one. */
  depth: 32,
} as const;

/** Name under which standard input appears in positions. */
export const STDIN_NAME = '<stdin>';

/**
 * Reads the policy sources at `paths`, in that order: files as they are; folders with all `.yaml`, `.yml` and `.json`
 * files below them in sorted order, without hidden folders and `node_modules`; `-` is standard input. A file that is
 * reached twice is read once. In a folder symbolic links are followed only within it.
 *
 * @throws AegisError AEGIS_FILE_NOT_FOUND, AEGIS_FILE_UNREADABLE, AEGIS_FILE_TOO_LARGE, AEGIS_FILE_OUTSIDE_ROOT
 */
export async function readSources(paths: readonly string[], input: SourceInput): Promise<Source[]> {
  const reader = new SourceReader(input);
  for (const name of paths) await reader.add(name);
  return reader.sources;
}

class SourceReader {
  readonly sources: Source[] = [];
  readonly #input: SourceInput;
  readonly #seen = new Set<string>();
  #bytes = 0;

  constructor(input: SourceInput) {
    this.#input = input;
  }

  async add(name: string): Promise<void> {
    if (name === '-') {
      if (this.#seen.has('-')) return;
      this.#seen.add('-');
      this.#push(STDIN_NAME, await this.#readStdin());
      return;
    }
    const real = await guard(name, () => this.#input.files.realPath(name));
    const kind = await guard(name, () => this.#input.files.kindOf(real));
    if (kind === 'folder') await this.#walk(name, real, real, 0);
    else await this.#readFile(name, real);
  }

  /** `name` is what the user sees, `real` the same place without links, `root` the folder that was named. */
  async #walk(name: string, real: string, root: string, depth: number): Promise<void> {
    // A folder that is reached again through a link is a loop or a repetition.
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    if (depth > FILE_LIMITS.depth) {
      throw new AegisError('AEGIS_FILE_TOO_LARGE', `${name} is more than ${FILE_LIMITS.depth} folders deep.`);
    }
    const names = await guard(name, () => this.#input.files.list(real));
    for (const entry of names.sort(compareText)) {
      if (entry.startsWith('.') || entry === 'node_modules') continue;
      await this.#visit(path.join(name, entry), path.join(real, entry), root, depth);
    }
  }

  async #visit(name: string, at: string, root: string, depth: number): Promise<void> {
    const { files } = this.#input;
    const source = /\.(?:ya?ml|json)$/i.test(name);
    let real: string;
    let kind: string;
    try {
      real = await files.realPath(at);
      kind = await files.kindOf(real);
    } catch (error) {
      // A dangling link or an unreadable entry matters only where its name says that it holds policies.
      if (!source) return;
      throw readError(name, error);
    }
    if (kind === 'other' || (kind === 'file' && !source)) return;
    if (real !== root && !real.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) {
      throw new AegisError('AEGIS_FILE_OUTSIDE_ROOT', `${name} is a symbolic link that leads out of the folder.`);
    }
    if (kind === 'folder') await this.#walk(name, real, root, depth + 1);
    else await this.#readFile(name, real);
  }

  async #readFile(name: string, real: string): Promise<void> {
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    this.#push(name, await guard(name, () => this.#input.files.read(real, FILE_LIMITS.file)));
  }

  async #readStdin(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    await guard(STDIN_NAME, async () => {
      for await (const chunk of this.#input.stdin) {
        chunks.push(chunk);
        length += chunk.byteLength;
        if (length > FILE_LIMITS.file) break;
      }
    });
    return Buffer.concat(chunks);
  }

  #push(file: string, bytes: Uint8Array): void {
    if (bytes.byteLength > FILE_LIMITS.file) {
      throw new AegisError('AEGIS_FILE_TOO_LARGE', `${file} is larger than ${FILE_LIMITS.file} bytes.`);
    }
    this.#bytes += bytes.byteLength;
    if (this.#bytes > FILE_LIMITS.total || this.sources.length >= FILE_LIMITS.files) {
      const message = `With ${file} there are more than ${FILE_LIMITS.files} files or ${FILE_LIMITS.total} bytes.`;
      throw new AegisError('AEGIS_FILE_TOO_LARGE', message);
    }
    this.sources.push({ file, text: decode(file, bytes) });
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AegisError('AEGIS_FILE_UNREADABLE', `${file} is not UTF-8 text.`, { cause });
  }
}

async function guard<T>(name: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw readError(name, error);
  }
}

function readError(name: string, cause: unknown): AegisError {
  const code = (cause as { code?: unknown } | null)?.code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new AegisError('AEGIS_FILE_NOT_FOUND', `${name} does not exist.`, { cause });
  }
  if (code === 'ELOOP') {
    return new AegisError('AEGIS_FILE_UNREADABLE', `${name} is a loop of symbolic links.`, { cause });
  }
  return new AegisError('AEGIS_FILE_UNREADABLE', `${name} cannot be read (${String(code ?? 'unknown')}).`, { cause });
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
