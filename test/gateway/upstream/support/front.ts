import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import type { Readable } from 'node:stream';
import type {
  ForwardEnd,
  ForwardEvents,
  ForwardFailure,
  ForwardRequest,
  Upstreams,
  UpstreamTarget,
} from '../../../../gateway/upstream/types.ts';
import type { ToolContract, UpstreamContract } from '../../../../policy/mapping/contract.ts';

export function contractOf(upstream: Partial<UpstreamContract>, tool = 'payments'): ToolContract {
  return {
    tool,
    protocol: 'HTTP',
    riskTier: 'high',
    upstream: { hosts: [], ...upstream },
    denial: { shape: 'Problem' },
    actions: [],
  };
}

export function targetOf(upstreams: Upstreams, upstream: Partial<UpstreamContract>, tool?: string): UpstreamTarget {
  const target = upstreams.resolve(contractOf(upstream, tool));
  if ('code' in target) throw new Error(`${target.code}: ${target.detail}`);
  return target;
}

/** What a call's events told, in order. */
export interface Told {
  log: string[];
  failure?: ForwardFailure;
  error?: Error;
  sent?: boolean;
  status?: number;
  end?: ForwardEnd;
  closed: Promise<void>;
}

export function record(sending: () => void | Promise<void> = () => undefined): { told: Told; events: ForwardEvents } {
  let close: () => void = () => undefined;
  const told: Told = {
    log: [],
    closed: new Promise((done) => {
      close = done;
    }),
  };
  return {
    told,
    events: {
      sending: () => {
        told.log.push('sending');
        return sending();
      },
      responded: (status) => {
        told.log.push('responded');
        told.status = status;
      },
      failed: (failure, error, { sent }) => {
        told.log.push('failed');
        Object.assign(told, { failure, error, sent });
      },
      closed: (end) => {
        told.log.push('closed');
        told.end = end;
        close();
      },
    },
  };
}

export interface Front {
  port: number;
  /** One entry per request, in order. */
  calls: Told[];
  close(): Promise<void>;
}

export interface FrontOptions {
  upstreams: Upstreams;
  target(req: IncomingMessage): UpstreamTarget;
  request?(req: IncomingMessage): Partial<ForwardRequest>;
  sending?(): void | Promise<void>;
}

/** The least listener there can be: forwards every request as it is, and answers failures with their code. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { upstreams, target } = options;
  const calls: Told[] = [];

  function requestOf(req: IncomingMessage): ForwardRequest {
    const { method = '', url = '', rawHeaders } = req;
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    const body: Readable | undefined = hasBody ? req : undefined;
    const defaults = { method, target: url, rawHeaders, keptHeaders: new Set<string>(), body, decisionId: 'd-1' };
    return { ...defaults, repeatable: true, ...options.request?.(req) };
  }

  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    const { told, events } = record(options.sending);
    calls.push(told);
    upstreams.forward(target(req), requestOf(req), res, {
      ...events,
      failed(failure, error, info) {
        events.failed(failure, error, info);
        if (res.destroyed || res.headersSent) return;
        res.writeHead(failure.status, { 'Content-Type': 'text/plain' }).end(failure.code);
      },
    });
  });
  server.on('upgrade', (req, socket, head) => {
    const { told, events } = record(options.sending);
    calls.push(told);
    upstreams.tunnel(
      target(req),
      requestOf(req),
      { socket, head },
      {
        ...events,
        failed(failure, error, info) {
          events.failed(failure, error, info);
          socket.end(
            `HTTP/1.1 ${failure.status} Failed\r\nContent-Length: ${failure.code.length}\r\n\r\n${failure.code}`,
          );
        },
      },
    );
  });
  const port = await listenOn(server);
  return {
    port,
    calls,
    close: () => closeServer(server),
  };
}

const connections = new WeakMap<Server | TcpServer, Set<Socket>>();

export async function listenOn(server: Server | TcpServer, host = '127.0.0.1', port = 0): Promise<number> {
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, done);
  });
  const open = new Set<Socket>();
  connections.set(server, open);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  return (server.address() as AddressInfo).port;
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listenOn(server);
  await closeServer(server);
  return port;
}

/** Ends all connections of the server with it, upgraded ones too; only for servers that `listenOn` started. */
export function closeServer(server: Server | TcpServer): Promise<void> {
  for (const socket of connections.get(server) ?? []) socket.destroy();
  return new Promise((done) => server.close(() => done()));
}

export interface RawTool {
  port: number;
  /** All bytes of each connection, in order. */
  received: string[];
  sockets: Socket[];
  close(): Promise<void>;
}

/** A server that speaks bytes: `answer` is called with each connection's text so far, whenever more of it came. */
export async function startRawTool(
  answer: (socket: Socket, text: string, connection: number) => void,
  listenPort = 0,
): Promise<RawTool> {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    const connection = received.push('') - 1;
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1');
      answer(socket, received[connection] as string, connection);
    });
    socket.on('end', () => socket.end());
  });
  const port = await listenOn(server, '127.0.0.1', listenPort);
  return {
    port,
    received,
    sockets,
    close: () => closeServer(server),
  };
}

/** Sends bytes, and gives everything that came back until the other side closed. */
export function exchangeBytes(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => done(Buffer.concat(chunks).toString('latin1')));
  });
}

/** Waits until the condition holds; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5));
}
