import type { AddressInfo, Server } from 'node:net';
import { AegisError } from '../policy/errors.ts';

export interface BoundAddress {
  host: string;
  port: number;
}

/** Opens a server at an address; port 0 takes a free one. @throws AegisError AEGIS_LISTEN, which names the listener */
export function listen(name: string, server: Server, { host, port }: BoundAddress): Promise<BoundAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `${name}: ${host}:${port} cannot be listened on (${error.code ?? error.message}).`;
      reject(new AegisError('AEGIS_LISTEN', message, { cause: error }));
    });
    server.listen(port, host, () => {
      const { address, port: bound } = server.address() as AddressInfo;
      resolve({ host: address, port: bound });
    });
  });
}
