/** A real HTTP server in the place of a tool: remembers what reached it, and answers as it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reached {
  method: string;
  url: string;
  body: string;
}

export type Answer = (res: ServerResponse, call: Reached, req: IncomingMessage) => void;

const ordinary: Answer = (res) => {
  res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"done":true}');
};

export class ToolServer {
  readonly reached: Reached[] = [];
  /** How the next calls are answered. */
  answer: Answer = ordinary;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ToolServer> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    const tool = new ToolServer(server);
    server.on('request', (req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      req.on('end', () => {
        const call = { method: req.method ?? '', url: req.url ?? '', body };
        tool.reached.push(call);
        tool.answer(res, call, req);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return tool;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Everything as at the start. */
  reset(): void {
    this.reached.length = 0;
    this.answer = ordinary;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
