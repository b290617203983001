import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A bare Git repository on disk, and a checkout from which it is filled. */
export class GitRepo {
  readonly #folder = mkdtempSync(join(tmpdir(), 'aegis-git-'));

  constructor() {
    this.#run(this.#folder, 'init', '--quiet', '--bare', '--initial-branch=main', 'remote.git');
    this.#run(this.#folder, 'clone', '--quiet', 'remote.git', 'checkout');
  }

  get url(): string {
    return `file://${join(this.#folder, 'remote.git')}`;
  }

  get checkout(): string {
    return join(this.#folder, 'checkout');
  }

  /** Writes files (absent content removes one), commits and pushes. @returns the commit */
  commit(message: string, files: Readonly<Record<string, string | undefined>>): string {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.checkout, name);
      mkdirSync(dirname(path), { recursive: true });
      if (content === undefined) rmSync(path, { force: true });
      else writeFileSync(path, content);
    }
    return this.commitAll(message);
  }

  /** Whatever lies in the checkout now. */
  commitAll(message: string): string {
    this.#run(this.checkout, 'add', '--all');
    this.#run(this.checkout, 'commit', '--quiet', '--message', message);
    this.#run(this.checkout, 'push', '--quiet', 'origin', 'HEAD:main');
    return this.#run(this.checkout, 'rev-parse', 'HEAD').trim();
  }

  #run(folder: string, ...args: string[]): string {
    const person = ['-c', 'user.name=e2e', '-c', 'user.email=e2e@example.com', '-c', 'init.defaultBranch=main'];
    const env = { PATH: process.env.PATH, HOME: this.#folder, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', [...person, ...args], {
      cwd: folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
