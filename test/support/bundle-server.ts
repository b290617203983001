import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { BundleService } from './bundle-service.ts';

export type Interceptor = (req: IncomingMessage, res: ServerResponse) => boolean;

/** `BundleService` on a real port of this machine; `intercept` may answer in its place, badly. */
export class BundleServer {
  readonly service = new BundleService();
  intercept: Interceptor | undefined;
  readonly #tls: { cert: string; key: string } | undefined;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(tls?: { cert: string; key: string }) {
    this.#tls = tls;
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://localhost:${this.#port}`;
  }

  /** On the same port again after `stop`. */
  async start(): Promise<void> {
    const listener = (req: IncomingMessage, res: ServerResponse): void => {
      if (this.intercept?.(req, res) !== true) void this.#answer(req, res);
    };
    const server = this.#tls === undefined ? createServer(listener) : createTlsServer(this.#tls, listener);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, 'localhost', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** As a crash would: every connection is cut. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
    this.#server = undefined;
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const gone = new AbortController();
    res.on('close', () => gone.abort());
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += chunk;
    const path = req.url ?? '';
    const headers = req.headers as Record<string, string | undefined>;
    const answer = await this.service.handle({ method: req.method ?? '', path, headers, body }, gone.signal);
    res.writeHead(answer.status, answer.headers);
    res.end(answer.body);
  }
}
