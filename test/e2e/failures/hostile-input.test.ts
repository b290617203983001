import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { freePort } from '../../../bench/support/free-port.ts';
import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { probe } from '../../support/gateway-view.ts';
import { LEDGER_HOST } from '../../support/ledger-sources.ts';
import { exchange, openPlain, openTls, openTunnel } from '../../support/raw-http.ts';

/** One of each kind of hostile input by each way in: a clear error, never an allow, the tool sees nothing. */

const MAX_BODY = 64 * 1024;

let world: FailureWorld;
let gateway: GatewayProcess;
let toolPort: number;
let tlsPort: number;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish();
  [toolPort, tlsPort] = [await freePort(), await freePort()];
  gateway = await world.start({
    'listen.tools': `ledger=127.0.0.1:${toolPort}`,
    'listen.tls': `127.0.0.1:${tlsPort}`,
    'capture.caDirectory': world.path('ca'),
    'capture.caExport': world.path('ca.pem'),
    'request.maxBody': '64KiB',
  });
});

afterAll(() => world.close());

interface Way {
  open(): Promise<Socket>;
  host: string;
  /** Before the path of the tool. */
  before: string;
}

const ca = (): Buffer => readFileSync(world.path('ca.pem'));

const WAYS: Record<string, Way> = {
  'path prefix': { open: () => openPlain(gateway.proxy), host: 'localhost', before: '/ledger' },
  'port of the tool': { open: () => openPlain(toolPort), host: 'localhost', before: '' },
  'forward proxy': { open: () => openPlain(gateway.proxy), host: LEDGER_HOST, before: `http://${LEDGER_HOST}` },
  'forward proxy, CONNECT': {
    open: async () => openTls(await openTunnel(gateway.proxy, `${LEDGER_HOST}:443`), LEDGER_HOST, ca()),
    host: LEDGER_HOST,
    before: '',
  },
  'TLS by server name': { open: () => openTls(tlsPort, LEDGER_HOST, ca()), host: LEDGER_HOST, before: '' },
};

interface Case {
  path?: string;
  method?: string;
  /** With CRLF each. */
  headers?: string;
  /** Latin-1, so that a case may hold any byte. */
  body?: string;
  /** Instead of the true one. */
  length?: string;
  form?: true;
}

const GOOD = '{"amount":10,"note":"rent"}';
const deep = (depth: number): string => `{"amount":10,"note":${'['.repeat(depth)}${']'.repeat(depth)}}`;

const HOSTILE: Record<string, Case> = {
  'huge: a body': { body: `{"amount":10,"note":"${'x'.repeat(MAX_BODY)}"}` },
  'huge: a head': { headers: `X-Long: ${'x'.repeat(20_000)}\r\n` },
  'huge: many headers': { headers: 'X: y\r\n'.repeat(300) },
  'deep: nested arrays': { body: deep(200) },
  'duplicate keys: JSON': { body: '{"amount":10,"note":"rent","amount":1000}' },
  'duplicate keys: JSON, one of them escaped': { body: '{"amount":10,"\\u0061mount":1000}' },
  'duplicate keys: form': { path: '/transfers', form: true, body: 'amount=10&amount=1000' },
  'wrong encoding: not UTF-8': { body: '{"amount":10,"note":"\xff\xfe"}' },
  'wrong encoding: overlong UTF-8 in the path': { method: 'GET', path: '/entries/%c0%af', body: '' },
  'wrong encoding: another charset': { headers: 'Content-Type: application/json; charset=utf-16\r\n' },
  'wrong encoding: said to be gzip': { headers: 'Content-Encoding: gzip\r\n' },
  'path: up and out': { method: 'GET', path: '/entries/../../secret', body: '' },
  'path: up, encoded': { method: 'GET', path: '/entries/%2e%2e/%2e%2e/secret', body: '' },
  'path: encoded twice': { method: 'GET', path: '/entries/%252e%252e%252fsecret', body: '' },
  'path: a backslash': { method: 'GET', path: '/entries/..\\secret', body: '' },
  'path: NUL': { method: 'GET', path: '/entries/1%00', body: '' },
  'path: nothing that is mapped': { method: 'GET', path: '/secret', body: '' },
  'smuggling: two lengths': { headers: 'Content-Length: 5\r\n' },
  'smuggling: length and chunks': { headers: 'Transfer-Encoding: chunked\r\n' },
  'smuggling: an odd coding': { headers: 'Transfer-Encoding: chunked, identity\r\n', length: '' },
  'smuggling: a length with a sign': { length: `Content-Length: +${GOOD.length}\r\n` },
  'smuggling: space before the colon': { headers: 'Transfer-Encoding : chunked\r\n' },
  'smuggling: a folded header': { headers: 'X-A: b\r\n Transfer-Encoding: chunked\r\n' },
  'smuggling: another method': { headers: 'X-HTTP-Method-Override: DELETE\r\n' },
  'NaN: JSON': { body: '{"amount":NaN}' },
  'NaN: infinity': { body: '{"amount":1e999}' },
  'NaN: a negative nothing': { body: '{"amount":-0.0e-1x}' },
  'NaN: text': { body: '{"amount":"10"}' },
  'NaN: form': { path: '/transfers', form: true, body: 'amount=NaN' },
  'NaN: form, an exponent': { path: '/transfers', form: true, body: 'amount=1e1' },
  'undeclared: JSON': { body: '{"amount":10,"payee":"acct_1"}' },
  'undeclared: form': { path: '/transfers', form: true, body: 'amount=10&payee[account]=acct_1' },
  'undeclared: query': { path: '/entries?amount=1' },
};

