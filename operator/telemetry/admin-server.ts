import type { Server } from 'node:http';
import { type AdminAnswer, createAdminServer } from '../../runtime/http/admin-server.ts';
import type { HealthState, OperatorHealth } from './health.ts';

export interface OperatorAdminOptions {
  health: OperatorHealth;
  /** Prometheus' text format. */
  metrics(): string;
  /** Names without port, lower case. */
  hosts?: readonly string[];
}

/** `GET /healthz`, `/readyz`, `/health`, `/metrics`; who may ask: `runtime/http/admin-server.ts`. */
export function createOperatorAdmin({ health, metrics, hosts }: OperatorAdminOptions): Server {
  const answer = (name: string, { ok, reasons }: HealthState, json?: unknown): AdminAnswer => ({
    status: ok ? 200 : 503,
    json: json ?? { [name]: ok, ...(!ok && { reasons }) },
  });
  return createAdminServer({
    hosts,
    noun: 'operator',
    paths: {
      '/healthz': () => answer('live', health.live()),
      '/readyz': () => answer('ready', health.ready()),
      '/health': () => answer('ready', health.ready(), health.body()),
      '/metrics': () => ({ metrics: metrics() }),
    },
  });
}
