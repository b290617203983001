/** A program under test as a process of its own: what it says, and its end by pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChildProgram {
  child: ChildProcess;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Resolves once the URL answers with success. @throws where the program ends first, or `ms` pass; it is killed then */
  answers(url: string, ms: number): Promise<void>;
}

export function runProgram(command: readonly string[], env: NodeJS.ProcessEnv): ChildProgram {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString();
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    if (!isOver()) child.kill(signal);
    return (await ended)[0];
  };
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
    async answers(url, ms) {
      let last = '';
      for (const deadline = performance.now() + ms; performance.now() < deadline; await sleep(25)) {
        if (isOver()) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}: ${text.stderr}`);
        const answer = await fetch(url).catch(() => undefined);
        last = (await answer?.text()) ?? '';
        if (answer?.ok) return;
      }
      child.kill('SIGKILL');
      throw new Error(`it does not become ready (${last}): ${text.stderr}`);
    },
  };
}

/** `--key value` for every setting. */
export function flagsOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
}

/** Every line that is a JSON object. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
