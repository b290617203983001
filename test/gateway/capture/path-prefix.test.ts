import { request } from 'node:http';
import { connect } from 'node:net';
import { result } from '../listeners/fake-activation.ts';
import { call } from '../listeners/http-client.ts';
import { openWorld, type World } from './harness.ts';

const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const PAY = '/stripe-payments/v1/payment_intents';
const LIMIT = { id: 'l', per: 'Agent' as const, window: '1m', max: 1 };

let world: World;
let port: number;

beforeAll(async () => {
  world = await openWorld({ maxBody: 10_000 });
  port = world.bound.proxy?.port as number;
});

beforeEach(() => world.reset());
afterAll(() => world.close());

const pay = (body: string, headers: string[] = FORM) => call(port, 'POST', PAY, headers, body);

test('an allowed call reaches the tool byte for byte, and its answer comes back', async () => {
  const body = 'amount=4999&currency=usd&metadata%5Bmemo%5D=a%20b';
  const answer = await pay(body, [...FORM, 'Authorization', 'Bearer k', 'Idempotency-Key', 'i-1']);
  expect(answer).toMatchObject({
    status: 201,
    body: 'made',
    headers: { 'x-tool': 'yes', 'set-cookie': ['a=1', 'b=2'] },
  });
  expect(answer.headers['aegis-decision-id']).toBe(world.decisions[0]?.id);
  expect(answer.headers['x-hop']).toBeUndefined();
  expect(world.seen).toMatchObject([{ method: 'POST', url: '/v1/payment_intents', body }]);
  expect(world.seen[0]?.headers).toEqual(
    expect.arrayContaining(['Authorization', 'Bearer k', 'Idempotency-Key', 'i-1', `127.0.0.1:${world.toolPort}`]),
  );
  expect(world.asked[0]).toMatchObject({
    agent: 'finance-agent',
    tool: 'stripe-payments',
    action: 'create_payment',
    params: { amount: 49.99, currency: 'USD', memo: 'a b' },
  });
});

test('who calls is never taken from the request, and hop-by-hop headers stay here', async () => {
  const claims = [
    'Aegis-Agent',
    'root',
    'X-Aegis-Chain',
    'a',
    'X_Forwarded_User',
    'root',
    'X-Forwarded-For',
    '1.1.1.1',
    'Forwarded',
    'for=1',
    'X-User-Id',
    '1',
  ];
  const hops = [
    'Connection',
    'X-Drop, Content-Type, Keep-Alive',
    'X-Drop',
    '1',
    'Keep-Alive',
    '5',
    'TE',
    'trailers',
    'Proxy-Authorization',
    'x',
    'Upgrade',
    'h2c',
  ];
  await pay('amount=1&currency=usd', [...FORM, ...claims, ...hops]);
  const names = world.seen[0]?.headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()) ?? [];
  expect(names.sort()).toEqual(['connection', 'content-length', 'content-type', 'host']);
  expect(world.asked[0]?.agent).toBe('finance-agent');
});

test.each([
  ['deny', 403, 'policy-denied'],
  ['approval_needed', 403, 'approval-required'],
] as const)('%s: nothing is sent, the denial can be read by the SDK of the tool', async (verdict, status, type) => {
  world.evaluate = () => result(verdict);
  const answer = await pay('amount=1&currency=usd');
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'aegis-decision-id': world.decisions[0]?.id,
  });
  expect(answer.json).toMatchObject({
    type: `https://aegis.dev/problems/${type}`,
    error: { message: 'Because.' },
    rule: 'r',
  });
  expect(world.seen).toHaveLength(0);
});

test.each([
  ['GET', `${PAY}/../refunds`, 400, 'AEGIS_MAPPING_PATH'],
  ['GET', `${PAY}/%2e%2e/refunds`, 400, 'AEGIS_MAPPING_PATH'],
  ['GET', `${PAY}//x`, 400, 'AEGIS_MAPPING_PATH'],
  ['GET', '/stripe-payments/v1/refunds', 403, 'AEGIS_MAPPING_UNMAPPED'],
  ['DELETE', PAY, 403, 'AEGIS_MAPPING_UNMAPPED'],
  ['GET', '/other-tool/v1', 403, 'AEGIS_MAPPING_UNKNOWN_TOOL'],
  ['GET', '/unbound/v1', 403, 'AEGIS_MAPPING_UNKNOWN_TOOL'],
  ['GET', '/', 403, 'AEGIS_MAPPING_UNKNOWN_TOOL'],
  ['GET', '/%73tripe-payments/v1', 403, 'AEGIS_MAPPING_UNKNOWN_TOOL'],
])('%s %s is refused: %i %s', async (method, path, status, code) => {
  const answer = await call(port, method, path);
  expect(answer).toMatchObject({ status, json: { code } });
  expect(answer.headers['aegis-decision-id']).toBeTruthy();
  expect(world.seen).toHaveLength(0);
  expect(world.asked).toHaveLength(0);
});

