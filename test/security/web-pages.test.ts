/** A web page can reach 127.0.0.1 from the user's browser; it must not act as the agent (CSRF, DNS rebinding). */
import { sampleSources } from '../support/sample.ts';
import { openWorld, post, sendRaw, statuses, type World } from './local-world.ts';

const FORM = 'application/x-www-form-urlencoded';
const PAY = '/stripe-payments/v1/payment_intents';
const PAYMENT = 'amount=4999&currency=usd';
const CALL = JSON.stringify({
  agent: 'finance-agent',
  tool: 'stripe-payments',
  action: 'create_payment',
  params: { amount: 1, currency: 'USD' },
});

let world: World;

beforeAll(async () => {
  world = await openWorld(sampleSources('fintech'), 'finance-agent');
});

afterAll(() => world.close());

const FROM_PAGES = [
  'Origin: https://evil.example\r\n',
  'Origin: null\r\n',
  'Origin: http://127.0.0.1:3000\r\n',
  'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n',
  'Sec-Fetch-Site: same-site\r\n',
  'Sec-Fetch-Site: same-origin\r\n',
  'ORIGIN: https://evil.example\r\nSEC-FETCH-SITE: none\r\n',
];

test.each(FROM_PAGES)('a form that a page posts is no payment: %j', async (headers) => {
  const answer = await sendRaw(world.servers.proxyPort, post(PAY, PAYMENT, headers, FORM));
  expect(statuses(answer)).toEqual([403]);
  expect(answer).not.toContain('Access-Control');
  expect(world.forwarded).toEqual([]);
});

test.each(FROM_PAGES)('nor does a page get decisions, which spend limits: %j', async (headers) => {
  const answer = await sendRaw(world.servers.decisionsPort, post('/v1/decisions', CALL, headers));
  expect(statuses(answer)).toEqual([403]);
});

test('a WebSocket that a page opens, and a preflight, reach nothing', async () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://evil.example\r\n';
  for (const method of ['GET', 'OPTIONS']) {
    const request = `${method} ${PAY}/x HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade}\r\n`;
    expect(statuses(await sendRaw(world.servers.proxyPort, request))).toEqual([403]);
  }
  expect(world.forwarded).toEqual([]);
});

test.each([
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '',
])('a rebound name is refused: %j', async (host) => {
  const request = post(PAY, PAYMENT, '', FORM).replace('Host: 127.0.0.1', `Host: ${host}`);
  expect(statuses(await sendRaw(world.servers.proxyPort, request))).toEqual([403]);
  expect(world.forwarded).toEqual([]);
});

test('an agent, and a person who types the address, pass', async () => {
  const answer = await sendRaw(
    world.servers.proxyPort,
    post(PAY, PAYMENT, 'Sec-Fetch-Site: none\r\nSec-Fetch-Mode: cors\r\n', FORM),
  );
  expect(statuses(answer)).toEqual([200]);
  expect(world.forwarded).toEqual([`POST /v1/payment_intents ${PAYMENT}`]);
});
