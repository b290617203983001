import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed } from '../../test/apiserver/processes.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster } from '../cluster/cluster.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = 'examples/payments-agent';

/** What a guide tells its readers to type, and a reader who types it, beside a copy of the example. */
export class Guide {
  /** Where the commands are typed. */
  readonly folder = mkdtempSync(join(tmpdir(), 'aegis-guide-'));
  readonly #text: string;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, file: string) {
    this.#cluster = cluster;
    this.#text = readFileSync(join(ROOT, file), 'utf8');
    cpSync(join(ROOT, EXAMPLE), join(this.folder, EXAMPLE), { recursive: true });
  }

  /** Changes a file of the copy. @throws where nothing changes */
  rewrite(file: string, pattern: string | RegExp, by: string): void {
    const path = join(this.folder, EXAMPLE, file);
    const before = readFileSync(path, 'utf8');
    const after = before.replaceAll(pattern, by);
    if (after === before) throw new Error(`nothing changes in ${file}`);
    writeFileSync(path, after);
  }

  /** The file again as it stands in the repository. */
  restore(file: string): void {
    cpSync(join(ROOT, EXAMPLE, file), join(this.folder, EXAMPLE, file));
  }

  /** The commands of a section that hold these words, block by block. @throws where there is none */
  blocks(section: string, words = ''): string[] {
    const [, body] = this.#text.split(new RegExp(`^## ${section}.*$`, 'm'));
    const [own = ''] = (body ?? '').split(/^## /m);
    const blocks = [...own.matchAll(/^```sh\n(.*?)^```/gms)].map(([, code = '']) => code);
    const found = blocks.filter((block) => block.includes(words));
    if (found.length === 0) throw new Error(`no commands with “${words}” in section ${section}`);
    return found;
  }

  /** Types the one block of a section that holds these words. @returns what a terminal shows, and the last exit code */
  type(section: string, words: string): Promise<{ code: number; text: string }> {
    const [block = '', ...more] = this.blocks(section, words);
    if (more.length > 0) throw new Error(`“${words}” stands in several blocks of section ${section}`);
    return this.run(block);
  }

  run(script: string): Promise<{ code: number; text: string }> {
    const path = [dirname(installed('kubectl')), process.env.PATH].join(delimiter);
    const env = { PATH: path, HOME: this.folder, KUBECONFIG: this.#cluster.kubeconfig };
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env, timeout: 90_000 };
      execFile('sh', ['-c', `exec 2>&1\n${script}`], options, (error, stdout) => {
        resolve({ code: error === null ? 0 : Number(error.code), text: stdout });
      });
    });
  }

  /** Types it again and again until it shows this. */
  async shows(section: string, words: string, expected: RegExp, seconds = 60): Promise<string> {
    let text = '';
    const so = async () => {
      ({ text } = await this.type(section, words));
      return expected.test(text) && text;
    };
    return waitFor(so, seconds * 1000, () => `section ${section}, “${words}” does not show ${expected}: ${text}`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
