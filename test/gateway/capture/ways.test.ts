import { connect } from 'node:net';
import { result } from '../listeners/fake-activation.ts';
import { call } from '../listeners/http-client.ts';
import { openWorld, until, type World } from './harness.ts';
import { ask, handshake, openPlain, openTunnel } from './tls-client.ts';

/** Port per tool, forward proxy, CONNECT, TLS by server name: each leads to the same decision and the same bytes. */

const BODY = 'amount=4999&currency=usd';
const FORM = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${BODY.length}\r\n`;
const STRIPE_HOST = 'api.stripe.test';

let world: World;
let proxy: number;
let tls: number;
let toolPort: number;

beforeAll(async () => {
  world = await openWorld();
  proxy = world.bound.proxy?.port as number;
  tls = world.bound.tls?.port as number;
  toolPort = world.bound.tools['stripe-payments']?.port as number;
});

beforeEach(() => world.reset());
afterAll(() => world.close());

const raw = (port: number, text: string) => ask(connect(port, '127.0.0.1'), text);
const secure = (host: string, alpn?: string[]) =>
  handshake(connect(tls, '127.0.0.1'), { serverName: host, caFile: world.caFile, ...(alpn && { alpn }) });
const tunnel = (authority: string, serverName: string) =>
  openTunnel(proxy, authority, { serverName, caFile: world.caFile });
const pay = (host: string, target = '/v1/payment_intents') =>
  `POST ${target} HTTP/1.1\r\nHost: ${host}\r\n${FORM}\r\n${BODY}`;

const WAYS: [string, () => Promise<{ status: number; text: string }>, string][] = [
  ['port', () => raw(toolPort, pay('localhost')), 'port'],
  ['absolute form', () => raw(proxy, pay(STRIPE_HOST, `http://${STRIPE_HOST}/v1/payment_intents`)), 'proxy'],
  [
    'absolute form with port',
    () => raw(proxy, pay(`${STRIPE_HOST}:80`, `http://${STRIPE_HOST}/v1/payment_intents`)),
    'proxy',
  ],
  [
    'absolute form in capitals',
    () => raw(proxy, pay('API.stripe.test', 'HTTP://api.STRIPE.test/v1/payment_intents')),
    'proxy',
  ],
  [
    'absolute form of the prefix',
    () => raw(proxy, pay(`127.0.0.1:${proxy}`, `http://127.0.0.1:${proxy}/stripe-payments/v1/payment_intents`)),
    'prefix',
  ],
  ['CONNECT', async () => ask(await tunnel(`${STRIPE_HOST}:443`, STRIPE_HOST), pay(STRIPE_HOST)), 'proxy'],
  [
    'CONNECT, Host with port',
    async () => ask(await tunnel(`${STRIPE_HOST}:443`, STRIPE_HOST), pay(`${STRIPE_HOST}:443`)),
    'proxy',
  ],
  [
    'CONNECT to port 80, plain HTTP',
    async () => ask(await openPlain(proxy, `${STRIPE_HOST}:80`), pay(STRIPE_HOST)),
    'proxy',
  ],
  [
    'CONNECT to port 80, plain HTTP, Host with port',
    async () => ask(await openPlain(proxy, `${STRIPE_HOST}:80`), pay(`${STRIPE_HOST}:80`)),
    'proxy',
  ],
  ['TLS by server name', async () => ask(await secure(STRIPE_HOST), pay(STRIPE_HOST)), 'tls'],
  [
    'TLS by server name, port of the listener',
    async () => ask(await secure(STRIPE_HOST), pay(`${STRIPE_HOST}:${tls}`)),
    'tls',
  ],
];

test.each(WAYS)('%s: an allowed call arrives byte for byte', async (_, send, via) => {
  const { status, text } = await send();
  expect(status).toBe(201);
  expect(text).toContain('Aegis-Decision-Id: ');
  expect(world.seen).toMatchObject([{ method: 'POST', url: '/v1/payment_intents', body: BODY }]);
  expect(world.asked).toMatchObject([
    { agent: 'finance-agent', tool: 'stripe-payments', action: 'create_payment', params: { amount: 49.99 } },
  ]);
  expect(world.asked[0]?.context?.destination).toEqual({ host: STRIPE_HOST });
  expect(world.infos).toMatchObject([{ via }]);
  expect(world.outcomes).toMatchObject([{ outcome: { status: 201, bytes: 4 } }]);
});

