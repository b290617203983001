import type { ProcSocket } from './proc-sockets.ts';

/** What is in the files of one look, by protocol. */
export interface SocketTables {
  tcp: readonly ProcSocket[];
  udp: readonly ProcSocket[];
}

export interface PastTheGatewayOptions {
  /** The gateway's own user, whose connections are not looked at. */
  ownUid: number;
  /** Addresses of name servers, in the form of the sockets'. */
  resolvers: ReadonlySet<string>;
  /** TCP ports whose connections are redirected to the gateway, whatever address they name. */
  redirected: ReadonlySet<number>;
  /** Of this machine, beside loopback; in the same form. */
  own: ReadonlySet<string>;
}

export interface PastTheGateway {
  address: string;
  port: number;
  protocol: 'tcp' | 'udp';
  /** Names this socket as long as it is open. */
  key: string;
}

const LISTEN = 0x0a;
/** Of TCP: established, and every state from the first packet to the last that some process answers for. */
const OPEN = new Set([0x01, 0x02, 0x04, 0x05, 0x08, 0x09, 0x0b]);
/** Of UDP: connected, so that it has one destination. */
const CONNECTED = 0x01;
const DNS_PORT = 53;
/** In the one form per address. */
const LOOPBACK = /^(?:127\.|0:0:0:0:0:0:0:1$)/;

/** Sockets of others that lead out of this machine: not redirected, not DNS, and not opened from outside. */
export function pastTheGateway({ tcp, udp }: SocketTables, options: PastTheGatewayOptions): PastTheGateway[] {
  const { ownUid, resolvers, redirected, own } = options;
  const listening = new Set(tcp.filter(({ state }) => state === LISTEN).map(({ local }) => local.port));

  function leads({ remote, uid, inode }: ProcSocket): boolean {
    if (uid === ownUid || inode === 0 || remote.port === 0) return false;
    if (remote.port === DNS_PORT && resolvers.has(remote.address)) return false;
    return !LOOPBACK.test(remote.address) && !own.has(remote.address);
  }
  const ofTcp = tcp.filter(
    (socket) =>
      OPEN.has(socket.state) &&
      !redirected.has(socket.remote.port) &&
      !listening.has(socket.local.port) &&
      leads(socket),
  );
  const ofUdp = udp.filter((socket) => socket.state === CONNECTED && leads(socket));
  return [...ofTcp.map((socket) => found('tcp', socket)), ...ofUdp.map((socket) => found('udp', socket))];
}

function found(protocol: 'tcp' | 'udp', { remote, inode }: ProcSocket): PastTheGateway {
  const { address, port } = remote;
  return { address, port, protocol, key: `${protocol} ${inode} ${address} ${port}` };
}
