import { createServer, connect as openConnection, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApiServer } from './api-server.ts';

/**
 * Stands before the API server and passes connections on byte for byte, so TLS stays what it is; with the faults of a
 * network: half-open, reset, refused, slow.
 */
export class FaultProxy {
  /** Of an administrator who goes this way. */
  readonly kubeconfig: string;
  readonly port: number;
  /** ms that every piece of data takes longer, in both directions. */
  delay = 0;
  /** New connections are reset. */
  refusing = false;
  /** Connections since the start. */
  accepted = 0;
  readonly #listener: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #stalled: { until: Promise<void>; end(): void } | undefined;

  private constructor(server: ApiServer, listener: Server, port: number) {
    this.#listener = listener;
    this.port = port;
    this.kubeconfig = join(server.folder, `kubeconfig-${port}`);
    server.writeKubeconfig(this.kubeconfig, server.adminToken, this.url);
    listener.on('connection', (client) => this.#accept(client, server.port));
  }

  static start(server: ApiServer): Promise<FaultProxy> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(0, '127.0.0.1', () => {
        const { port } = listener.address() as { port: number };
        resolve(new FaultProxy(server, listener, port));
      });
    });
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Nothing passes any more, in either direction, and no end of a connection is told: half-open. Until `resume`. */
  stall(): void {
    if (this.#stalled !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stalled = { until: promise, end: resolve };
  }

  /** What was held back passes now. */
  resume(): void {
    this.#stalled?.end();
    this.#stalled = undefined;
  }

  /** RST on both sides of every open connection, stalled or not. */
  reset(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.reset();
    this.resume();
    await closed;
  }

  #accept(client: Socket, port: number): void {
    this.accepted++;
    if (this.refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = openConnection({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    // errors end the loops below as well
    for (const socket of pair) socket.on('error', () => {});
    void Promise.all([this.#pass(client, server), this.#pass(server, client)]).finally(() => this.#pairs.delete(pair));
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        await this.#gate();
        if (to.destroyed) break;
        if (!to.write(piece)) await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
      }
      await this.#gate();
      to.end();
    } catch {
      await this.#gate();
      to.resetAndDestroy();
    }
  }

  async #gate(): Promise<void> {
    if (this.delay > 0) await wait(this.delay);
    while (this.#stalled !== undefined) await this.#stalled.until;
  }
}
