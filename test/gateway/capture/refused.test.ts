import { connect } from 'node:net';
import fc from 'fast-check';
import { RefusedRequests } from '../../../gateway/telemetry/refused-requests.ts';
import { openWorld, until, type World } from './harness.ts';
import { exchangeRaw } from './hostile/raw-socket.ts';
import { ask, handshake, openPlain, openTunnel } from './tls-client.ts';

/** What is told of requests that were refused before they were a call: where to and why, and nothing that they carried. */

const TOOL = 'api.stripe.test';
const PATH = '/v1/payment_intents/x';

let world: World;
let proxy: number;
let http: number;
let tls: number;
let toolPort: number;

beforeAll(async () => {
  world = await openWorld({
    listeners: {
      proxy: { port: 0 },
      http: { port: 0 },
      tls: { port: 0 },
      tools: { 'stripe-payments': { port: 0 } },
      decisions: { port: 0 },
    },
  });
  proxy = world.bound.proxy?.port as number;
  http = world.bound.http?.port as number;
  tls = world.bound.tls?.port as number;
  toolPort = world.bound.tools['stripe-payments']?.port as number;
});
beforeEach(() => world.reset());
afterAll(() => world.close());

const raw = (port: number, text: string) => ask(connect(port, '127.0.0.1'), text);
const get = (host: string, path = PATH, more = '') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const connectTo = (authority: string, host = authority) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const secure = (serverName: string) => handshake(connect(tls, '127.0.0.1'), { serverName, caFile: world.caFile });
const tunnel = (serverName: string) =>
  openTunnel(proxy, `${TOOL}:443`, { serverName, caFile: world.caFile, checkName: TOOL });
const failing = (promise: Promise<unknown>) => promise.catch(() => undefined);

const CASES: [string, () => Promise<unknown>, Record<string, unknown>][] = [
  [
    'an unknown host by the proxy',
    () => raw(proxy, get('Evil.example:8080', 'http://Evil.example:8080/a')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: 'evil.example' },
  ],
  [
    'an unknown host by CONNECT',
    () => raw(proxy, connectTo('evil.example:443')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: 'evil.example' },
  ],
  [
    'an address by CONNECT',
    () => raw(proxy, connectTo('169.254.169.254:80')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: '169.254.169.254' },
  ],
  [
    'an IPv6 address by CONNECT',
    () => raw(proxy, connectTo('[fd00::1]:443')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: 'fd00::1' },
  ],
  [
    'an IPv6 address by the proxy',
    () => raw(proxy, get('[fd00::1]', 'http://[fd00::1]/')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: 'fd00::1' },
  ],
  [
    'CONNECT and Host that differ',
    () => raw(proxy, connectTo('evil.example:443', TOOL)),
    { code: 'AEGIS_HOST_MISMATCH', status: 400, via: 'proxy', host: 'evil.example' },
  ],
  [
    'an unknown host, redirected',
    () => raw(http, get('evil.example')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'http', host: 'evil.example' },
  ],
  [
    'an unknown host, redirected TLS',
    () => failing(secure('Evil.example')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 0, via: 'tls', host: 'evil.example' },
  ],
  ['TLS without a server name', () => failing(secure('')), { code: 'AEGIS_HOST_UNKNOWN', status: 0, via: 'tls' }],
  ['no TLS on its port', () => exchangeRaw(tls, [get(TOOL)]), { code: 'AEGIS_HTTP_MALFORMED', status: 0, via: 'tls' }],
  [
    'another server name inside a tunnel',
    () => failing(tunnel('evil.example')),
    { code: 'AEGIS_HOST_UNKNOWN', status: 0, via: 'proxy', host: 'evil.example' },
  ],
  [
    'fronting: another Host inside a tunnel',
    async () => ask(await tunnel(TOOL), get('evil.example')),
    { code: 'AEGIS_HOST_MISMATCH', status: 421, via: 'proxy', host: 'evil.example' },
  ],
  [
    'fronting: another Host behind a server name',
    async () => ask(await secure(TOOL), get('evil.example')),
    { code: 'AEGIS_HOST_MISMATCH', status: 421, via: 'tls', host: 'evil.example' },
  ],
  [
    'another Host in a plain tunnel',
    async () => ask(await openPlain(proxy, `${TOOL}:80`), get('evil.example')),
    { code: 'AEGIS_HOST_MISMATCH', status: 421, via: 'proxy', host: 'evil.example' },
  ],
  [
    'plain HTTP in a tunnel to another port',
    async () => ask(await openPlain(proxy, `${TOOL}:443`), get('evil.example')),
    { code: 'AEGIS_CONNECT_REFUSED', status: 400, via: 'proxy', host: TOOL },
  ],
  [
    'broken HTTP in a plain tunnel',
    async () => ask(await openPlain(proxy, `${TOOL}:80`), 'SSH-2.0-x\r\n'),
    { code: 'AEGIS_HTTP_MALFORMED', status: 400, via: 'proxy', host: TOOL },
  ],
  ['no HTTP', () => raw(proxy, 'nonsense\r\n\r\n'), { code: 'AEGIS_HTTP_MALFORMED', status: 400, via: 'proxy' }],
  [
    'two Hosts',
    () => raw(http, `GET / HTTP/1.1\r\nHost: evil.example\r\nHost: ${TOOL}\r\n\r\n`),
    { code: 'AEGIS_HTTP_MALFORMED', status: 400, via: 'http' },
  ],
  [
    'no host name',
    () => raw(http, get('user:secret@evil.example')),
    { code: 'AEGIS_HTTP_MALFORMED', status: 400, via: 'http' },
  ],
  [
    'a label that is none',
    () => raw(http, get(`${'a'.repeat(64)}.example`)),
    { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'http' },
  ],
  [
    'an unknown tool by the prefix',
    () => raw(proxy, get('localhost', '/-/x')),
    { code: 'AEGIS_MAPPING_UNKNOWN_TOOL', status: 403, via: 'prefix' },
  ],
  [
    'a name that was rebound',
    () => raw(toolPort, get('rebound.example')),
    { code: 'AEGIS_REQUEST_REFUSED', status: 403, via: 'port', host: 'rebound.example' },
  ],
  [
    'a web page',
    () => raw(proxy, get('localhost', '/stripe-payments/v1', 'Origin: https://evil.example\r\n')),
    { code: 'AEGIS_CALLER_REFUSED', status: 403, via: 'prefix' },
  ],
  [
    'no bundle',
    () => {
      world.active = false;
      return raw(proxy, get('localhost', `/stripe-payments${PATH}`));
    },
    { code: 'AEGIS_NO_BUNDLE', status: 503, via: 'prefix' },
  ],
  [
    'no bundle, redirected TLS',
    () => {
      world.active = false;
      return failing(secure(TOOL));
    },
    { code: 'AEGIS_NO_BUNDLE', status: 0, via: 'tls', host: TOOL },
  ],
  [
    'a question of a page to the decision API',
    () => raw(world.bound.decisions?.port as number, get('evil.example')),
    { code: 'AEGIS_REQUEST_REFUSED', status: 403, via: 'decisions' },
  ],
];

