import path from 'node:path';
import { AegisError } from '../../policy/errors.ts';
import type { FileSystem } from './file-system.ts';

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 100_000;

/** All files below a folder by their bundle name (`aegis/agents/a/data.json`), hidden ones included. */
export async function readBundleFolder(folder: string, files: FileSystem): Promise<Map<string, Uint8Array>> {
  const result = new Map<string, Uint8Array>();
  if ((await files.kindOf(folder).catch(() => undefined)) !== 'folder') {
    throw new AegisError('AEGIS_FILE_NOT_FOUND', `There is no folder ${folder}.`);
  }
  const walk = async (at: string, prefix: string): Promise<void> => {
    for (const name of (await files.list(at)).sort()) {
      const child = path.join(at, name);
      const bundleName = prefix === '' ? name : `${prefix}/${name}`;
      if ((await files.kindOf(child)) === 'folder') await walk(child, bundleName);
      else result.set(bundleName, await readFileBytes(child, files));
      if (result.size > MAX_FILES) throw new AegisError('AEGIS_FILE_TOO_LARGE', `${folder} has too many files.`);
    }
  };
  await walk(folder, '');
  return result;
}

/** @throws AegisError AEGIS_FILE_NOT_FOUND, AEGIS_FILE_UNREADABLE, AEGIS_FILE_TOO_LARGE */
export async function readFileBytes(file: string, files: FileSystem): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await files.read(file, MAX_FILE_BYTES);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new AegisError('AEGIS_FILE_NOT_FOUND', `There is no file ${file}.`);
    throw new AegisError('AEGIS_FILE_UNREADABLE', `${file} cannot be read (${code ?? 'unknown error'}).`, {
      cause: error,
    });
  }
  if (bytes.length > MAX_FILE_BYTES) throw new AegisError('AEGIS_FILE_TOO_LARGE', `${file} is too large.`);
  return bytes;
}

/** Text of a file in UTF-8. */
export async function readFileText(file: string, files: FileSystem): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFileBytes(file, files));
}
