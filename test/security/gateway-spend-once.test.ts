/** A budget is spent once per operation of the tool, and never once for several: keys of retries used as a lever. */
import { exchangeRaw } from '../gateway/capture/hostile/raw-socket.ts';
import { type GatewayWorld, openGatewayWorld } from './gateway-world.ts';
import { HEAD, policy, REGISTRATION, sources } from './local-world.ts';

const TOOL = `${HEAD}kind: AgentTool
metadata: {name: bank, namespace: acme}
spec:
  protocol: HTTP
  upstream: {url: "http://bank.example", hosts: [eu.bank.example]}
  idempotency: {header: Bank-Request-Id}
  actions:
  - name: pay
    effect: write
    match: {method: POST, path: /pay}
    parameters:
      amount: {in: form, type: integer, role: amount}
  - name: quote
    effect: read
    cost: "40"
    match: {method: GET, path: /quote}
`;
const RULES = `  - name: pay
    actions: [pay]
    limits: [{name: daily, budget: {parameter: amount, max: 100, window: 24h}}]
  - name: quote
    actions: [quote]
    limits: [{name: quotes, budget: {cost: Estimated, max: 100, window: 24h}}]`;

const BODY = 'amount=40';
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';
const KEY = 'Bank-Request-Id: k-1\r\n';

const pay = (headers = '', target = '/bank/pay', host = 'localhost'): string =>
  `POST ${target} HTTP/1.1\r\nHost: ${host}\r\n${FORM}${headers}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

let world: GatewayWorld;

beforeEach(async () => {
  world = await openGatewayWorld({
    sources: sources(REGISTRATION, TOOL, policy(RULES)),
    agent: 'ag',
    tool: 'bank',
  });
});

afterEach(() => world.close());

async function send(...requests: string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const request of requests) statuses.push(...(await exchangeRaw(world.gateway.proxy, [request])).statuses);
  return statuses;
}

test('an identical retry spends once', async () => {
  expect(await send(...Array<string>(5).fill(pay(KEY)))).toEqual([200, 200, 200, 200, 200]);
  expect(world.received.every(({ headers }) => headers['bank-request-id'] === 'k-1')).toBe(true);
});

test('a key that Connection keeps from the tool is none', async () => {
  const hidden = pay(`${KEY}Connection: keep-alive, Bank-Request-Id\r\n`);
  expect(await send(hidden, hidden, hidden)).toEqual([200, 200, 429]);
});

test('the same key for another account, which Connection takes away, is another payment', async () => {
  const account = `${KEY}Bank-Account: acct_1\r\n`;
  const plain = pay(account);
  const without = pay(`${account}Connection: Bank-Account\r\n`);
  expect(await send(plain, without, pay('Bank-Request-Id: k-2\r\n'))).toEqual([200, 200, 429]);
});

test('the same key at another host of the tool is another payment', async () => {
  const at = (host: string): string => pay(KEY, `http://${host}/pay`, host);
  expect(await send(at('bank.example'), at('eu.bank.example'))).toEqual([200, 200]);
  expect(await send(pay('Bank-Request-Id: k-2\r\n'))).toEqual([429]);
});

test('a key on a read, which tools do not look at, does not make further reads free', async () => {
  const read = `GET /bank/quote HTTP/1.1\r\nHost: localhost\r\n${KEY}\r\n`;
  expect(await send(read, read, read)).toEqual([200, 200, 429]);
});

test.each([
  ['an Accept that the tool can only refuse after it acted', 406, 'Accept: image/none\r\n'],
  ['a Range that the tool can only refuse after it acted', 416, 'Range: bytes=9-\r\n'],
])('%s gives nothing back', async (_, status, header) => {
  world.answer((__, res) => res.writeHead(status).end());
  expect(await send(pay(header), pay(header), pay(header))).toEqual([status, status, 429]);
});
