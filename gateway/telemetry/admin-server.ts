import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIP } from 'node:net';
import { isFromPage, isLocalHost, send } from '../listeners/http-common.ts';
import type { Health } from './health.ts';

/**
 * Health and metrics, on a port of their own: `GET /health`, `/health/live`, `/health/ready`, `/metrics`. Whoever
 * reaches the port may read them: probes and scrapers name no secret, and there is none here. Pages may not: they would
 * have to come by a name (DNS rebinding) or show it in their headers, so `Host` must be an address, a loopback name, or
 * a name of `hosts`.
 */
export interface AdminServerOptions {
  health(): Health;
  /** Prometheus' text format. */
  metrics(): string;
  /** Names without port, lower case. */
  hosts?: readonly string[];
}

const PLAIN = ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'];
const JSON_HEADERS = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];
const METRICS = ['Content-Type', 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control', 'no-store'];

function isAddress(host: string): boolean {
  return isIP(host.replace(/:[0-9]{1,5}$/, '')) === 4 || /^\[[0-9a-f:.]+\](?::[0-9]{1,5})?$/i.test(host);
}

export function createAdminServer(options: AdminServerOptions): Server {
  const hosts = new Set(options.hosts ?? []);

  function mayAsk(req: IncomingMessage): boolean {
    const { host } = req.headers;
    return host !== undefined && (isAddress(host) || isLocalHost(host, hosts)) && !isFromPage(req);
  }

  function answerTo(req: IncomingMessage): [status: number, headers: string[], body: string] {
    const path = (req.url ?? '').split('?', 1)[0];
    if (!mayAsk(req)) return [403, PLAIN, 'Ask by address or by a known name.\n'];
    if (req.method !== 'GET' && req.method !== 'HEAD') return [405, [...PLAIN, 'Allow', 'GET, HEAD'], 'Only GET.\n'];
    if (path === '/health/live') return [200, JSON_HEADERS, '{"live":true}\n'];
    if (path === '/metrics') return [200, METRICS, options.metrics()];
    if (path !== '/health' && path !== '/health/ready') return [404, PLAIN, 'There is no such path.\n'];
    const { ready, reason, body } = options.health();
    const shown = path === '/health' ? body : { ready, ...(reason !== undefined && { reason }) };
    return [ready ? 200 : 503, JSON_HEADERS, `${JSON.stringify(shown)}\n`];
  }

  return createServer({ keepAliveTimeout: 30_000, requestTimeout: 10_000, maxHeaderSize: 8192 }, (req, res) => {
    // Nothing here reads a body.
    req.resume();
    try {
      send(res, ...answerTo(req));
    } catch {
      if (res.headersSent) res.destroy();
      else send(res, 500, PLAIN, 'The gateway failed to answer.\n');
    }
  });
}
