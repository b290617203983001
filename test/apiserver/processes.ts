import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolPath } from '../../scripts/tool-path.ts';
import type { Tool } from '../../scripts/tool-versions.ts';
import { waitFor } from './wait-for.ts';
import { Watchdog } from './watchdog.ts';

/** Path of a tool that `scripts/install-tools.ts` has put into the cache. @throws with the command that builds it */
export function installed(tool: Tool): string {
  const path = toolPath(tool);
  if (!existsSync(path)) {
    throw new Error(
      `${tool} is not built yet: run \`node scripts/install-tools.ts ${tool}\` (needs Go; minutes, once)`,
    );
  }
  return path;
}

/** The process ended although it should serve. `log`: its last lines. */
export class ProcessEnded extends Error {
  readonly log: string;

  constructor(tool: string, how: string, log: string) {
    super(`${tool} ended (${how}); the end of its log:\n${log}`);
    this.name = 'ProcessEnded';
    this.log = log;
  }

  /** Somebody else took one of its ports in the meantime. */
  get portTaken(): boolean {
    return /address already in use/.test(this.log);
  }
}

/** How a process is started where it is no pinned tool of this name, or needs more than its flags. */
export interface SpawnOptions {
  /** Path of the program; that of the tool when absent. */
  command?: string;
  env?: NodeJS.ProcessEnv;
}

/** The processes of one control plane, at most one of each name; they work in one folder and never outlive this one. */
export class Processes {
  readonly #folder: string;
  readonly #watchdog: Watchdog;
  readonly #running = new Map<string, ChildProcess>();

  /** @param folder with symbolic links resolved; removed by `stop`, or when this process ends in any other way */
  constructor(folder: string) {
    this.#folder = folder;
    this.#watchdog = new Watchdog(folder);
  }

  get watchdogPid(): number | undefined {
    return this.#watchdog.pid;
  }

  pid(tool: string): number | undefined {
    return this.#running.get(tool)?.pid;
  }

  spawn(tool: string, args: readonly string[], options: SpawnOptions = {}): void {
    if (this.#running.has(tool)) throw new Error(`${tool} runs already`);
    const log = openSync(this.#log(tool), 'a');
    const { command = installed(tool as Tool), env = process.env } = options;
    const child = spawn(command, args, { stdio: ['ignore', log, log], cwd: this.#folder, env });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${tool} cannot be started`);
    this.#running.set(tool, child);
    this.#watchdog.add(pid);
    child.once('exit', () => {
      this.#watchdog.remove(pid);
      if (this.#running.get(tool) === child) this.#running.delete(tool);
    });
  }

  /**
   * Until the tool that was just started serves. `ready` may reject: not yet.
   * @throws ProcessEnded as soon as it ended; Error with the last reason and the end of its log after `ms`
   */
  async whenReady(tool: string, ready: () => Promise<boolean>, ms = 60_000): Promise<void> {
    const child = this.#running.get(tool);
    let last = 'it does not answer';
    const ended = new Promise<false>((resolve) => child?.once('exit', () => resolve(false)));
    const step = async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
        const how = child?.signalCode ?? `exit code ${child?.exitCode}`;
        throw new ProcessEnded(tool, how, this.lastLines(tool));
      }
      const attempt = ready().catch((error: Error) => {
        last = error.message;
        return false;
      });
      return Promise.race([attempt, ended]);
    };
    await waitFor(step, ms, () => `${tool} is not ready: ${last}; the end of its log:\n${this.lastLines(tool)}`);
  }

  signal(tool: string, signal: NodeJS.Signals): void {
    if (!this.#running.get(tool)?.kill(signal)) throw new Error(`${tool} does not run`);
  }

  /** Sends the signal, if it runs, and waits for the end. */
  async end(tool: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#running.get(tool);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((tool) => this.end(tool)));
    await this.#watchdog.finish();
  }

  lastLines(tool: string, count = 15): string {
    const file = this.#log(tool);
    if (!existsSync(file)) return '(no log)';
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  }

  #log(tool: string): string {
    return join(this.#folder, `${tool}.log`);
  }
}