/** By the kind of hostile input, which is what stands before the colon. */
const CODES: Record<string, RegExp> = {
  huge: /^AEGIS_(MAPPING|HTTP)_TOO_LARGE$/,
  deep: /^AEGIS_MAPPING_BODY$/,
  'duplicate keys': /^AEGIS_MAPPING_DUPLICATE$/,
  'wrong encoding': /^AEGIS_MAPPING_(BODY|ENCODING|CONTENT_TYPE)$/,
  path: /^AEGIS_MAPPING_(PATH|ENCODING|UNMAPPED)$/,
  smuggling: /^AEGIS_(HTTP_MALFORMED|MAPPING_HEADER)$/,
  NaN: /^AEGIS_MAPPING_(BODY|MISTYPED)$/,
  undeclared: /^AEGIS_MAPPING_UNDECLARED$/,
};

function bytesOf({ host, before }: Way, one: Case): string {
  const { method = 'POST', path = '/entries', headers = '', body = GOOD, form } = one;
  const typed = /^Content-Type:/m.test(headers) || body === '';
  const type = typed ? '' : `Content-Type: ${form ? 'application/x-www-form-urlencoded' : 'application/json'}\r\n`;
  const length = one.length ?? (body === '' ? '' : `Content-Length: ${body.length}\r\n`);
  return `${method} ${before}${path} HTTP/1.1\r\nHost: ${host}\r\n${type}${length}${headers}\r\n${body}`;
}

describe.each(Object.keys(WAYS))('%s', (name) => {
  const way = WAYS[name] as Way;

  async function expectGoodPasses(): Promise<void> {
    const before = world.tool.reached.length;
    const { status } = await exchange(await way.open(), bytesOf(way, {}));
    expect(status).toBe(200);
    expect(world.tool.reached.slice(before)).toEqual([{ method: 'POST', url: '/entries', body: GOOD }]);
    world.tool.reset();
  }

  beforeAll(expectGoodPasses);
  afterAll(expectGoodPasses);

  test.each(Object.keys(HOSTILE))('%s', async (kind) => {
    const { status, body } = await exchange(await way.open(), bytesOf(way, HOSTILE[kind] as Case));
    expect(status).toBeGreaterThanOrEqual(400);
    const code = expect.stringMatching(CODES[kind.split(':')[0] as string] as RegExp);
    expect(JSON.parse(body)).toMatchObject({ status, code, detail: expect.stringMatching(/\w/) });
    expect(world.tool.reached).toEqual([]);
    expect(await probe(gateway, 'ready')).toBe(200);
  });
});

describe('decision API', () => {
  const call = (params: string, more = ''): string =>
    `{"agent":"clerk-agent","tool":"ledger","action":"add_entry","params":${params}${more}}`;
  const json = 'Content-Type: application/json\r\n';
  const asked: Record<string, { headers?: string; body: string }> = {
    'huge: a body': { body: call(`{"amount":10,"note":"${'x'.repeat(300_000)}"}`) },
    'huge: a head': { headers: `${json}X-Long: ${'x'.repeat(20_000)}\r\n`, body: call('{"amount":10}') },
    'deep: nested arrays': { body: call(deep(200)) },
    'duplicate keys': { body: call('{"amount":10,"amount":1000}') },
    'duplicate keys: the tool': { body: call('{"amount":10}', ',"tool":"other"') },
    'wrong encoding': { body: call('{"amount":10,"note":"\xff"}') },
    'wrong encoding: another charset': {
      headers: 'Content-Type: application/json; charset=utf-16\r\n',
      body: call('{"amount":10}'),
    },
    'path tricks in the name of the tool': { body: call('{"amount":10}').replace('"ledger"', '"../ledger"') },
    smuggling: { headers: `${json}Transfer-Encoding: chunked\r\n`, body: call('{"amount":10}') },
    NaN: { body: call('{"amount":NaN}') },
    'NaN: text': { body: call('{"amount":"10"}') },
    'undeclared parameter': { body: call('{"amount":10,"payee":"acct_1"}') },
    'undeclared field': { body: call('{"amount":10}', ',"approved":true') },
    'another agent': { body: call('{"amount":10}').replace('clerk-agent', 'admin-agent') },
  };

  async function ask({ headers = json, body }: { headers?: string; body: string }) {
    const head = `POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n${headers}\r\n`;
    return exchange(await openPlain(gateway.decisions), head + body);
  }

  afterAll(async () => {
    const { status, body } = await ask({ body: call('{"amount":10}') });
    expect({ status, body: JSON.parse(body) }).toMatchObject({ status: 200, body: { enforced: { verdict: 'allow' } } });
  });

  test.each(Object.keys(asked))('%s', async (kind) => {
    const { status, body } = await ask(asked[kind] as { body: string });
    expect(body).not.toMatch(/"verdict":"(?!deny)/);
    if (status === 200) expect(JSON.parse(body)).toMatchObject({ enforced: { verdict: 'deny' } });
    else {
      expect(status).toBeGreaterThanOrEqual(400);
      if (body !== '') expect(JSON.parse(body)).toMatchObject({ code: expect.any(String) });
    }
    expect(await probe(gateway, 'ready')).toBe(200);
  });
});

test('nothing reached the tool late, and nothing failed inside', async () => {
  expect(world.tool.reached).toEqual([]);
  expect(gateway.stderr()).not.toMatch(/AEGIS_INTERNAL|AEGIS_GATEWAY_DEFECT|"call\.error"/);
  expect(await gateway.stop()).toBe(0);
});
