/** Design section 13: a gateway that is killed while it writes starts again from a valid bundle, never an older one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sign, sliceArchive, temporaryFolder, writeKeys } from './publisher.ts';

const CHILD = join(__dirname, 'keeping-process.ts');
const ROUNDS = 12;
const SEQUENCES = 120;

interface Life {
  restored: number;
  problem: string;
  stored: number;
  active: number;
}

/** Runs the child until it has printed `after` lines, and `delay` ms more. */
async function live(args: string[], after: number, delay: number): Promise<Life> {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(args[0] as string, '..', 'cache') };
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(child, 'close');
  let output = '';
  let armed = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (armed || output.split('\n').length <= after) return;
    armed = true;
    setTimeout(() => child.kill('SIGKILL'), delay);
  });
  await ended;
  const last = (word: string): number =>
    Number([...output.matchAll(new RegExp(`^${word} ([0-9]+)$`, 'gm'))].at(-1)?.[1] ?? 0);
  const [, restored = '-1', problem = ''] = /^restored ([0-9]+) (.*)$/m.exec(output) ?? [];
  expect(output).not.toMatch(/^error/m);
  return { restored: Number(restored), problem, stored: last('stored'), active: last('active') };
}

test('killed at any moment, it comes back with what it had stored or the next', async () => {
  const folder = temporaryFolder();
  const input = join(folder.path, 'archives.json');
  const now = Date.now();
  const archives = Array.from({ length: SEQUENCES }, (_, i) =>
    Buffer.from(sliceArchive(sign({ sequence: i + 1, cap: 1000 + (i % 7), issuedAt: now - 1_000 }))).toString('base64'),
  );
  writeFileSync(input, JSON.stringify(archives));
  const args = [join(folder.path, 'state'), writeKeys(folder.path), input];
  let stored = 0;
  let active = 0;
  for (let round = 0; round < ROUNDS && active < SEQUENCES; round++) {
    const life = await live(args, 2 + (round % 5), (round * 7) % 23);
    expect(life.problem).toBe('fine');
    expect(life.restored).toBeGreaterThanOrEqual(stored);
    expect(life.restored).toBeLessThanOrEqual(active);
    stored = Math.max(life.restored, life.stored);
    active = Math.max(life.restored, life.active);
  }
  expect(stored).toBeGreaterThan(ROUNDS / 2);
  folder.remove();
}, 120_000);
