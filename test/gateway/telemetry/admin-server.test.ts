import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BundleStatus } from '../../../gateway/bundles/bundle-status.ts';
import { createAdminServer } from '../../../gateway/telemetry/admin-server.ts';
import { addGatewayMetrics } from '../../../gateway/telemetry/gateway-metrics.ts';
import { type HealthParts, health } from '../../../gateway/telemetry/health.ts';
import { MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { fakeActivation, result } from '../listeners/fake-activation.ts';

const STATUS: BundleStatus = {
  tenant: 'fintech',
  state: 'active',
  age: 61_000,
  maxStaleness: 3_600_000,
  failMode: 'Closed',
  sources: [{ kind: 'http', place: 'https://op/bundle', lastSuccess: 5_000 }],
  lastError: { code: 'AEGIS_BUNDLE_FETCH', message: 'no', at: 4_000, source: 'http' },
  behind: false,
  activations: 2,
  renewals: 0,
  refusals: { AEGIS_BUNDLE_SIGNATURE: 3 },
  failures: {},
  revoked: { keys: 0, approvals: 0 },
} as BundleStatus;

const activation = fakeActivation(() => result('allow'));
const state = { phase: 'running' as 'starting' | 'running' | 'draining', active: true, status: STATUS };
const parts: HealthParts = {
  version: '1.2.3',
  started: 0,
  now: () => 61_000,
  phase: () => state.phase,
  activations: { get: () => activation, list: () => (state.active ? [activation] : []) },
  bundle: () => state.status,
  limits: () => ({ store: 'redis', available: false }),
  log: () => ({ state: 'ok', full: false, memoryBytes: 1, spillBytes: 2, delivered: 3, spilled: 4, dropped: 5 }),
  traces: () => ({ state: 'failing', queued: 1, exported: 2, dropped: 3 }),
  inFlight: () => 9,
};

let server: Server;
let port: number;
beforeAll(async () => {
  const registry = new MetricsRegistry();
  addGatewayMetrics(registry, parts);
  server = createAdminServer({ health: () => health(parts), metrics: () => registry.text(), hosts: ['gateway.local'] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => Object.assign(state, { phase: 'running', active: true, status: STATUS }));

async function ask(path: string, options: { method?: string; headers?: Record<string, string> } = {}) {
  const req = request({ host: '127.0.0.1', port, path, ...options }).end();
  const [res] = await once(req, 'response');
  let text = '';
  for await (const chunk of res) text += chunk;
  return { status: res.statusCode as number, type: res.headers['content-type'] as string, text };
}

test('health tells everything, without names of parameters', async () => {
  const { status, text } = await ask('/health');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    live: true,
    ready: true,
    version: '1.2.3',
    uptime_seconds: 61,
    calls_in_flight: 9,
    bundles: [{ tenant: 'fintech', sequence: 7, activated_at: '1970-01-01T00:00:01.000Z', age_seconds: 60 }],
    bundle: expect.objectContaining({
      state: 'active',
      age_seconds: 61,
      stale: false,
      refusals: { AEGIS_BUNDLE_SIGNATURE: 3 },
      last_error: { code: 'AEGIS_BUNDLE_FETCH', source: 'http', at: '1970-01-01T00:00:04.000Z' },
    }),
    limits: { store: 'redis', available: false },
    decision_log: expect.objectContaining({ state: 'ok', memory_bytes: 1, dropped: 5 }),
    traces: { state: 'failing', queued: 1, exported: 2, dropped: 3 },
  });
});

test.each([
  ['starting', { phase: 'starting' }],
  ['draining', { phase: 'draining' }],
  ['no bundle', { active: false }],
  ['bundle is stale', { status: { ...STATUS, state: 'stale' } }],
])('not ready: %s; but alive', async (reason, change) => {
  Object.assign(state, change);
  for (const path of ['/health', '/health/ready']) {
    const { status, text } = await ask(path);
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ ready: false, reason });
  }
  expect((await ask('/health/live')).status).toBe(200);
});

test('metrics in the text format', async () => {
  const { status, type, text } = await ask('/metrics');
  expect(status).toBe(200);
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  for (const line of [
    'aegis_gateway_ready 1',
    'aegis_gateway_calls_in_flight 9',
    'aegis_gateway_bundle_sequence{tenant="fintech"} 7',
    'aegis_gateway_bundle_age_seconds 61',
    'aegis_gateway_bundle_stale 0',
    'aegis_gateway_bundle_refusals_total{code="AEGIS_BUNDLE_SIGNATURE"} 3',
    'aegis_gateway_limits_available 0',
    'aegis_gateway_log_lines_total{result="dropped"} 5',
    'aegis_gateway_spans_total{result="dropped"} 3',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test('who may ask, and how', async () => {
  const statusWith = async (headers: Record<string, string>): Promise<number> =>
    (await ask('/health', { headers })).status;
  expect(await statusWith({ host: '10.1.2.3:15020' })).toBe(200);
  expect(await statusWith({ host: '[fd00::1]:15020' })).toBe(200);
  expect(await statusWith({ host: 'localhost' })).toBe(200);
  expect(await statusWith({ host: 'gateway.local:15020' })).toBe(200);
  expect(await statusWith({ host: 'evil.example' })).toBe(403);
  expect(await statusWith({ host: '127.0.0.1', origin: 'https://evil.example' })).toBe(403);
  expect(await statusWith({ host: '127.0.0.1', 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect((await ask('/health', { method: 'POST' })).status).toBe(405);
  expect((await ask('/health', { method: 'HEAD' })).status).toBe(200);
  expect((await ask('/nothing')).status).toBe(404);
});
