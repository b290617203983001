import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';

/** What the command line needs of a file system; errors carry Node's `code`, such as ENOENT. */
export interface FileSystem {
  /** The absolute path without symbolic links. */
  realPath(path: string): Promise<string>;
  /** What stands at `path`, links followed. */
  kindOf(path: string): Promise<'file' | 'folder' | 'other'>;
  /** Names in a folder, in any order. */
  list(path: string): Promise<string[]>;
  /** At most `limit` + 1 bytes, so that the caller can tell that a file is too large without reading all of it. */
  read(path: string, limit: number): Promise<Uint8Array>;
}

/** The real file system. */
export const nodeFileSystem: FileSystem = {
  realPath: (path) => realpath(path),
  async kindOf(path) {
    const stats = await stat(path);
    if (stats.isFile()) return 'file';
    return stats.isDirectory() ? 'folder' : 'other';
  },
  list: (path) => readdir(path),
  async read(path, limit) {
    const file = await open(path, 'r');
    try {
      return await readAtMost(file, limit + 1);
    } finally {
      await file.close();
    }
  },
};

async function readAtMost(file: FileHandle, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < limit) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(Math.min(65_536, limit - length)));
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks);
}
