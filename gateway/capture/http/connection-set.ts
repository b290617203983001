import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of one server, to end it: idle ones at once, the others when their answers have ended. */
export interface ConnectionSet {
  /** Ends what carries no request at the moment, also where none was ever sent. Not tunnels. */
  closeIdle(): void;
  /** Ends everything. */
  cut(): void;
}

/** `secure`: the server speaks TLS itself, so that HTTP begins with the event `secureConnection`. */
export function trackConnections(server: Server, secure = false): ConnectionSet {
  /** All sockets, also below TLS. */
  const all = new Set<Socket>();
  /** Sockets that speak HTTP, with the number of unfinished answers. */
  const open = new Map<Socket, number>();

  function add(socket: Socket): void {
    all.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      open.delete(socket);
    });
  }
  const speaks = (socket: Socket): void => {
    add(socket);
    open.set(socket, 0);
  };
  const count = (socket: Socket, step: 1 | -1): void => {
    const answers = open.get(socket);
    if (answers !== undefined) open.set(socket, answers + step);
  };
  const begin = ({ socket }: IncomingMessage, res: ServerResponse): void => {
    count(socket, 1);
    res.once('close', () => count(socket, -1));
  };

  if (secure) server.prependListener('connection', add).prependListener('secureConnection', speaks);
  else server.prependListener('connection', speaks);
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.prependListener(event, begin);
  for (const event of ['upgrade', 'connect']) {
    server.prependListener(event, ({ socket }: IncomingMessage) => open.delete(socket));
  }
  return {
    closeIdle() {
      for (const [socket, answers] of open) if (answers === 0) socket.destroy();
    },
    cut() {
      for (const socket of all) socket.destroy();
    },
  };
}
