import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Agent, request } from 'undici';
import type { AgentAuthenticator, AuthenticatedAgent } from '../../../operator/serving/authenticate.ts';
import { type BundleApi, createBundleApi } from '../../../operator/serving/bundle-api.ts';
import { EvidenceTable } from '../../../operator/serving/evidence-table.ts';
import { GatewayTable } from '../../../operator/serving/gateway-table.ts';
import { AegisError } from '../../../policy/errors.ts';
import { createLogger } from '../../../runtime/telemetry/logger.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { until } from '../../gateway/bundles/publisher.ts';
import { FakeBundles } from './fake-bundles.ts';
import { TENANT, toldBy } from './told-by.ts';

const PATH = '/v1/bundles/n/a.tar.gz';
const bundles = new FakeBundles();
let failing: unknown;
let again: () => void = () => undefined;
let log = '';
let api: BundleApi;
let server: Server;
let url: string;
const client = new Agent({ connections: 32 });

const agentOf = (pod: string): AuthenticatedAgent => ({
  ...toldBy('a', pod),
  tombstoned: false,
  bound: { namespace: 'n', serviceAccount: 'a', podName: pod, podUid: `uid-of-${pod}` },
});
/** The token is the name of the pod. */
const authenticator: AgentAuthenticator = {
  async authenticate({ authorization }) {
    if (failing !== undefined) throw failing;
    return agentOf(authorization?.replace('Bearer ', '') ?? '');
  },
  async again(agent) {
    again();
    return agent;
  },
};

