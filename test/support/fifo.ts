/** A named pipe, and a reader that may come late. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';

export function makeFifo(path: string): void {
  execFileSync('mkfifo', [path]);
}

/** Reads until it is killed, whoever opens and closes the other end. */
export function readFifo(path: string): { child: ChildProcess; lines(): string[] } {
  const child = spawn('sh', ['-c', 'exec cat <> "$0"', path], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, lines: () => text.split('\n').slice(0, -1) };
}
