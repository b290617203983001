import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIP } from 'node:net';
import { send } from './send.ts';
import { isFromPage, isLocalHost } from './web-pages.ts';

/**
 * Health and metrics, on a port of their own. Whoever reaches the port may read them: probes and scrapers name no
 * secret, and there is none here. Pages may not: they would have to come by a name (DNS rebinding) or show it in their
 * headers, so `Host` must be an address, a loopback name, or a name of `hosts`.
 */
export interface AdminServerOptions {
  /** Answers to `GET` by path. */
  paths: Readonly<Record<string, () => AdminAnswer>>;
  /** Names without port, lower case. */
  hosts?: readonly string[] | undefined;
  /** Of the program, as it is spoken of. */
  noun: string;
}

export type AdminAnswer =
  | { status: 200 | 503; json: unknown }
  /** Prometheus' text format. */
  | { metrics: string };

const PLAIN = ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'];
const JSON_HEADERS = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];
const METRICS = ['Content-Type', 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control', 'no-store'];

function isAddress(host: string): boolean {
  return isIP(host.replace(/:[0-9]{1,5}$/, '')) === 4 || /^\[[0-9a-f:.]+\](?::[0-9]{1,5})?$/i.test(host);
}

export function createAdminServer(options: AdminServerOptions): Server {
  const hosts = new Set(options.hosts ?? []);
  const paths = new Map(Object.entries(options.paths));

  function mayAsk(req: IncomingMessage): boolean {
    const { host } = req.headers;
    return host !== undefined && (isAddress(host) || isLocalHost(host, hosts)) && !isFromPage(req);
  }

  function answerTo(req: IncomingMessage): [status: number, headers: string[], body: string] {
    if (!mayAsk(req)) return [403, PLAIN, 'Ask by address or by a known name.\n'];
    if (req.method !== 'GET' && req.method !== 'HEAD') return [405, [...PLAIN, 'Allow', 'GET, HEAD'], 'Only GET.\n'];
    const answer = paths.get((req.url ?? '').split('?', 1)[0] as string)?.();
    if (answer === undefined) return [404, PLAIN, 'There is no such path.\n'];
    if ('metrics' in answer) return [200, METRICS, answer.metrics];
    return [answer.status, JSON_HEADERS, `${JSON.stringify(answer.json)}\n`];
  }

  return createServer({ keepAliveTimeout: 30_000, requestTimeout: 10_000, maxHeaderSize: 8192 }, (req, res) => {
    // Nothing here reads a body.
    req.resume();
    try {
      send(res, ...answerTo(req));
    } catch {
      if (res.headersSent) res.destroy();
      else send(res, 500, PLAIN, `The ${options.noun} failed to answer.\n`);
    }
  });
}