beforeAll(async () => {
  const write = (line: string): boolean => {
    log += line;
    return true;
  };
  api = createBundleApi({
    bundles,
    authenticator,
    gateways: new GatewayTable({ clock: systemClock }),
    reports: new EvidenceTable({ clock: systemClock }),
    clock: systemClock,
    log: createLogger({ level: 'debug', now: Date.now, out: { write, writableLength: 0 } }),
    maxWaiting: 20,
  });
  server = createServer(api.app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  api.close();
  await client.destroy();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  failing = undefined;
  again = () => undefined;
  bundles.ready = true;
  bundles.publish(TENANT, 'one', { a: new Uint8Array([1, 2, 3]) });
});

let pods = 0;

async function ask(
  method: string,
  path: string,
  options: { pod?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal } = {},
) {
  const { pod = `pod-${pods++}`, headers, body, signal } = options;
  const answer = await request(url + path, {
    dispatcher: client,
    method: method as 'GET',
    headers: { Authorization: `Bearer ${pod}`, ...headers },
    body: body ?? null,
    ...(signal !== undefined && { signal }),
  });
  const text = await answer.body.text();
  const code = text.startsWith('{') ? (JSON.parse(text) as { code: string }).code : undefined;
  return { status: answer.statusCode, headers: answer.headers, text, code };
}

const post = (path: string, body: string, headers: Record<string, string> = {}, pod?: string) =>
  ask('POST', path, {
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(pod !== undefined && { pod }),
  });

const poll = (seconds: number, tag = '"one"') => ({
  'If-None-Match': tag,
  Prefer: `modes=snapshot;wait=${seconds}`,
});

describe('conditional requests', () => {
  test.each(['"one"', 'W/"one"', '"other", W/"one"', '*'])('304 for %s', async (tag) => {
    const { status, headers } = await ask('GET', PATH, { headers: { 'If-None-Match': tag } });
    expect([status, headers.etag, headers['content-type']]).toEqual([304, '"one"', 'application/gzip']);
  });

  test('200 for anything else', async () => {
    for (const tag of ['"two"', '"ONE"', 'one', '']) {
      expect((await ask('GET', PATH, { headers: { 'If-None-Match': tag } })).status).toBe(200);
    }
  });
});

describe('a long poll', () => {
  test('is answered as soon as there is something new, and says what the server can do', async () => {
    const waiting = ask('GET', PATH, { headers: poll(30) });
    await until(() => api.waiting === 1);
    bundles.publish({ name: 'other', uid: 'other' }, 'two', {});
    const started = performance.now();
    bundles.publish(TENANT, 'two', { a: new Uint8Array([4]) });
    const { status, headers } = await waiting;
    expect([status, headers.etag]).toEqual([200, '"two"']);
    expect(headers['content-type']).toBe('application/vnd.openpolicyagent.bundles');
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('goes on where what is new is what is known', async () => {
    const waiting = ask('GET', PATH, { headers: poll(1) });
    await until(() => api.waiting === 1);
    bundles.publish(TENANT, 'one', {});
    expect((await waiting).status).toBe(304);
  });

  test('is answered at once where something is new already, or nothing is waited for', async () => {
    const before = performance.now();
    const known = await ask('GET', PATH, { headers: { Prefer: 'modes=snapshot', 'If-None-Match': '"one"' } });
    expect([known.status, known.headers['content-type']]).toEqual([304, 'application/vnd.openpolicyagent.bundles']);
    expect((await ask('GET', PATH, { headers: poll(30, '"zero"') })).status).toBe(200);
    expect((await ask('GET', PATH, { headers: { Prefer: 'wait=30' } })).status).toBe(200);
    expect((await ask('HEAD', PATH, { headers: poll(30) })).status).toBe(304);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  test('ends after the time that was asked for', async () => {
    const before = performance.now();
    expect((await ask('GET', PATH, { headers: poll(1) })).status).toBe(304);
    const took = performance.now() - before;
    expect(took).toBeGreaterThanOrEqual(990);
    expect(took).toBeLessThan(2_000);
  });

  test('of a pod that is no agent any more is refused', async () => {
    const waiting = ask('GET', PATH, { headers: poll(30) });
    await until(() => api.waiting === 1);
    again = () => {
      throw new AegisError('AEGIS_SERVING_POD', 'it is gone');
    };
    bundles.publish(TENANT, 'two', { a: new Uint8Array([4]) });
    expect((await waiting).code).toBe('AEGIS_SERVING_POD');
  });

  test('makes room for the newest of a pod, and forgets clients that go', async () => {
    const first = ask('GET', PATH, { pod: 'p', headers: poll(30) });
    await until(() => api.waiting === 1);
    const gone = new AbortController();
    const others = [0, 1].map(() =>
      ask('GET', PATH, { pod: 'p', headers: poll(30), signal: gone.signal }).catch(() => undefined),
    );
    expect((await first).status).toBe(304);
    expect(api.waiting).toBe(2);
    gone.abort();
    await Promise.all(others);
    await until(() => api.waiting === 0);
  });

  test('finds no room at some point, and is told to come back now and then', async () => {
    const gone = new AbortController();
    const many = Array.from({ length: 20 }, () =>
      ask('GET', PATH, { headers: poll(30), signal: gone.signal }).catch(() => undefined),
    );
    await until(() => api.waiting === 20);
    const { status, headers } = await ask('GET', PATH, { headers: poll(30) });
    expect([status, headers['content-type']]).toEqual([304, 'application/gzip']);
    gone.abort();
    await Promise.all(many);
  });
});

describe('refused is', () => {
  test('another method, with those that there are', async () => {
    const put = await ask('PUT', PATH);
    expect([put.status, put.headers.allow, put.code]).toEqual([405, 'GET, HEAD', 'AEGIS_SERVING_METHOD']);
    const get = await ask('GET', '/v1/reports');
    expect([get.status, get.headers.allow]).toEqual([405, 'POST']);
  });

  test('a path that there is not', async () => {
    for (const path of ['/', '/v1/bundles/n', '/V1/reports', '/v1/reports/', '/internal/v1/relay', '/v1/bundles/%/a']) {
      expect((await ask('POST', path)).code).toBe('AEGIS_SERVING_NOT_FOUND');
    }
  });

  test('everything before bundles are known, and an agent without a slice', async () => {
    bundles.ready = false;
    const early = await ask('GET', PATH);
    expect([early.status, early.headers['retry-after'], early.code]).toEqual([503, '1', 'AEGIS_SERVING_NOT_READY']);
    bundles.ready = true;
    bundles.publish(TENANT, 'one', {});
    expect((await ask('GET', PATH)).code).toBe('AEGIS_SERVING_NOT_FOUND');
    bundles.publish({ ...TENANT, uid: 'another' }, 'one', { a: new Uint8Array(1) });
    expect((await ask('GET', PATH)).code).toBe('AEGIS_SERVING_NOT_FOUND');
  });

  test('a body that is too large, of another type, packed, or broken', async () => {
    const large = await post('/v1/acknowledgements', JSON.stringify({ a: 'x'.repeat(70_000) }));
    expect([large.status, large.code]).toEqual([400, 'AEGIS_SERVING_BODY']);
    for (const headers of [
      { 'Content-Type': 'text/plain' },
      { 'Content-Encoding': 'gzip' },
      { 'Content-Type': 'application/json; charset=utf-16' },
    ]) {
      expect((await post('/v1/reports', '{}', headers as Record<string, string>)).code).toBe('AEGIS_SERVING_BODY');
    }
    for (const body of ['', '{', '{}', '[]']) {
      expect((await post('/v1/acknowledgements', body)).code).toBe('AEGIS_SERVING_BODY');
    }
  });

  test('a large body of unknown length, without reading all of it', async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    let answer = '';
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        answer += chunk.toString();
      });
    socket.write(
      'POST /v1/acknowledgements HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer p\r\nContent-Type: application/json\r\n',
    );
    socket.write('Transfer-Encoding: chunked\r\n\r\n');
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    for (let i = 0; i < 6; i++) socket.write(chunk);
    await until(() => answer.includes('AEGIS_SERVING_BODY'));
    expect(answer.startsWith('HTTP/1.1 400')).toBe(true);
    await closed;
  });

  test('a pod that asks all the time; others are not', async () => {
    const codes = new Map<number, number>();
    for (let i = 0; i < 60; i++) {
      const { status } = await ask('GET', PATH, { pod: 'busy' });
      codes.set(status, (codes.get(status) ?? 0) + 1);
    }
    expect(codes.get(200)).toBeGreaterThanOrEqual(40);
    expect(codes.get(429)).toBeGreaterThan(0);
    expect((await ask('GET', PATH)).status).toBe(200);
    expect((await ask('GET', PATH, { pod: 'busy' })).headers['retry-after']).toBe('2');
  });

  test('nobody because of a defect: it is told as one, and nothing of it is shown', async () => {
    failing = new TypeError('secret value of something');
    const { status, code, text } = await ask('GET', PATH);
    expect([status, code]).toEqual([500, 'AEGIS_INTERNAL']);
    expect(text + log).not.toContain('secret');
    expect(log).toContain('"route":"bundle","error":"TypeError"');
  });
});