test.each(CASES)('%s: told once', async (_name, send, expected) => {
  await send();
  await until('the refusal', () => world.refusals.length > 0);
  const [{ decisionId: _, ...told }, ...more] = JSON.parse(JSON.stringify(world.refusals));
  expect([told, more]).toEqual([expected, []]);
  expect(world.seen).toEqual([]);
  expect(world.decisions).toEqual([]);
});

test('the id is that of the answer', async () => {
  const { text } = await raw(proxy, connectTo('evil.example:443'));
  expect(text).toContain(`Aegis-Decision-Id: ${world.refusals[0]?.decisionId}\r\n`);
});

test('a decided call is not among them', async () => {
  expect((await raw(http, get(TOOL))).status).toBe(201);
  expect((await raw(http, get(TOOL, '/v1/refunds'))).status).toBe(403);
  expect(world.decisions).toHaveLength(2);
  expect(world.refusals).toEqual([]);
});

/** Letters that no record has of itself, so that whatever part of a request shows in one is found. */
const MARK = 'qzxj';
const KEYS = ['kind', 'decision_id', 'time', 'tenant', 'agent', 'code', 'status', 'via', 'host', 'count'];
const HOST = /^(?:[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|[0-9a-f:]+)$/;

test('whatever a request carries, its record has a host name and nothing else of it', async () => {
  const junk = fc
    .string({ unit: 'binary-ascii', maxLength: 30 })
    .map((text) => `${MARK}${text.replaceAll(/[\r\n]/g, '')}${MARK}`);
  const word = fc.stringMatching(/^[a-z0-9%&=;:.,_-]{0,20}$/).map((text) => `${MARK}${text}`);
  const request = fc.record({
    method: fc.oneof(fc.constantFrom('GET', 'POST', 'CONNECT', 'OPTIONS'), word),
    target: fc.oneof(
      word.map((text) => `/${text}?${text}`),
      word.map((text) => `http://evil.example/${text}`),
      word.map((text) => `http://${text}:${text}@evil.example/`),
      word.map((text) => `evil.example:${text}`),
      fc.constantFrom('evil.example:443', '*'),
      junk,
    ),
    host: fc.oneof(
      fc.constantFrom('evil.example', 'evil.example:443', '[::1]:5', `${'h'.repeat(300)}`),
      word.map((text) => `${text} evil.example`),
      word.map((text) => `evil.example/${text}`),
      word.map((text) => `${text}:${text}@evil.example`),
    ),
    headers: fc.array(fc.tuple(fc.constantFrom('Authorization', 'Cookie', 'Expect', 'Upgrade', 'traceparent'), junk), {
      maxLength: 4,
    }),
    body: junk,
    port: fc.constantFrom('proxy' as const, 'http' as const, 'port' as const),
  });
  const texts: string[] = [];
  const log = new RefusedRequests({
    append: (line) => texts.push(line),
    tenant: 'fintech',
    agent: 'finance-agent',
    now: () => Date.now(),
    ticks: () => performance.now() * 1e6,
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ method, target, host, headers, body, port }) => {
      // there it is the host that is asked for, and may be told
      fc.pre(method !== 'CONNECT' || !/^[a-z0-9._-]+$/i.test(target));
      world.reset();
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
      const at = { proxy, http, port: toolPort }[port];
      await exchangeRaw(at, [text], { patience: 1, wait: 1000 });
      for (const refusal of world.refusals) log.refused({ ...refusal, decisionId: `id-${texts.length}` });
    }),
    { numRuns: 200 },
  );
  log.close();
  expect(texts.length).toBeGreaterThan(3);
  for (const line of texts) {
    expect(line).not.toContain(MARK);
    const record = JSON.parse(line) as Record<string, string>;
    expect(Object.keys(record).filter((key) => !KEYS.includes(key))).toEqual([]);
    expect(record.code).toMatch(/^AEGIS_[A-Z_]+$/);
    if (record.host !== undefined) expect(record.host).toMatch(HOST);
    expect(line.length).toBeLessThan(600);
  }
});
