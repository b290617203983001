import { appendFile, rename, rm, stat } from 'node:fs/promises';
import type { LineSink } from './line-sink.ts';

export interface FileSinkOptions {
  /** Bytes at which the file becomes `PATH.1`, `PATH.1` becomes `PATH.2`, and so on. */
  maxSize: number;
  /** Renamed files that are kept. */
  keep: number;
}

/** A file with rotation by size. Opened for each batch, so that a file that somebody else moves away is begun anew. */
export function fileSink(path: string, { maxSize, keep }: FileSinkOptions): LineSink {
  async function rotate(): Promise<void> {
    if (keep === 0) {
      await rm(path, { force: true });
      return;
    }
    for (let index = keep; index > 0; index--) {
      const from = index === 1 ? path : `${path}.${index - 1}`;
      await rename(from, `${path}.${index}`).catch(ignoreMissing);
    }
  }

  return {
    name: path,
    async write(lines) {
      const size = await stat(path).then(({ size }) => size, ignoreMissing);
      if (size !== undefined && size > 0 && size + Buffer.byteLength(lines) > maxSize) await rotate();
      await appendFile(path, lines, { mode: 0o600 });
    },
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
