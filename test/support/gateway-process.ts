/** The real gateway program as a process of its own: started with flags, asked over HTTP, ended by pid. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../bench/support/free-port.ts';
import { flagsOf, jsonLines, runProgram } from './child-program.ts';

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

const MAIN = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));

const COMMAND = [process.execPath, MAIN];

export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const { settings, env, until = 'ready', command = COMMAND } = options;
  const [decisions, proxy, admin] = [await freePort(), await freePort(), await freePort()];
  const all = {
    'listen.decisions': `127.0.0.1:${decisions}`,
    'listen.proxy': `127.0.0.1:${proxy}`,
    'listen.admin': `127.0.0.1:${admin}`,
    ...settings,
  };
  const program = runProgram([...command, ...flagsOf(all)], { PATH: process.env.PATH, ...env });
  await program.answers(`http://127.0.0.1:${admin}/health/${until}`, 10_000);
  return {
    ...program,
    pid: program.child.pid as number,
    decisions,
    proxy,
    admin,
    log: () => jsonLines(program.stdout()),
  };
}
