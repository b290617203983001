import type { RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { type BoundAddress, listen } from '../../runtime/listen.ts';
import { type Clock, systemClock } from '../../runtime/time/clock.ts';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';

/** Times in ms. */
export interface HttpsLimits {
  /** For the TLS handshake. Default 10 s. */
  handshake?: number;
  /** For the head of a request. Default 10 s. */
  head?: number;
  /** For a request with its body. Default 30 s. */
  request?: number;
  /** Without a byte on a connection; long polls last up to 60 s. Default 90 s. */
  idle?: number;
  /** Between two requests of a connection. Default 75 s: longer than clients keep idle connections by default. */
  keepAlive?: number;
  /** Connections at the same time; more are closed at once. Default 2000. */
  connections?: number;
  /** For requests under way when the server is closed. Default 10 s. */
  drain?: number;
}

export interface HttpsServerOptions {
  /** For errors, e.g. `listen.webhook`. */
  name: string;
  address: BoundAddress;
  certificate: CertificateSource;
  handler: RequestListener;
  limits?: HttpsLimits;
  clock?: Clock;
}

export interface HttpsServer {
  address: BoundAddress;
  /** No new connections; requests under way may end, for as long as `drain`. */
  close(): Promise<void>;
}

const MAX_HEAD = 16 * 1024;
/** ms between two looks at which connections have become idle, while a server ends. */
const IDLE_LOOK = 50;
const PLAIN: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/**
 * Serves HTTPS (TLS 1.2 and later, HTTP/1.1) with the certificate that is current when a connection is made: a new one
 * is taken over without a closed connection. @throws AegisError AEGIS_LISTEN, AEGIS_CERTIFICATE_MISSING
 */
export async function openHttps(options: HttpsServerOptions): Promise<HttpsServer> {
  const { name, address, certificate, handler, limits = {}, clock = systemClock } = options;
  const server = createServer(
    {
      ...contextOf(certificate.current()),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.handshake ?? 10_000,
      headersTimeout: limits.head ?? 10_000,
      requestTimeout: limits.request ?? 30_000,
      keepAliveTimeout: limits.keepAlive ?? 75_000,
      connectionsCheckingInterval: Math.min(5_000, limits.head ?? 10_000),
      maxHeaderSize: MAX_HEAD,
      requireHostHeader: true,
    },
    handler,
  );
  server.timeout = limits.idle ?? 90_000;
  server.maxConnections = limits.connections ?? 2000;
  server.on('clientError', answerPlainly);
  const stop = certificate.subscribe(() => {
    const next = contextOf(certificate.current());
    // A pair that does not fit must not take down what is served.
    if (isUsable(next)) server.setSecureContext(next);
  });
  try {
    const bound = await listen(name, server, address);
    return { address: bound, close: () => close(server, stop, limits.drain ?? 10_000, clock) };
  } catch (error) {
    stop();
    throw error;
  }
}

function contextOf({ cert, key }: ServedCertificate): ServerOptions {
  return { cert, key, minVersion: 'TLSv1.2' };
}

function isUsable(context: ServerOptions): boolean {
  try {
    createSecureContext(context);
    return true;
  } catch {
    return false;
  }
}

/** A head that is no HTTP, too slow or too long is told so in one line; one cannot speak before the handshake ends. */
function answerPlainly(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { code = '' } = error;
  const status = PLAIN[code] ?? (code.startsWith('HPE_') ? '400 Bad Request' : undefined);
  if (status === undefined || !socket.writable) socket.destroy();
  else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function close(server: Server, stop: () => void, drain: number, clock: Clock): Promise<void> {
  stop();
  const done = new AbortController();
  const closed = new Promise<void>((resolve) => server.close(() => resolve())).finally(() => done.abort());
  const end = clock.monotonic() + drain;
  for (let left = drain; left > 0 && !done.signal.aborted; left = end - clock.monotonic()) {
    // a connection whose answer is out is kept for the next request, also by a server that takes none any more
    server.closeIdleConnections();
    await clock.sleep(Math.min(IDLE_LOOK, left), done.signal);
  }
  server.closeAllConnections();
  await closed;
}
