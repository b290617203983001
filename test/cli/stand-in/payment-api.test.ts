import { connect } from 'node:net';
import { createPaymentStandIn } from '../../../cli/stand-in/payment-api.ts';

let lines: string[];
let standIn: ReturnType<typeof createPaymentStandIn>;
let server: Awaited<ReturnType<typeof standIn.start>>;

beforeEach(async () => {
  lines = [];
  standIn = createPaymentStandIn({ clock: () => 1_700_000_000_999, log: (line) => lines.push(line) });
  server = await standIn.start();
});
afterEach(() => server.close());

function pay(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}/v1/payment_intents`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
}

function get(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}${path}`);
}

test('creates a payment in minor units and gives it back', async () => {
  const response = await pay('amount=499900&currency=USD&description=rent&metadata[order]=7');
  expect(response.status).toBe(200);
  const intent = (await response.json()) as { id: string };
  expect(intent).toMatchObject({
    id: 'pi_standin_00000001',
    object: 'payment_intent',
    amount: 499900,
    currency: 'usd',
    created: 1_700_000_000,
    description: 'rent',
    livemode: false,
    metadata: { order: '7' },
    status: 'succeeded',
  });
  const again = await get(`/v1/payment_intents/${intent.id}?expand=x`);
  expect(await again.json()).toEqual(intent);
  await pay('amount=1&currency=usd');
  expect(standIn.totals()).toEqual({ usd: 499901 });
  expect(lines[1]).toBe('GET /v1/payment_intents/pi_standin_00000001 200');
});

test.each([
  ['', 'parameter_missing', 'amount'],
  ['amount=1', 'parameter_missing', 'currency'],
  ['amount=1.5&currency=usd', 'parameter_invalid_integer', 'amount'],
  ['amount=-1&currency=usd', 'parameter_invalid_integer', 'amount'],
  ['amount=0&currency=usd', 'parameter_invalid_integer', 'amount'],
  ['amount=123456789&currency=usd', 'parameter_invalid_integer', 'amount'],
  ['amount=1&currency=dollar', 'parameter_invalid', 'currency'],
  ['amount=1&amount=2&currency=usd', 'parameter_invalid', 'amount'],
  ['amount=1&currency=usd&transfer_to=x', 'parameter_unknown', 'transfer_to'],
])('%j is an error in the shape of the API', async (body, code, param) => {
  const response = await pay(body);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', code, param } });
  expect(standIn.totals()).toEqual({});
});

test('metadata named like a prototype is only data', async () => {
  const intent = await (await pay('amount=1&currency=usd&metadata[__proto__]=x&metadata[constructor]=y')).text();
  expect(intent).toContain('"__proto__": "x"');
});

test('unknown paths, methods, payments and content types', async () => {
  expect((await get('/v1/charges')).status).toBe(404);
  expect((await get('/v1/payment_intents')).status).toBe(404);
  expect((await get('/v1/payment_intents/pi_0')).status).toBe(404);
  expect(await (await get('/v1/payment_intents/pi_0')).json()).toMatchObject({ error: { code: 'resource_missing' } });
  expect((await pay('{"amount":1}', { 'content-type': 'application/json' })).status).toBe(400);
});

test('a long body is refused and the connection closed', async () => {
  const response = await pay(`amount=1&currency=usd&description=${'x'.repeat(100_000)}`);
  expect(response.status).toBe(413);
  expect(response.headers.get('connection')).toBe('close');
  expect(standIn.totals()).toEqual({});
});

test('a client that breaks off does no harm', async () => {
  await new Promise<void>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => {
      const type = 'content-type: application/x-www-form-urlencoded';
      socket.write(`POST /v1/payment_intents HTTP/1.1\r\nhost: x\r\n${type}\r\ncontent-length: 50\r\n\r\namount=1`);
      setTimeout(() => socket.destroy(), 50);
    });
    socket.on('close', () => resolve());
  });
  expect((await pay('amount=1&currency=usd')).status).toBe(200);
  expect(standIn.totals()).toEqual({ usd: 1 });
});

test('a port that is taken is an error', async () => {
  await expect(standIn.start(server.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('listens on the loopback address only', async () => {
  await expect(fetch(`http://127.0.0.2:${server.port}/`)).rejects.toThrow();
});
