import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AegisError } from '../../../policy/errors.ts';
import type { CaFiles } from './certificate-authority.ts';

/** A CA in a folder. A file appears whole or not at all, and never in place of another one. */
export function caFolder(folder: string): CaFiles {
  return {
    read(name) {
      try {
        return readFileSync(join(folder, name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write(name, text, mode) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, name);
      const draft = `${path}.${process.pid}.tmp`;
      // Of a start that was cut off: in a container every process has the same number.
      rmSync(draft, { force: true });
      writeFileSync(draft, text, { mode, flag: 'wx' });
      try {
        linkSync(draft, path);
      } finally {
        rmSync(draft, { force: true });
      }
    },
  };
}

/** Writes certificates for clients to trust; a file that is there is replaced at once. @throws AegisError AEGIS_CA */
export function exportCertificates(file: string, certificates: readonly string[]): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, certificates.map((each) => `${each.trimEnd()}\n`).join(''), { mode: 0o644 });
    renameSync(draft, file);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new AegisError('AEGIS_CA', `${file} cannot be written (${code}).`, { cause: error });
  }
}
