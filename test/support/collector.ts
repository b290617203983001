/** A real OTLP/HTTP collector that takes spans, stands still, or is not there. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

interface Export {
  resourceSpans: { scopeSpans: { spans: { attributes: { key: string; value: { stringValue?: string } }[] }[] }[] }[];
}

export class Collector {
  /** Decision ids of the spans that were taken. */
  readonly decisions: string[] = [];
  /** Requests are read and never answered. */
  hangs = false;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** On the same port again after `stop`. */
  async start(): Promise<void> {
    const server = createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      req.on('end', () => {
        if (this.hangs) return;
        this.#take(JSON.parse(body) as Export);
        res.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
      });
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
    this.#server = undefined;
  }

  #take({ resourceSpans }: Export): void {
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) {
        for (const { attributes } of spans) {
          this.decisions.push(attributes.find(({ key }) => /decision_?\.?id/.test(key))?.value.stringValue ?? '?');
        }
      }
    }
  }
}
