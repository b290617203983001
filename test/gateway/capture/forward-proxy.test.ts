import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer, type Server } from 'node:net';
import { isOwnAddress } from '../../../gateway/capture/http/peers.ts';
import { createUnknownHosts } from '../../../gateway/capture/ways/unknown-hosts.ts';
import { openWorld, until, type World } from './harness.ts';
import { ask, handshake, openPlain, openTunnel } from './tls-client.ts';

/** The token of the forward proxy, and hosts of no tool. */

const TOOL = 'GET http://api.stripe.test/v1/payment_intents/x HTTP/1.1\r\nHost: api.stripe.test\r\n';
const CONNECT = 'CONNECT api.stripe.test:443 HTTP/1.1\r\nHost: api.stripe.test:443\r\n';
const basic = (text: string): string => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;

let world: World | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function asker(options: Parameters<typeof openWorld>[0]) {
  world = await openWorld(options);
  const port = world.bound.proxy?.port as number;
  return (text: string) => ask(connect(port, '127.0.0.1'), text);
}

test('with a token, only who knows it gets through; the prefix needs none', async () => {
  const asks = await asker({ listeners: { proxy: { port: 0, token: 's3cret:x' } } });
  const wrong = [
    '',
    basic('aegis:s3cret'),
    basic('s3cret:x'),
    'Proxy-Authorization: Bearer x\r\n',
    'Proxy-Authorization: Basic !\r\n',
    'Proxy-Authorization: Digest a\r\n',
  ];
  for (const header of wrong) {
    for (const request of [TOOL, CONNECT]) {
      const { status, text } = await asks(`${request}${header}\r\n`);
      expect([header, status]).toEqual([header, 407]);
      expect(text).toContain('Proxy-Authenticate: Basic realm="aegis"');
    }
  }
  expect(world?.seen).toHaveLength(0);
  expect((await asks(`${TOOL}${basic('anybody:s3cret:x')}\r\n`)).status).toBe(201);
  expect((await asks(`${TOOL}Proxy-Authorization: Bearer s3cret\r\n\r\n`)).status).toBe(407);
  expect((await asks('GET /stripe-payments/v1/payment_intents/x HTTP/1.1\r\nHost: localhost\r\n\r\n')).status).toBe(
    201,
  );
  expect(world?.seen[0]?.headers.map((name) => name.toLowerCase())).not.toContain('proxy-authorization');
});

test('without a CA, CONNECT to a tool is refused and says why', async () => {
  const asks = await asker({ ca: false, listeners: { proxy: { port: 0 } } });
  const { status, text } = await asks(`${CONNECT}\r\n`);
  expect(status).toBe(403);
  expect(text).toContain('AEGIS_CONNECT_REFUSED');
  expect((await asks(`${TOOL}\r\n`)).status).toBe(201);
  const port = world?.bound.proxy?.port as number;
  const plain = async (text: string) => ask(await openPlain(port, 'api.stripe.test:80'), text);
  expect((await plain('GET /v1/payment_intents/x HTTP/1.1\r\nHost: api.stripe.test\r\n\r\n')).status).toBe(201);
  // A handshake there is nobody to answer.
  await expect(
    openTunnel(port, 'api.stripe.test:80', { serverName: 'api.stripe.test', caFile: '/dev/null' }),
  ).rejects.toThrow();
  expect(world?.refused).toEqual(['AEGIS_CONNECT_REFUSED', 'AEGIS_CONNECT_REFUSED']);
});

