/** A real redis-server of its own, empty and without persistence. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bench/support/free-port.ts';
import { toolEnvironment, toolPath } from '../../scripts/tool-path.ts';

export interface RedisProcess {
  port: number;
  url: string;
  pid: number;
  child: ChildProcess;
  stop(): Promise<void>;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export async function startRedis(port?: number): Promise<RedisProcess> {
  const chosen = port ?? (await freePort());
  const flags = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'];
  const child = spawn(toolPath('redis-server'), flags, {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ...toolEnvironment('redis-server') },
  });
  for (let attempt = 0; !(await answers(chosen)); attempt++) {
    if (child.exitCode !== null || attempt > 200) throw new Error('redis-server does not answer');
    await sleep(25);
  }
  const ended = once(child, 'exit');
  return {
    port: chosen,
    url: `redis://127.0.0.1:${chosen}`,
    pid: child.pid as number,
    child,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
