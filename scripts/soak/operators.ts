import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ApiServer } from '../../test/apiserver/api-server.ts';
import { freePort } from '../../test/apiserver/ports.ts';
import { type OperatorProcess, startOperator } from '../../test/support/operator-process.ts';

const BUILT = fileURLToPath(new URL('../../dist/operator.mjs', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../operator/main.ts', import.meta.url));
const LEASE = { 'leader.leaseDuration': '3s', 'leader.renewDeadline': '2s', 'leader.retryPeriod': '500ms' };

/** What runs the operator: as it ships, where it is built. */
export const COMMAND = [process.execPath, existsSync(BUILT) ? BUILT : SOURCE];

/** Two operators that are never left alone. */
export class Operators {
  readonly counts = { kills: 0, stops: 0, restarts: 0 };
  /** Of their bundle APIs: each keeps its own over its lives. */
  readonly ports: number[] = [];
  readonly #server: ApiServer;
  readonly #lives: (OperatorProcess | undefined)[] = [];
  readonly #starting = new Set<Promise<void>>();

  constructor(server: ApiServer) {
    this.#server = server;
  }

  async begin(): Promise<void> {
    for (let index = 0; index < 2; index++) {
      this.ports.push(await freePort());
      await this.#start(index);
    }
  }

  /** One disturbance, and some time to suffer from it. */
  async disturb(): Promise<void> {
    const index = Math.floor(Math.random() * this.ports.length);
    const operator = this.#lives[index];
    const dice = Math.random();
    if (dice < 0.04) {
      this.counts.restarts++;
      await this.#server.restartServer('SIGKILL');
    } else if (operator === undefined || operator.child.exitCode !== null) {
      // it ended by itself, as who loses the Lease does
      this.#lives[index] = undefined;
      await this.#start(index).catch(() => undefined);
    } else if (dice < 0.2) {
      this.counts.stops++;
      operator.child.kill('SIGSTOP');
      await sleep(500 + Math.random() * 5000);
      operator.child.kill('SIGCONT');
    } else {
      this.counts.kills++;
      this.#lives[index] = undefined;
      await operator.kill();
      const starting = sleep(Math.random() * 1500)
        .then(() => this.#start(index))
        .catch(() => undefined)
        .finally(() => this.#starting.delete(starting));
      this.#starting.add(starting);
    }
    await sleep(200 + Math.random() * 3500);
  }

  /** Both run, and are let be. */
  async calm(): Promise<void> {
    await Promise.all(this.#starting);
    for (let index = 0; index < this.ports.length; index++) {
      const operator = this.#lives[index];
      if (operator === undefined || operator.child.exitCode !== null || operator.child.signalCode !== null) {
        await this.#start(index);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#starting);
    for (const operator of this.#lives) await operator?.kill();
  }

  async #start(index: number): Promise<void> {
    this.#lives[index] = await startOperator(this.#server, {
      settings: { ...LEASE, 'listen.bundles': `127.0.0.1:${this.ports[index]}` },
      until: 'healthz',
      command: COMMAND,
    });
  }
}
