import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, matchesGlob, relative } from 'node:path';

/** The folder that is sent to a build, without what `.dockerignore` keeps back. */
export class BuildContext {
  readonly #folder: string;
  readonly #rules: readonly { pattern: string; keep: boolean }[];

  /** @param ignore text of the ignore file */
  constructor(folder: string, ignore = '') {
    this.#folder = folder;
    const lines = ignore.split('\n').map((line) => line.trim());
    this.#rules = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => ({ pattern: line.replace(/^!/, '').replace(/^\/|\/$/g, ''), keep: line.startsWith('!') }));
  }

  /** As Docker reads it: the last rule that fits the path, or a folder above it, decides. */
  includes(path: string): boolean {
    let included = true;
    for (const { pattern, keep } of this.#rules) if (fits(path, pattern)) included = keep;
    return included;
  }

  /** Files below a path of the context, the path itself where it is one. @throws where there is none */
  files(path: string): string[] {
    const found: string[] = [];
    const walk = (name: string) => {
      const full = join(this.#folder, name);
      if (!lstatSync(full).isDirectory()) {
        if (this.includes(name)) found.push(name);
      } else for (const entry of readdirSync(full).sort()) walk(join(name, entry));
    };
    if (!existsSync(join(this.#folder, path))) throw new Error(`COPY ${path}: there is no such file`);
    walk(path);
    if (found.length === 0) throw new Error(`COPY ${path}: the ignore file lets nothing of it through`);
    return found;
  }

  isFolder(path: string): boolean {
    return lstatSync(join(this.#folder, path)).isDirectory();
  }

  /** Names, rights and contents. */
  digest(path: string): string {
    const hash = createHash('sha256');
    for (const name of this.files(path)) {
      const full = join(this.#folder, name);
      const stat = lstatSync(full);
      const content = stat.isSymbolicLink() ? readlinkSync(full) : readFileSync(full);
      hash.update(`${name}\0${stat.mode & 0o111}\0`).update(createHash('sha256').update(content).digest());
    }
    return hash.digest('hex');
  }

  /** Copies what belongs to the context to `target`, with rights that do not depend on who checked it out. */
  copy(path: string, target: string): void {
    for (const name of this.files(path)) {
      const to = join(target, relative(path, name));
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(this.#folder, name), to, { verbatimSymlinks: true });
      const { mode } = lstatSync(to);
      if (!lstatSync(to).isSymbolicLink()) chmodSync(to, mode & 0o111 ? 0o755 : 0o644);
    }
  }
}

function fits(path: string, pattern: string): boolean {
  for (let part = path; part !== '.'; part = dirname(part)) if (matchesGlob(part, pattern)) return true;
  return false;
}
