import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Carries bytes both ways until one side is closed. */
export function joinSockets(client: Socket, tunnel: Duplex): void {
  const end = (): void => {
    client.destroy();
    tunnel.destroy();
  };
  client.on('error', end).on('close', end);
  tunnel.on('error', end).on('close', end);
  client.pipe(tunnel).pipe(client);
}
