import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toolEnvironment, toolPath } from '../../../scripts/tool-path.ts';

/** A real redis-server of the test's own, on a Unix socket in a folder of its own. */
export interface RedisServer {
  url: string;
  socket: string;
  folder: string;
  start(): Promise<void>;
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** One command by the inline protocol; the raw reply. */
  command(text: string): Promise<string>;
  remove(): Promise<void>;
}

export async function startRedis(more: readonly string[] = []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-redis-'));
  const socket = join(folder, 's');
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();

  async function command(text: string): Promise<string> {
    const client = connect(socket);
    client.setTimeout(2000, () => client.destroy());
    try {
      client.write(`${text}\r\nQUIT\r\n`);
      let reply = '';
      for await (const chunk of client) reply += String(chunk);
      return reply;
    } finally {
      client.destroy();
    }
  }

  async function start(): Promise<void> {
    const args = [
      '--port',
      '0',
      '--unixsocket',
      socket,
      '--dir',
      folder,
      '--save',
      '',
      '--loglevel',
      'warning',
      ...more,
    ];
    const started = spawn(toolPath('redis-server'), args, { env: toolEnvironment('redis-server'), stdio: 'ignore' });
    child = started;
    ended = new Promise((resolve) => started.once('exit', () => resolve()));
    for (let i = 0; i < 400; i++) {
      const reply = await command('PING').catch(() => '');
      if (reply.startsWith('+PONG') || reply.startsWith('-NOAUTH')) return;
      await sleep(25);
    }
    throw new Error('redis-server did not start');
  }

  async function kill(): Promise<void> {
    child?.kill('SIGKILL');
    await ended;
  }

  await start();
  return {
    url: `unix://${socket}`,
    socket,
    folder,
    start,
    kill,
    signal: (signal) => child?.kill(signal),
    command,
    remove: async () => {
      child?.kill('SIGCONT');
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