test.each([
  ['amount=4999abc&currency=usd', 400, 'AEGIS_MAPPING_MISTYPED'],
  ['amount=1&amount=2&currency=usd', 400, 'AEGIS_MAPPING_DUPLICATE'],
  ['amount=1&currency=usd&confirm=true', 400, 'AEGIS_MAPPING_UNDECLARED'],
  [`metadata[memo]=${'x'.repeat(20_000)}`, 413, 'AEGIS_MAPPING_TOO_LARGE'],
])('a body that is no call is refused', async (body, status, code) => {
  expect(await pay(body)).toMatchObject({ status, json: { code, error: {} } });
  expect(world.seen).toHaveLength(0);
});

test('a foreign Host is refused, and so is everything without a bundle', async () => {
  expect((await pay('amount=1&currency=usd', [...FORM, 'Host', 'evil.example'])).status).toBe(403);
  world.active = false;
  expect(await pay('amount=1&currency=usd')).toMatchObject({
    status: 503,
    json: { code: 'AEGIS_NO_BUNDLE' },
    headers: { 'retry-after': '5' },
  });
  expect(world.seen).toHaveLength(0);
});

test('a sanitised call is written anew', async () => {
  world.evaluate = ({ params }) =>
    Number(params.amount) > 50
      ? result('sanitize', { set: [{ param: 'amount', op: 'clamp', value: 50 }] })
      : result('allow');
  expect((await pay('amount=999900&currency=usd')).status).toBe(201);
  expect(world.seen[0]?.body).toBe('amount=5000&currency=usd');
  world.evaluate = () => result('sanitize', { redact: [{ param: 'amount', op: 'redact' }] });
  expect((await pay('amount=1&currency=usd')).json).toMatchObject({ code: 'SANITIZE_INEFFECTIVE' });
  expect(world.seen).toHaveLength(1);
  expect(world.decisions.map(({ taken }) => taken)).toEqual(['sanitize', 'deny']);
});

test('redirects are passed on, not followed', async () => {
  const answer = await call(port, 'GET', `${PAY}/redirect`);
  expect(answer).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
  expect(world.seen).toHaveLength(1);
});

test('responses are streamed as they come', async () => {
  const times: number[] = [];
  await new Promise<void>((done, failed) => {
    request({ port, path: `${PAY}/stream`, headers: { host: 'localhost' } }, (res) => {
      res.on('data', () => times.push(performance.now()));
      res.on('end', done);
    })
      .on('error', failed)
      .end();
  });
  expect(times).toHaveLength(2);
  expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(20);
});

test('a tool that cannot be reached: 502, and the limit is given back', async () => {
  world.evaluate = () => result('allow', { limits: [{ ...LIMIT, id: 'reach' }] });
  world.overrides['stripe-payments'] = 'http://127.0.0.1:1';
  for (let i = 0; i < 2; i++) {
    expect(await pay('amount=1&currency=usd')).toMatchObject({ status: 502, json: { code: 'AEGIS_UPSTREAM_CONNECT' } });
  }
  world.overrides['stripe-payments'] = `http://127.0.0.1:${world.toolPort}`;
  expect((await pay('amount=1&currency=usd')).status).toBe(201);
  expect((await pay('amount=1&currency=usd')).status).toBe(429);
});

test.each([
  ['hang', 504, 'AEGIS_UPSTREAM_TIMEOUT'],
  ['reset', 502, 'AEGIS_UPSTREAM_FAILED'],
])('a tool that does not answer (%s): %i, and the limit stays spent', async (kind, status, code) => {
  world.evaluate = () => result('allow', { limits: [{ ...LIMIT, id: kind }] });
  expect(await call(port, 'GET', `${PAY}/${kind}`)).toMatchObject({ status, json: { code } });
  const reached = world.seen.length;
  expect((await call(port, 'GET', `${PAY}/x`)).status).toBe(429);
  expect(world.seen).toHaveLength(reached);
});

test('a response that breaks off does not look complete', async () => {
  await expect(call(port, 'GET', `${PAY}/break`)).rejects.toThrow(/aborted|hang up/);
});

test('an agent that goes away ends its call', async () => {
  const req = request({ port, path: `${PAY}/hang`, headers: { host: 'localhost' } });
  req.on('error', () => undefined);
  req.end();
  while (world.seen.length === 0) await new Promise((done) => setTimeout(done, 5));
  req.destroy();
  await new Promise((done) => setTimeout(done, 50));
  expect((await call(port, 'GET', `${PAY}/x`)).status).toBe(201);
});

test('a body that ends early is never decided on', async () => {
  await new Promise<void>((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.end(
        [
          `POST ${PAY} HTTP/1.1`,
          'Host: localhost',
          `Content-Type: ${FORM[1]}`,
          'Content-Length: 99',
          '',
          'amount=1',
        ].join('\r\n'),
      );
    });
    socket.on('data', () => undefined);
    socket.on('close', () => done());
  });
  expect(world.asked).toHaveLength(0);
  expect(world.seen).toHaveLength(0);
});

test.each([
  'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
  'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
])('smuggled framing is refused by the parser', async (rest) => {
  const answer = await new Promise<string>((done) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(`POST ${PAY} HTTP/1.1\r\nHost: localhost\r\n${rest}`));
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => done(text));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400/);
  expect(world.seen).toHaveLength(0);
});
