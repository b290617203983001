import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { BRIDGE } from '../cluster/layout.ts';

/** Whatever came, and how it began. */
export interface Hit {
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  from: string;
  text: string;
}

/** Ears on many ports: every connection and every datagram is kept, and TCP is answered. */
export class Listeners {
  readonly hits: Hit[] = [];
  readonly #servers: Server[] = [];
  readonly #sockets: DatagramSocket[] = [];

  async listen(address: string, ports: readonly number[]): Promise<void> {
    await this.tcp(address, ports);
    await this.udp(address, ports);
  }

  async tcp(address: string, ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const server = createServer((socket) => {
        const from = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
        const hit: Hit = { protocol: 'tcp', address, port, from, text: '' };
        this.hits.push(hit);
        socket.on('error', () => socket.destroy()).setTimeout(10_000, () => socket.destroy());
        socket.on('data', (chunk) => {
          hit.text += chunk.toString('latin1').slice(0, 200 - hit.text.length);
          socket.write('reached\n');
        });
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen({ host: address, port, ipv6Only: address.includes(':') }, () => resolve());
      });
      this.#servers.push(server);
    }
  }

  async udp(address: string, ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (message, { address: from, port: fromPort }) => {
        this.hits.push({ protocol: 'udp', address, port, from, text: message.toString('latin1').slice(0, 200) });
        socket.send('reached', fromPort, from);
      });
      socket.on('error', () => {});
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(port, address, () => resolve());
      });
      this.#sockets.push(socket);
    }
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.close();
  }
}

/** The node's address on the bridge of the pods; undefined where the kernel has no IPv6. */
export function linkLocal(): string | undefined {
  return networkInterfaces()[BRIDGE]?.find(({ family }) => family === 'IPv6')?.address;
}