test.each(WAYS)('%s: a refused call does not arrive', async (_, send) => {
  world.evaluate = () => result('deny');
  const { status, text } = await send();
  expect(status).toBe(403);
  expect(text).toContain('policy-denied');
  expect(text).toContain('Stripe-Should-Retry: false');
  expect(world.seen).toHaveLength(0);
  expect(world.outcomes).toMatchObject([{ outcome: { status: 403 } }]);
});

test('several calls share a tunnel', async () => {
  const socket = await tunnel(`${STRIPE_HOST}:443`, STRIPE_HOST);
  for (let i = 0; i < 3; i++) expect((await ask(socket, pay(STRIPE_HOST))).status).toBe(201);
  expect(world.seen).toHaveLength(3);
  socket.destroy();
});

test('plain calls share a tunnel to port 80, bodies in chunks and what comes in the same write included', async () => {
  const socket = connect(proxy, '127.0.0.1');
  const chunked = `POST /v1/payment_intents HTTP/1.1\r\nHost: ${STRIPE_HOST}\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
  const open = `CONNECT ${STRIPE_HOST}:80 HTTP/1.1\r\nHost: ${STRIPE_HOST}:80\r\n\r\n`;
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  socket.write(`${open}${chunked}${pay(STRIPE_HOST)}`);
  await until('both answers', () => text.split('HTTP/1.1 201').length === 3);
  expect(text.startsWith('HTTP/1.1 200 Connection Established\r\n\r\nHTTP/1.1 201')).toBe(true);
  expect((await ask(socket, pay(STRIPE_HOST))).status).toBe(201);
  expect(world.seen.map(({ body }) => body)).toEqual([BODY, BODY, BODY]);
  socket.destroy();
});

test('a plain tunnel to port 80 is no way to another host, port or tool', async () => {
  const plain = async (text: string) => ask(await openPlain(proxy, `${STRIPE_HOST}:80`), text);
  const wrong: [string, number, string][] = [
    [pay('files.example.test'), 421, 'AEGIS_HOST_MISMATCH'],
    [pay('evil.example'), 421, 'AEGIS_HOST_MISMATCH'],
    [pay('localhost', '/stripe-payments/v1/payment_intents'), 421, 'AEGIS_HOST_MISMATCH'],
    [pay(`${STRIPE_HOST}:443`), 421, 'AEGIS_HOST_MISMATCH'],
    [pay(`${STRIPE_HOST}:${proxy}`), 421, 'AEGIS_HOST_MISMATCH'],
    [pay(STRIPE_HOST, `http://${STRIPE_HOST}/v1/payment_intents`), 400, 'AEGIS_HTTP_MALFORMED'],
    [`CONNECT ${STRIPE_HOST}:80 HTTP/1.1\r\nHost: ${STRIPE_HOST}:80\r\n\r\n`, 405, 'AEGIS_CONNECT_REFUSED'],
    ['SSH-2.0-x\r\n', 400, 'AEGIS_HTTP_MALFORMED'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'AEGIS_HTTP_MALFORMED'],
  ];
  for (const [text, status, code] of wrong) {
    expect([text, await plain(text)]).toEqual([text, { status, text: expect.stringContaining(code) }]);
  }
  for (const port of [443, 8080, 22]) {
    const { status, text } = await ask(await openPlain(proxy, `${STRIPE_HOST}:${port}`), pay(`${STRIPE_HOST}:${port}`));
    expect([port, status, text]).toEqual([port, 400, expect.stringContaining('AEGIS_CONNECT_REFUSED')]);
  }
  expect(world.seen).toHaveLength(0);
});

