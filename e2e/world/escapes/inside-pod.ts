import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../cluster/cluster.ts';
import type { World } from './inside/attempt.ts';

/** How an attempt ended, seen from inside. */
export interface Tried {
  group: string;
  name: string;
  why: string;
  how: string;
  /** It ended as the attempt says that it has to. */
  asItShould: boolean;
  /** A denial of it belongs into the decision log. */
  logged: boolean;
}

const INSIDE = join(__dirname, 'inside');
const WRITE = `
const { mkdirSync, writeFileSync } = require('fs');
let text = '';
process.stdin.on('data', (part) => (text += part)).on('end', () => {
  mkdirSync('/tmp/escapes', { recursive: true });
  for (const [name, file] of Object.entries(JSON.parse(text))) writeFileSync('/tmp/escapes/' + name, file);
});`;

/** The attempts, brought into a container that knows nothing of them and run there by its own Node. */
export class InsidePod {
  readonly #cluster: Cluster;
  readonly #place: { namespace: string; name: string; container: string };

  constructor(cluster: Cluster, namespace: string, name: string, container: string) {
    this.#cluster = cluster;
    this.#place = { namespace, name, container };
  }

  async bring(): Promise<void> {
    const files = Object.fromEntries(
      readdirSync(INSIDE).map((name) => [name, readFileSync(join(INSIDE, name), 'utf8')]),
    );
    const input = JSON.stringify({ ...files, 'package.json': '{"type":"module"}' });
    const { code, stderr } = await this.#cluster.exec(this.#place, ['node', '-e', WRITE], input);
    if (code !== 0) throw new Error(stderr);
  }

  async try(group: string, world: World): Promise<Tried[]> {
    const command = ['node', '--no-warnings', '/tmp/escapes/run.ts', group, JSON.stringify(world)];
    const { stdout, stderr } = await this.#cluster.exec(this.#place, command);
    if (stdout.trim() === '') throw new Error(`the attempts said nothing: ${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Tried[];
  }
}
