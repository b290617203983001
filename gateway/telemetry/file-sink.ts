import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LineSink } from './line-sink.ts';

export interface FileSinkOptions {
  /** Bytes at which the file becomes `PATH.1`, `PATH.1` becomes `PATH.2`, and so on. */
  maxSize: number;
  /** Renamed files that are kept. */
  keep: number;
}

/**
 * A pipe that nobody reads is refused instead of waited for: the thread that waits cannot be ended, and would hold up
 * the end of the process for as long.
 */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
/** ms between looks whether the reader of a pipe has made room. */
const ROOM = 20;

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
      const file = await open(path, FLAGS, 0o600);
      try {
        await append(file, Buffer.from(lines));
      } finally {
        await file.close();
      }
    },
  };
}

/** All of it or, where it is a file, nothing: what a full disk took would stand as a broken line before the next one. */
async function append(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const before = await file.stat();
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await file.write(bytes, at)).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') await sleep(ROOM);
      else {
        if (at > 0 && before.isFile()) await file.truncate(before.size).catch(() => undefined);
        throw error;
      }
    }
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
