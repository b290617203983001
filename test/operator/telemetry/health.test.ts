import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createOperatorAdmin } from '../../../operator/telemetry/admin-server.ts';
import { HEALTHY, type HealthState, healthOf, OperatorHealth } from '../../../operator/telemetry/health.ts';

const state: { watches: HealthState; loop: HealthState } = { watches: HEALTHY, loop: HEALTHY };
const make = (): OperatorHealth => new OperatorHealth({ version: '1.2.3', started: 0, now: () => 61_000 });

let health: OperatorHealth;
let server: Server;
beforeEach(async () => {
  state.watches = HEALTHY;
  state.loop = HEALTHY;
  health = make();
  health.add({ name: 'watches', ready: () => state.watches, details: () => ({ AgentPolicy: { objects: 3 } }) });
  health.add({ name: 'loop', live: () => state.loop });
  server = createOperatorAdmin({ health, metrics: () => 'm 1\n', hosts: ['op.example'] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { port } = server.address() as AddressInfo;
  const req = request({ port, path, method, headers: { host: `127.0.0.1:${port}`, ...headers } });
  req.end();
  const [res] = await once(req, 'response');
  let body = '';
  for await (const chunk of res) body += chunk;
  return { status: res.statusCode as number, type: res.headers['content-type'] as string, body };
}

test('well', async () => {
  expect(await ask('/healthz')).toEqual({ status: 200, type: 'application/json', body: '{"live":true}\n' });
  expect((await ask('/readyz?verbose')).body).toBe('{"ready":true}\n');
  expect(JSON.parse((await ask('/health')).body)).toEqual({
    live: true,
    ready: true,
    reasons: [],
    version: '1.2.3',
    uptime_seconds: 61,
    watches: { AgentPolicy: { objects: 3 } },
    loop: {},
  });
  expect(await ask('/metrics')).toMatchObject({ status: 200, body: 'm 1\n' });
});

test('not ready is not dead: reasons name the part', async () => {
  state.watches = { ok: false, reasons: ['AgentPolicy: not synced', 'Pod: not synced'] };
  expect(await ask('/readyz')).toMatchObject({
    status: 503,
    body: '{"ready":false,"reasons":["watches: AgentPolicy: not synced","watches: Pod: not synced"]}\n',
  });
  expect((await ask('/healthz')).status).toBe(200);
  expect((await ask('/health')).status).toBe(503);
  state.watches = HEALTHY;
  state.loop = healthOf(false, 'stuck');
  expect(await ask('/healthz')).toMatchObject({ status: 503, body: '{"live":false,"reasons":["loop: stuck"]}\n' });
  expect((await ask('/readyz')).status).toBe(200);
});

test('on the way out it is not ready, and still alive', async () => {
  health.end();
  expect((await ask('/readyz')).body).toBe('{"ready":false,"reasons":["ending"]}\n');
  expect((await ask('/healthz')).status).toBe(200);
});

test('a part that cannot answer is not well, and its message is not told', () => {
  health.add({
    name: 'odd',
    ready: () => {
      throw new TypeError('hunter2');
    },
    details: () => {
      throw new TypeError('hunter2');
    },
  });
  expect(health.ready()).toEqual({ ok: false, reasons: ['odd: does not answer (TypeError)'] });
  expect(health.live()).toEqual(HEALTHY);
  expect(JSON.stringify(health.body())).not.toContain('hunter2');
  expect(() => health.add({ name: 'odd' })).toThrow('there already');
});

test('who may ask: by address or known name, no page, GET only', async () => {
  for (const host of ['10.0.0.7:15020', 'localhost', '[fd00::1]:15020', 'op.example:15020', 'OP.example']) {
    expect([host, (await ask('/readyz', { host })).status]).toEqual([host, 200]);
  }
  for (const host of ['evil.example', 'op.example.evil', '10.0.0.7.evil']) {
    expect([host, (await ask('/metrics', { host })).status]).toEqual([host, 403]);
  }
  expect((await ask('/metrics', { origin: 'http://localhost' })).status).toBe(403);
  expect((await ask('/metrics', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await ask('/healthz', {}, 'POST')).status).toBe(405);
  expect((await ask('/health/live')).status).toBe(404);
  expect((await ask('/constructor')).status).toBe(404);
});
