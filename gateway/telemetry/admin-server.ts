import type { Server } from 'node:http';
import { createAdminServer as createServer } from '../../runtime/http/admin-server.ts';
import type { Health } from './health.ts';

/** `GET /health`, `/health/live`, `/health/ready`, `/metrics`; who may ask: `runtime/http/admin-server.ts`. */
export interface AdminServerOptions {
  health(): Health;
  /** Prometheus' text format. */
  metrics(): string;
  /** Names without port, lower case. */
  hosts?: readonly string[];
}

export function createAdminServer({ health, metrics, hosts }: AdminServerOptions): Server {
  return createServer({
    hosts,
    noun: 'gateway',
    paths: {
      '/health': () => {
        const { ready, body } = health();
        return { status: ready ? 200 : 503, json: body };
      },
      '/health/live': () => ({ status: 200, json: { live: true } }),
      '/health/ready': () => {
        const { ready, reason } = health();
        return { status: ready ? 200 : 503, json: { ready, ...(reason !== undefined && { reason }) } };
      },
      '/metrics': () => ({ metrics: metrics() }),
    },
  });
}
