import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AegisError } from '../../policy/errors.ts';

/** Writing, as far as commands need it. */
export interface OutputFiles {
  /** Replaces the file in one step. */
  write(file: string, bytes: Uint8Array | string): Promise<void>;
  /** A new file that only its owner can read. @throws AegisError `AEGIS_OUTPUT_EXISTS`. */
  createSecret(file: string, text: string): Promise<void>;
  create(file: string, text: string): Promise<void>;
  /**
   * Puts a folder with exactly these files at `folder`, in one step: either all of it or nothing is there. An existing
   * folder is replaced when it is empty or `replaceable` says so of its names.
   * @throws AegisError `AEGIS_OUTPUT_EXISTS`.
   */
  replaceFolder(
    folder: string,
    files: ReadonlyMap<string, Uint8Array>,
    replaceable: (names: string[]) => boolean,
  ): Promise<void>;
}

export const nodeOutputFiles: OutputFiles = {
  async write(file, bytes) {
    await guard(file, async () => {
      await mkdir(path.dirname(path.resolve(file)), { recursive: true });
      const partial = `${file}.${process.pid}.partial`;
      await writeFile(partial, bytes);
      await rename(partial, file);
    });
  },
  createSecret: (file, text) => createNew(file, text, 0o600),
  create: (file, text) => createNew(file, text, 0o644),
  async replaceFolder(folder, files, replaceable) {
    await guard(folder, async () => {
      const names = await namesIn(folder);
      if (names !== undefined && names.length > 0 && !replaceable(names)) {
        throw new AegisError('AEGIS_OUTPUT_EXISTS', `${folder} holds other files; nothing was written.`);
      }
      const target = path.resolve(folder);
      const partial = `${target}.${process.pid}.partial`;
      try {
        for (const [name, bytes] of files) {
          const file = path.join(partial, ...name.split('/'));
          await mkdir(path.dirname(file), { recursive: true });
          await writeFile(file, bytes);
        }
        await rm(target, { recursive: true, force: true });
        await rename(partial, target);
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
    });
  },
};

async function createNew(file: string, text: string, mode: number): Promise<void> {
  await guard(file, async () => {
    await mkdir(path.dirname(path.resolve(file)), { recursive: true });
    await writeFile(file, text, { flag: 'wx', mode });
    await chmod(file, mode);
  });
}

async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? await readdir(folder) : ['.'];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function guard<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AegisError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new AegisError('AEGIS_OUTPUT_EXISTS', `${file} exists already; nothing was written.`);
    throw new AegisError('AEGIS_OUTPUT_UNWRITABLE', `${file} cannot be written (${code ?? 'unknown error'}).`, {
      cause: error,
    });
  }
}
