/** Bounded reading of files that somebody else writes. */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { quoted } from '../../policy/bundle/encoding.ts';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import { AegisError } from '../../policy/errors.ts';

/** Bundles have three levels (`aegis/agents/<id>/data.json`). */
const MAX_DEPTH = 6;
const CHUNK = 256 * 1024;
/** Read beyond what is expected: some files say that they are empty (procfs) and some grow, and neither in bytes. */
const SPARE = 4096;

/** A file as it stands in a folder. */
interface FoundFile {
  /** With `/` between its parts, as bundles name files. */
  name: string;
  /** Changes whenever the file does: inode, size and times. */
  mark: string;
}

export interface FolderListing {
  files: FoundFile[];
  /** The folder itself and every folder in it. */
  folders: string[];
}

/**
 * All files below a folder, symbolic links followed (their content is verified like any other).
 * @throws AegisError `AEGIS_BUNDLE_TOO_LARGE`; errors of the file system.
 */
export async function listFolder(folder: string, maxFiles: number): Promise<FolderListing> {
  const listing: FolderListing = { files: [], folders: [] };
  const walk = async (at: string, prefix: string, depth: number): Promise<void> => {
    listing.folders.push(at);
    for (const entry of (await readdir(at)).sort()) {
      const name = prefix + entry;
      const stats = await stat(path.join(at, entry), { bigint: true });
      if (stats.isDirectory() && depth < MAX_DEPTH) await walk(path.join(at, entry), `${name}/`, depth + 1);
      else listing.files.push({ name, mark: markOf(stats) });
      if (listing.files.length > maxFiles || listing.folders.length > maxFiles + MAX_DEPTH) {
        throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `${quoted(folder)} holds more than ${maxFiles} files`);
      }
    }
  };
  await walk(folder, '', 1);
  return listing;
}

export function markOf(stats: { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
}

/** The files of a folder by name. @throws AegisError `AEGIS_BUNDLE_TOO_LARGE`, `AEGIS_BUNDLE_SOURCE`. */
export async function readFolder(
  folder: string,
  names: readonly string[],
  limits: BundleLimits,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let left = limits.maxTotalBytes;
  for (const name of names) {
    const bytes = await readBounded(path.join(folder, ...name.split('/')), Math.min(limits.maxFileBytes, left));
    left -= bytes.length;
    files.set(name, bytes);
  }
  return files;
}

/**
 * A plain file whole, never more than `limit` bytes of it; pipes and devices are not opened for good.
 * @throws AegisError `AEGIS_BUNDLE_TOO_LARGE`, `AEGIS_BUNDLE_SOURCE`; errors of the file system.
 */
export async function readBounded(file: string, limit: number): Promise<Uint8Array> {
  // without O_NONBLOCK, opening a named pipe waits for a writer
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new AegisError('AEGIS_BUNDLE_SOURCE', `${quoted(file)} is not a plain file`);
    if (stats.size > limit) throw tooLarge(file, limit);
    return await readAll(handle, file, stats.size, limit);
  } finally {
    await handle.close();
  }
}

async function readAll(handle: FileHandle, file: string, expected: number, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const chunk = new Uint8Array(Math.min(CHUNK, Math.max(SPARE, expected - length)));
    const { bytesRead } = await handle.read(chunk);
    if (bytesRead === 0) break;
    length += bytesRead;
    if (length > limit) throw tooLarge(file, limit);
    chunks.push(bytesRead < chunk.length ? chunk.slice(0, bytesRead) : chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : new Uint8Array(Buffer.concat(chunks));
}

function tooLarge(file: string, limit: number): AegisError {
  return new AegisError('AEGIS_BUNDLE_TOO_LARGE', `${quoted(file)} has more than ${limit} bytes`);
}

/** An error of the file system as one of ours; ours stay as they are. */
export function sourceError(error: unknown, place: string): AegisError {
  if (error instanceof AegisError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
  return new AegisError('AEGIS_BUNDLE_SOURCE', `${quoted(place)} cannot be read (${code})`, { cause: error });
}
