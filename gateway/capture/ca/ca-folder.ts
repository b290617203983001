import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
      writeFileSync(draft, text, { mode, flag: 'wx' });
      try {
        linkSync(draft, path);
      } finally {
        rmSync(draft, { force: true });
      }
    },
  };
}

/** Writes the certificate for clients to trust; replaced at once where it is there. */
export function exportCertificate(file: string, certificate: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, certificate, { mode: 0o644 });
  renameSync(draft, file);
}
