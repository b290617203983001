import { createServer, type Server } from 'node:net';
import { type BoundAddress, listen } from '../../runtime/listen.ts';

/** What an operating system without IPv6, or without it on loopback, says to `::1`. */
const WITHOUT_IPV6 = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/**
 * Opens `::1` beside `127.0.0.1` for a server: redirected traffic of either family arrives at the loopback address of its
 * own. Undefined where there is no IPv6, or the server is at another address, which then is all there is.
 * @param anyPort the port was a free one, so that it need not be free there as well.
 * @throws AegisError AEGIS_LISTEN, which names the listener
 */
export async function openOtherLoopback(
  name: string,
  server: Server,
  { host, port }: BoundAddress,
  anyPort: boolean,
): Promise<Server | undefined> {
  if (host !== '127.0.0.1') return undefined;
  const other = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket));
  other.maxConnections = server.maxConnections;
  try {
    await listen(name, other, { host: '::1', port });
    return other;
  } catch (error) {
    const { code } = (error as Error).cause as NodeJS.ErrnoException;
    if (WITHOUT_IPV6.has(code ?? '') || (anyPort && code === 'EADDRINUSE')) return undefined;
    throw error;
  }
}
