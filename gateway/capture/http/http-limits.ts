/** What one client may cost before its request is understood. */
export interface HttpLimits {
  /** Bytes of a request head; default 16 KiB. */
  maxHeadBytes: number;
  /** Header lines of a request; default 100. */
  maxHeaders: number;
  /** Milliseconds for a request head; default 15,000. */
  headTimeout: number;
  /** Milliseconds for a body that is read before the decision; default 30,000. */
  bodyTimeout: number;
  /** Longest silence of a body that is streamed, ms; default 60,000. */
  bodyIdle: number;
  /** Longest silence between two requests of a connection, ms; default 65,000. */
  keepAlive: number;
  /** Longest time in which a client takes nothing of an answer that waits for it, ms; default 120,000. */
  stall: number;
  /** Longest TLS handshake, ms; default 10,000. */
  handshakeTimeout: number;
  /** Open connections per listener; further ones are closed at once. Default 512. */
  maxConnections: number;
  /** Requests of one connection that wait for their answers; with more it is closed. Default 32. */
  maxPipelined: number;
  /** Bytes of bodies that are held for a decision at once, on all listeners; default 32 MiB. */
  maxBodies: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxHeadBytes: 16 * 1024,
  maxHeaders: 100,
  headTimeout: 15_000,
  bodyTimeout: 30_000,
  bodyIdle: 60_000,
  keepAlive: 65_000,
  stall: 120_000,
  handshakeTimeout: 10_000,
  maxConnections: 512,
  maxPipelined: 32,
  maxBodies: 32 * 1024 * 1024,
};

/** The options of `createServer` that keep them. Never lenient parsing. */
export function serverOptions(limits: HttpLimits) {
  return {
    insecureHTTPParser: false,
    maxHeaderSize: limits.maxHeadBytes,
    headersTimeout: limits.headTimeout,
    // Bodies have bounds of their own: one that is streamed may take as long as it moves.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAlive,
    connectionsCheckingInterval: Math.max(10, Math.min(5_000, limits.headTimeout / 2)),
    // Said with a problem of our own.
    requireHostHeader: false,
    noDelay: true,
  };
}