test('the base path of the tool is taken off, for all of its hosts', async () => {
  for (const host of ['files.example.test', 'eu.files.example.test']) {
    const socket = await tunnel(`${host}:443`, host);
    expect((await ask(socket, `GET /v2/objects/a HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status).toBe(201);
    expect((await ask(socket, `GET /v1/objects/a HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status).toBe(403);
    expect((await ask(socket, `GET /v2/../v2/objects/a HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status).toBe(400);
    socket.destroy();
  }
  expect(world.seen.map(({ url }) => url)).toEqual(['/objects/a', '/objects/a']);
  // Outside of the base URL is a denial like any other.
  expect(world.decisions.filter(({ reasons }) => reasons[0]?.code === 'AEGIS_MAPPING_UNMAPPED')).toHaveLength(2);
  expect(world.decisions[1]).toMatchObject({ tool: 'files', taken: 'deny', action: '?' });
});

test('a connection for one host is no way to another', async () => {
  const other = 'files.example.test';
  const request = `GET /v2/objects/a HTTP/1.1\r\nHost: ${other}\r\n\r\n`;
  expect((await ask(await tunnel(`${STRIPE_HOST}:443`, STRIPE_HOST), request)).status).toBe(421);
  expect((await ask(await secure(STRIPE_HOST), request)).status).toBe(421);
  // CONNECT for one tool, server name of another.
  expect((await ask(await tunnel(`${STRIPE_HOST}:443`, other), request)).status).toBe(421);
  expect((await ask(await tunnel(`${STRIPE_HOST}:443`, other), pay(STRIPE_HOST))).status).toBe(421);
  // Another port of the same host.
  expect((await ask(await secure(STRIPE_HOST), pay(`${STRIPE_HOST}:8443`))).status).toBe(421);
  // Absolute form inside.
  expect(
    (await ask(await secure(STRIPE_HOST), pay(STRIPE_HOST, `https://${STRIPE_HOST}/v1/payment_intents`))).status,
  ).toBe(400);
  // CONNECT inside.
  const nested = await ask(
    await secure(STRIPE_HOST),
    `CONNECT ${STRIPE_HOST}:443 HTTP/1.1\r\nHost: ${STRIPE_HOST}:443\r\n\r\n`,
  );
  expect(nested.status).toBe(405);
  expect(world.seen).toHaveLength(0);
});

test('a port where the tool is not is refused after the handshake', async () => {
  const socket = await tunnel(`${STRIPE_HOST}:8443`, STRIPE_HOST);
  const answer = await ask(socket, pay(`${STRIPE_HOST}:8443`));
  expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('AEGIS_UPSTREAM_HOST') });
});

test('no certificate for names of no tool, and none without a name', async () => {
  await expect(secure('evil.example')).rejects.toThrow();
  await expect(secure('')).rejects.toThrow();
  await expect(tunnel(`${STRIPE_HOST}:443`, 'evil.example')).rejects.toThrow();
  expect((await raw(proxy, pay('localhost', '/stripe-payments/v1/payment_intents'))).status).toBe(201);
});

test('a tunnel without a server name is the one of CONNECT', async () => {
  const socket = await openTunnel(proxy, `${STRIPE_HOST}:443`, {
    serverName: '',
    caFile: world.caFile,
    checkName: STRIPE_HOST,
  });
  expect((await ask(socket, pay(STRIPE_HOST))).status).toBe(201);
});

test('only HTTP/1.1 is agreed on', async () => {
  const socket = await secure(STRIPE_HOST, ['h2', 'http/1.1']);
  expect(socket.alpnProtocol).toBe('http/1.1');
  socket.destroy();
  await expect(secure(STRIPE_HOST, ['h2'])).rejects.toThrow(/no application protocol/i);
});

test('Python says HTTP/1.0 without Host in CONNECT', async () => {
  const answer = await raw(proxy, `CONNECT evil.example:443 HTTP/1.0\r\n\r\n`);
  expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('AEGIS_HOST_UNKNOWN') });
});

test('without a bundle every way is closed', async () => {
  world.active = false;
  expect((await raw(toolPort, pay('localhost'))).status).toBe(503);
  expect((await raw(proxy, pay(STRIPE_HOST, `http://${STRIPE_HOST}/v1/payment_intents`))).status).toBe(503);
  expect(world.seen).toHaveLength(0);
});

test('correlation is passed on, and only if it is well-formed', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const port = proxy;
  await call(port, 'GET', '/stripe-payments/v1/payment_intents/x', ['traceparent', traceparent]);
  await call(port, 'GET', '/stripe-payments/v1/payment_intents/x', ['traceparent', '00-x']);
  expect(world.infos.map((info) => info.traceparent)).toEqual([traceparent, undefined]);
});
