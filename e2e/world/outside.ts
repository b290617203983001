import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { createPaymentStandIn } from '../../cli/stand-in/payment-api.ts';
import { TestAuthority } from '../../test/apiserver/loopback-certificate.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** A request as it arrived outside of the cluster. */
export interface Arrived {
  scheme: 'http' | 'https';
  /** As the request names it. */
  host: string;
  method: string;
  path: string;
  /** Address of the peer. */
  from: string;
  authorization: string | undefined;
}

/**
 * The Internet of the suites: one address on which a payment API and any other host answer, over HTTP on port 80 and
 * HTTPS on 443. Everything that arrives is kept.
 */
export class Outside {
  /** Of RFC 5737; pods reach it, and it is no address of theirs. */
  readonly address: string;
  readonly authority = new TestAuthority();
  readonly arrived: Arrived[] = [];
  readonly #payments = createPaymentStandIn({ clock: Date.now, log: () => {} });
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #cluster: Cluster;
  readonly #names: string[] = [];

  private constructor(cluster: Cluster, address: string) {
    this.#cluster = cluster;
    this.address = address;
  }

  /**
   * In the cluster of KUBECONFIG there is none: nothing arrives.
   * @param hosts names that pods resolve to it, and for which it has certificates
   */
  static async open(cluster: Cluster, hosts: readonly string[], address = '203.0.113.10'): Promise<Outside> {
    const outside = new Outside(cluster, address);
    if (!cluster.ownsNode) return outside;
    const contexts = new Map(hosts.map((host) => [host, createSecureContext(outside.authority.leaf(host))]));
    const tls = {
      ...outside.authority.leaf(address),
      SNICallback: (
        name: string,
        done: (error: Error | null, context?: ReturnType<typeof createSecureContext>) => void,
      ) => done(null, contexts.get(name)),
    };
    await outside.#listen(
      createServer((request, response) => outside.#handle('http', request, response)),
      80,
    );
    await outside.#listen(
      createSecureServer(tls, (request, response) => outside.#handle('https', request, response)),
      443,
    );
    for (const host of hosts) outside.name(host);
    return outside;
  }

  /** Pods resolve the name to it until it is closed. */
  name(host: string): void {
    this.#cluster.addDnsName(host, this.address);
    this.#names.push(host);
  }

  /** Since `index`, without what only looks. */
  since(index: number): Arrived[] {
    return this.arrived.slice(index);
  }

  /** Resets every connection, as a server that has crashed. @returns the ports that they came from */
  reset(): number[] {
    const ports = [...this.#sockets].map(({ remotePort = 0 }) => remotePort);
    for (const socket of this.#sockets) socket.resetAndDestroy();
    return ports;
  }

  async close(): Promise<void> {
    for (const host of this.#names.splice(0)) this.#cluster.removeDnsName(host);
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #listen(server: Server, port: number): Promise<void> {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, this.address, () => resolve());
    });
    this.#servers.push(server);
  }

  #handle(scheme: Arrived['scheme'], request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url: path = '', headers, socket } = request;
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    const from = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.arrived.push({ scheme, host, method, path, from, authorization: headers.authorization });
    if (path.startsWith('/v1/')) this.#payments.handle(request, response);
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(`${host}${path}\n`);
  }
}
