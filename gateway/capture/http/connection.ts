import type { Duplex } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { WireGuard } from './wire-guard.ts';

/** What is known of one client connection, beside what node:http knows. */
export interface Connection {
  guard: WireGuard;
  /** The exchange whose request is arriving, or arrived last. */
  current?: Exchange;
  /** Requests that wait for their answers. */
  waiting: number;
  /** Where TLS was terminated, or a tunnel ends: the name that the client asked for, by CONNECT or as server name. */
  terminated?: Terminated;
}

export interface Terminated {
  via: 'proxy' | 'tls';
  host: string;
  port: number;
  /** The server name of the TLS handshake, where there was one. */
  serverName?: string;
  /** There was none: plain HTTP in a tunnel to port 80. */
  plain?: true;
}

const connections = new WeakMap<Duplex, Connection>();
const terminations = new WeakMap<Duplex, Terminated>();

/** To be called once the server has taken the connection. */
export function openConnection(socket: Duplex): Connection {
  const guard = new WireGuard((reason) => connection.current?.violated(reason));
  const terminated = terminations.get(socket);
  const connection: Connection = { guard, waiting: 0, ...(terminated !== undefined && { terminated }) };
  connections.set(socket, connection);
  guard.watch(socket);
  return connection;
}

export function connectionOf(socket: Duplex): Connection | undefined {
  return connections.get(socket);
}

/** Says what this socket was opened for, before the socket is given to a server. */
export function markTerminated(socket: Duplex, terminated: Terminated): void {
  terminations.set(socket, terminated);
}
