/** The real gateway program as a process of its own: started with flags, asked over HTTP, ended by pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bench/support/free-port.ts';

export interface GatewayProcess {
  pid: number;
  child: ChildProcess;
  decisions: number;
  proxy: number;
  admin: number;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** The decision log so far, parsed. */
  log(): Record<string, unknown>[];
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface GatewayOptions {
  /** Settings by key, e.g. `{'bundle.path': '…'}`; ports of decisions, proxy and admin are chosen. */
  settings: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  /** Wait until it is ready to decide (default), or only until it lives. */
  until?: 'ready' | 'live';
  /** What runs it: default the sources by this Node. Another program, or one that runs it in surroundings of its own. */
  command?: readonly string[];
}

const MAIN = join(__dirname, '..', '..', 'gateway', 'main.ts');

async function reached(url: string, child: ChildProcess, complaints: () => string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the gateway ended with ${child.exitCode ?? child.signalCode}: ${complaints()}`);
    }
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await sleep(25);
  }
  throw new Error(`the gateway does not become ready: ${complaints()}`);
}

const COMMAND = [process.execPath, MAIN];

export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const { settings, env, until = 'ready', command = COMMAND } = options;
  const [program = '', ...args] = command;
  const [decisions, proxy, admin] = [await freePort(), await freePort(), await freePort()];
  const all = {
    'listen.decisions': `127.0.0.1:${decisions}`,
    'listen.proxy': `127.0.0.1:${proxy}`,
    'listen.admin': `127.0.0.1:${admin}`,
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([key, value]) => [`--${key}`, value]);
  const child = spawn(program, [...args, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString();
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  try {
    await reached(`http://127.0.0.1:${admin}/health/${until}`, child, () => text.stderr);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await ended)[0];
  };
  return {
    pid: child.pid as number,
    child,
    decisions,
    proxy,
    admin,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    log: () =>
      text.stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}
