/** What survives a restart: the last known good bundle, and what the gateway remembers of the heads it accepted. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import { readTar, writeTar } from '../../policy/bundle/tar.ts';
import { AegisError } from '../../policy/errors.ts';
import type { GatewayMemory } from './gateway-memory.ts';
import { MAX_MEMORY_BYTES, readMemory, writeMemory } from './memory-file.ts';
import { readBounded } from './read-files.ts';

export interface StoredState {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly memory: GatewayMemory;
}

/** Everything is unverified: the caller verifies the bundle like any other. */
export interface LoadedState {
  readonly files?: ReadonlyMap<string, Uint8Array>;
  readonly memory?: GatewayMemory;
  /** What was there and could not be read. */
  readonly problems: readonly AegisError[];
}

export interface BundleStore {
  load(): Promise<LoadedState>;
  /** Resolves once the state is on stable storage. @throws AegisError `AEGIS_BUNDLE_STORE`. */
  save(state: StoredState): Promise<void>;
}

/** A tar without compression: it is read at every start, and packing would hold up calls at every change. */
const BUNDLE_FILE = 'last-known-good.tar';
const MEMORY_FILE = 'memory.json';
const BLOCK = 1024;

/**
 * A store in a folder of the gateway's own. Each file is replaced as a whole: a crash at any moment leaves the old one
 * or the new one. The bundle goes first, so that the memory is never ahead of it.
 */
export function folderStore(folder: string, options: { limits: BundleLimits; crypto: CryptoProvider }): BundleStore {
  const { limits, crypto } = options;
  const tarLimit = limits.maxTotalBytes + (limits.maxFiles + 2) * BLOCK;
  let written: ReadonlyMap<string, Uint8Array> | undefined;
  return {
    async load() {
      const problems: AegisError[] = [];
      const attempt = async <T>(name: string, limit: number, parse: (bytes: Uint8Array) => T) => {
        try {
          return parse(await readBounded(path.join(folder, name), limit));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') problems.push(unreadable(name, error));
          return undefined;
        }
      };
      const files = await attempt(BUNDLE_FILE, tarLimit, (bytes) => readTar(bytes, limits));
      const memory = await attempt(MEMORY_FILE, MAX_MEMORY_BYTES, (bytes) => readMemory(bytes, crypto));
      return { ...(files !== undefined && { files }), ...(memory !== undefined && { memory }), problems };
    },
    async save({ files, memory }) {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        if (written !== files) await replace(folder, BUNDLE_FILE, writeTar(files));
        written = files;
        await replace(folder, MEMORY_FILE, writeMemory(memory, crypto));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
        throw new AegisError('AEGIS_BUNDLE_STORE', `the bundle could not be kept in ${folder} (${code})`, {
          cause: error,
        });
      }
    },
  };
}

/** Written aside, on the disk, put in place, and the folder on the disk as well (POSIX rename is atomic, not durable). */
async function replace(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const aside = path.join(folder, `.${name}.new`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  await withFile(await open(aside, flags, 0o600), async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
  await rename(aside, path.join(folder, name));
  await withFile(await open(folder, constants.O_RDONLY), (file) => file.sync());
}

async function withFile(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

function unreadable(name: string, error: unknown): AegisError {
  const why = error instanceof AegisError ? error.message : ((error as NodeJS.ErrnoException).code ?? 'unknown error');
  return new AegisError('AEGIS_BUNDLE_STORE_CORRUPT', `${name} is not usable: ${why}`, { cause: error });
}