describe('unknown hosts that may pass', () => {
  let outside: Server;
  let port: number;
  let passed: string[];

  beforeEach(async () => {
    passed = [];
    outside = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      req.on('end', () =>
        res.end(`${req.method} ${req.headers.host} ${req.url} ${body} ${req.headers['proxy-authorization'] ?? ''}`),
      );
    });
    await new Promise<void>((done) => outside.listen(0, '127.0.0.1', done));
    port = (outside.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((done) => outside.close(done)));

  const passing = (allowPrivate: string[]) => ({
    unknownHosts: createUnknownHosts({
      allowPrivate,
      resolveName: (_, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      passed: ({ host }) => passed.push(host),
    }),
  });

  test('plain requests pass undecided, but not to addresses that are guarded', async () => {
    const request = `POST http://other.example:${port}/a?b HTTP/1.1\r\nHost: other.example:${port}\r\nContent-Length: 3\r\n${basic('a:b')}\r\nabc`;
    const asks = await asker(passing(['127.0.0.0/8']));
    const { status, text } = await asks(request);
    expect(status).toBe(200);
    expect(text).toContain(`POST other.example:${port} /a?b abc `);
    expect(text).not.toContain(Buffer.from('a:b').toString('base64'));
    expect(passed).toEqual(['other.example']);
    expect(world?.decisions).toHaveLength(0);
    await world?.close();
    const guarded = await asker(passing([]));
    expect((await guarded(request)).status).toBe(502);
    expect(passed).toHaveLength(1);
  });

  test('without a bundle every host would be unknown, so none passes', async () => {
    const asks = await asker(passing(['127.0.0.0/8']));
    (world as World).active = false;
    for (const request of [
      `${TOOL}\r\n`,
      `${CONNECT}\r\n`,
      'GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n',
    ]) {
      expect((await asks(request)).status).toBe(503);
    }
    expect(passed).toEqual([]);
    expect(world?.refused).toEqual(['AEGIS_NO_BUNDLE', 'AEGIS_NO_BUNDLE', 'AEGIS_NO_BUNDLE']);
  });

  test('a tool stays a tool', async () => {
    const asks = await asker(passing(['127.0.0.0/8']));
    expect((await asks(`${TOOL}\r\n`)).status).toBe(201);
    expect((await asks('GET http://api.stripe.test/v1/refunds HTTP/1.1\r\nHost: api.stripe.test\r\n\r\n')).status).toBe(
      403,
    );
    expect(passed).toEqual([]);
  });

  test('tunnels carry TLS for the very host of CONNECT, and nothing else', async () => {
    const received: Buffer[] = [];
    const sink = createNetServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => received.push(bytes));
    });
    await new Promise<void>((done) => sink.listen(0, '127.0.0.1', done));
    const to = `other.example:${(sink.address() as AddressInfo).port}`;
    await asker(passing(['127.0.0.0/8']));
    const tunnel = async () => {
      const socket = connect(world?.bound.proxy?.port as number, '127.0.0.1');
      socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
      expect(String(await new Promise((done) => socket.once('data', done)))).toContain(' 200 ');
      return socket;
    };
    const shake = async (serverName: string) => {
      const socket = await tunnel();
      handshake(socket, { serverName, caFile: world?.caFile as string }).catch(() => undefined);
      return socket;
    };
    for (const name of ['api.stripe.test', 'third.example', '']) {
      const socket = await shake(name);
      await until('the cut', () => socket.destroyed);
    }
    const plain = await tunnel();
    expect((await ask(plain, 'GET /v1/payment_intents/x HTTP/1.1\r\nHost: api.stripe.test\r\n\r\n')).status).toBe(400);
    expect(received).toEqual([]);
    const good = await shake('other.example');
    await until('the handshake', () => received.length > 0);
    expect(received[0]?.[0]).toBe(0x16);
    good.destroy();
    await new Promise((done) => sink.close(done));
  });

  test('plain HTTP in a tunnel to port 80 of a host of no tool is refused as well', async () => {
    const opened: string[] = [];
    await asker({
      unknownHosts: {
        admits: () => true,
        async connect({ host }) {
          opened.push(host);
          return connect(port, '127.0.0.1');
        },
      },
    });
    const socket = await openPlain(world?.bound.proxy?.port as number, 'other.example:80');
    const { status, text } = await ask(socket, 'GET / HTTP/1.1\r\nHost: other.example\r\n\r\n');
    expect([status, text]).toEqual([400, expect.stringContaining('AEGIS_CONNECT_REFUSED')]);
    expect(opened).toEqual(['other.example']);
    expect(world?.refusals).toMatchObject([{ code: 'AEGIS_CONNECT_REFUSED', status: 400, host: 'other.example' }]);
  });

  test('nobody there, and addresses that are guarded: 502, and the gateway serves on', async () => {
    const asks = await asker(passing([]));
    const { status, text } = await asks('CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n');
    expect(status).toBe(502);
    expect(text).toContain('AEGIS_UPSTREAM_ADDRESS');
    expect((await asks(`${TOOL}\r\n`)).status).toBe(201);
  });
});

test('peers: loopback and own addresses only', () => {
  const own = () => ['10.1.2.3', 'fd00::1'];
  for (const address of [
    '127.0.0.1',
    '127.8.8.8',
    '::1',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    '::ffff:10.1.2.3',
    'fd00::1',
  ]) {
    expect([address, isOwnAddress(address, own)]).toEqual([address, true]);
  }
  for (const address of [undefined, '', '10.1.2.4', '::ffff:10.1.2.4', '1127.0.0.1', 'fd00::2', '::']) {
    expect([address, isOwnAddress(address, own)]).toEqual([address, false]);
  }
});

test('two tools at one host: the longer base path wins, the same one is nobody’s', async () => {
  const spec = (url: string) => ({
    protocol: 'HTTP' as const,
    upstream: { url },
    actions: [{ name: 'get', effect: 'read' as const, match: { method: 'GET' as const, path: '/x' } }],
  });
  const asks = await asker({
    listeners: { proxy: { port: 0 } },
    tools: {
      a: spec('https://h.test/v1'),
      b: spec('https://h.test/v1/admin'),
      c: spec('https://i.test'),
      d: spec('https://i.test'),
    },
  });
  const at = (host: string, path: string) => asks(`GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  expect((await at('h.test', '/v1/x')).status).toBe(201);
  expect((await at('h.test', '/v1/admin/x')).status).toBe(201);
  expect(world?.asked.map(({ tool }) => tool)).toEqual(['a', 'b']);
  expect((await at('h.test', '/v2/x')).text).toContain('AEGIS_MAPPING_UNMAPPED');
  expect((await at('i.test', '/x')).text).toContain('AEGIS_HOST_AMBIGUOUS');
});
