import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { BRIDGE } from '../cluster/layout.ts';

/** Listeners of the outside that are no tools: TCP connections are taken, UDP datagrams sent back. */
export class OutsidePorts {
  /** `tcp 203.0.113.21:9000`, once per connection or datagram. */
  readonly arrived: string[] = [];
  readonly #closers: (() => void)[] = [];

  async listen(address: string, ...ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      await this.#tcp(address, port);
      await this.#udp(address, port);
    }
  }

  async #tcp(address: string, port: number): Promise<void> {
    const server: Server = createServer((socket) => {
      this.arrived.push(`tcp ${address}:${port}`);
      socket.on('error', () => {}).resume();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, address, () => resolve());
    });
    this.#closers.push(() => server.close());
  }

  async #udp(address: string, port: number): Promise<void> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (data, from) => {
      this.arrived.push(`udp ${address}:${port}`);
      socket.send(data, from.port, from.address, () => {});
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).bind(port, address, () => resolve());
    });
    this.#closers.push(() => socket.close());
  }

  close(): void {
    for (const close of this.#closers) close();
  }
}

/** The node's address on the bridge of the pods; undefined where the kernel has no IPv6. */
export function linkLocal(): string | undefined {
  return networkInterfaces()[BRIDGE]?.find(({ family }) => family === 'IPv6')?.address;
}
