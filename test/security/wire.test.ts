/** What is decided on is what the tool gets: request smuggling and readings that differ, on the real socket. */
import { sampleSources } from '../support/sample.ts';
import { openWorld, policy, post, REGISTRATION, sendRaw, sources, statuses, TOOL, type World } from './local-world.ts';

const FORM = 'application/x-www-form-urlencoded';
const PAY = '/stripe-payments/v1/payment_intents';
const PAYMENT = 'amount=4999&currency=usd';
const TYPE = `Content-Type: ${FORM}\r\n`;
const HIDDEN = post(PAY, PAYMENT, '', FORM);

let world: World;

beforeEach(async () => {
  world = await openWorld(sampleSources('fintech'), 'finance-agent');
});

afterEach(() => world.close());

const head = (path: string, headers: string, version = 'HTTP/1.1'): string =>
  `POST ${path} ${version}\r\n${headers}\r\n`;
const LENGTH = `Content-Length: ${PAYMENT.length}\r\n`;
const chunked = `${PAYMENT.length.toString(16)}\r\n${PAYMENT}\r\n0\r\n`;

test.each([
  ['both lengths', head(PAY, `Host: localhost\r\n${TYPE}${LENGTH}Transfer-Encoding: chunked\r\n`) + chunked],
  [
    'a space before the colon',
    head(PAY, `Host: localhost\r\n${TYPE}${LENGTH}Transfer-Encoding : chunked\r\n`) + chunked,
  ],
  ['another coding', head(PAY, `Host: localhost\r\n${TYPE}Transfer-Encoding: xchunked\r\n`) + chunked],
  ['two lengths', head(PAY, `Host: localhost\r\n${TYPE}${LENGTH}Content-Length: 3\r\n`) + PAYMENT],
  ['two hosts', head(PAY, `Host: localhost\r\nHost: evil.example\r\n${TYPE}${LENGTH}`) + PAYMENT],
  ['no host', head(PAY, `${TYPE}${LENGTH}`, 'HTTP/1.0') + PAYMENT],
  ['bare line feeds', head(PAY, `Host: localhost\r\n${TYPE}${LENGTH}`).replaceAll('\r', '') + PAYMENT],
  ['an absolute target', head(`http://localhost${PAY}`, `Host: localhost\r\n${TYPE}${LENGTH}`) + PAYMENT],
  ['a request inside a refused body', head('/stripe-payments/x', 'Host: localhost\r\nContent-Length: 5\r\n') + HIDDEN],
  ['a request inside a form', post(PAY, `${PAYMENT}\r\n\r\n${HIDDEN}`, '', FORM)],
  ['an early end', head(PAY, `Host: localhost\r\n${TYPE}Content-Length: 99\r\n`) + PAYMENT],
  ['a tunnel', 'CONNECT api.stripe.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['thousands of headers', post(PAY, PAYMENT, 'a:\r\n'.repeat(4500), FORM)],
  ['a list of types', post(PAY, PAYMENT, '', `${FORM}, application/json`)],
  ['another charset', post(PAY, PAYMENT, '', `${FORM}; charset=utf-16`)],
  ['an encoding', post(PAY, PAYMENT, 'Content-Encoding: gzip\r\n', FORM)],
  ['a method override', post(PAY, PAYMENT, 'X_HTTP_Method_Override: DELETE\r\n', FORM)],
])('%s: nothing is forwarded', async (_, request) => {
  const answer = await sendRaw(world.servers.proxyPort, request);
  expect(statuses(answer).every((status) => status >= 400)).toBe(true);
  expect(world.forwarded).toEqual([]);
});

test('a request with a trailer is refused: what was decided on ended before it', async () => {
  const request = head(PAY, `Host: localhost\r\n${TYPE}Transfer-Encoding: chunked\r\nConnection: close\r\n`);
  const answer = await sendRaw(world.servers.proxyPort, `${request}${chunked}X-HTTP-Method-Override: DELETE\r\n\r\n`);
  expect(String(answer)).toContain('400');
  expect(world.forwarded).toEqual([]);
});

test('calls at the same time never spend more than the budget', async () => {
  const request = post(PAY, 'amount=499900&currency=usd', '', FORM);
  await Promise.all(Array.from({ length: 40 }, () => sendRaw(world.servers.proxyPort, request, 3000)));
  expect(world.forwarded).toHaveLength(4);
});

describe('fields and headers that some tools read as a declared one', () => {
  let bank: World;

  beforeAll(async () => {
    const rules = `  - {name: r, actions: [read], conditions: {params: {user_id: {enum: [a]}}}}
  - {name: l, actions: [look], conditions: {params: {destination: {enum: [a]}}}}`;
    bank = await openWorld(sources(REGISTRATION, TOOL, policy(rules)));
  });

  afterAll(() => bank.close());

  test.each([
    '[user_id]=b',
    'user_id]=b',
    'user_id[]=b',
    'user.id=b',
    'user+id=b',
    '%20user_id=b',
    '!user_id=b',
    'USER_ID=b',
    'u%C5%BFer_id=b',
    'userId=b',
    'user_id%E2%80%8B=b',
    '[_method]=DELETE',
  ])('query ?user_id=a&%s', async (field) => {
    const request = `GET /bank/read?user_id=a&${field} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect(statuses(await sendRaw(bank.servers.proxyPort, request))).toEqual([400]);
    expect(bank.forwarded).toEqual([]);
  });

  test.each([
    'Destination',
    'de\u017ftination',
    'destination ',
    'destination\\u0000',
    'user_id',
    'destination',
  ])('JSON member %j', async (name) => {
    const body = Buffer.from(`{"destination":"a","userId":"a","${name}":"b"}`).toString('latin1');
    expect(statuses(await sendRaw(bank.servers.proxyPort, post('/bank/look', body)))).toEqual([400]);
    expect(bank.forwarded).toEqual([]);
  });

  test.each([
    'X_Account: b\r\n',
    'X-Account: a\r\nX_Account: b\r\n',
    'X-Account: \u00a0a\r\n',
  ])('header %j', async (headers) => {
    const request = `GET /bank/read?user_id=a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`;
    expect(statuses(await sendRaw(bank.servers.proxyPort, request))).toEqual([400]);
    expect(bank.forwarded).toEqual([]);
  });

  test('other fields still pass where the contract lets them', async () => {
    const request =
      'GET /bank/read?user_id=a&page[size]=5&users=2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    expect(statuses(await sendRaw(bank.servers.proxyPort, request))).toEqual([200]);
  });
});

test('a tool that is only observed offers no more than the registration lists', async () => {
  const observed = REGISTRATION.replace('toolId: bank', 'toolId: bank, actions: [read]').replace(
    '  tools:',
    '  unmatched: Observe\n  tools:',
  );
  const kill = policy('  - {name: kill, type: Restrict, actions: [pay], outcome: deny}');
  const bank = await openWorld(sources(observed, TOOL, kill));
  try {
    expect(statuses(await sendRaw(bank.servers.proxyPort, post('/bank/pay', '{"amount":9999999}')))).toEqual([403]);
    const call = JSON.stringify({ agent: 'ag', tool: 'bank', action: 'nosuch', params: {} });
    expect(await sendRaw(bank.servers.decisionsPort, post('/v1/decisions', call))).toContain('UNKNOWN_ACTION');
    expect(bank.forwarded).toEqual([]);
  } finally {
    await bank.close();
  }
});
