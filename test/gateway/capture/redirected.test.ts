import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { openCertificateAuthority } from '../../../gateway/capture/ca/certificate-authority.ts';
import type { NamedAuthority } from '../../../gateway/capture/tool-directory.ts';
import { createUnknownHosts, type UnknownHosts } from '../../../gateway/capture/ways/unknown-hosts.ts';
import { result } from '../listeners/fake-activation.ts';
import { openWorld, type World } from './harness.ts';
import { ask, handshake } from './tls-client.ts';

/** Traffic that was redirected to the gateway: plain HTTP by Host, TLS by server name. */

const REDIRECTED = { http: { port: 0 }, tls: { port: 0 } };
const PATH = '/v1/payment_intents/pi_1';

let world: World | undefined;
let outside: Server | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
  await new Promise<void>((done) => (outside === undefined ? done() : outside.close(() => done())));
  outside = undefined;
});

async function open(options: Parameters<typeof openWorld>[0] = {}) {
  world = await openWorld({ listeners: REDIRECTED, ...options });
  const port = world.bound.http?.port as number;
  return (text: string, host = '127.0.0.1') => ask(connect(port, host), text);
}

const get = (host: string, path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** Lets everything pass that it is asked about, to where it is told. */
function passingTo(port: () => number, admits: (authority: NamedAuthority) => boolean = () => true) {
  const asked: string[] = [];
  const unknownHosts: UnknownHosts = {
    admits({ host, port: at }) {
      asked.push(`${host}:${at}`);
      return admits({ host, port: at });
    },
    connect: async () => connect(port(), '127.0.0.1'),
  };
  return { asked, unknownHosts };
}

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

describe('plain HTTP', () => {
  test('the tool is known by Host, in both forms of the request target', async () => {
    const asks = await open();
    for (const host of ['api.stripe.test', 'API.stripe.test:80']) {
      expect((await asks(get(host, PATH))).status).toBe(201);
      expect((await asks(get(host, `http://${host}${PATH}`))).status).toBe(201);
    }
    expect(world?.infos.map(({ via }) => via)).toEqual(['http', 'http', 'http', 'http']);
    expect(world?.seen.map(({ url }) => url)).toEqual([PATH, PATH, PATH, PATH]);
  });

  test('the same is decided as on every other way', async () => {
    const asks = await open();
    (world as World).evaluate = () => result('deny');
    expect((await asks(get('api.stripe.test', PATH))).status).toBe(403);
    expect((await asks(get('api.stripe.test', '/v1/refunds'))).status).toBe(403);
    expect((await asks(get('files.example.test', '/elsewhere/objects/a'))).status).toBe(403);
    expect(world?.seen).toHaveLength(0);
  });

  test.each([
    ['a host of no tool', get('other.example', '/'), 403, 'AEGIS_HOST_UNKNOWN'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, 'AEGIS_HTTP_MALFORMED'],
    ['no host name', get('a b', '/'), 400, 'AEGIS_HTTP_MALFORMED'],
    ['two names', 'GET http://api.stripe.test/ HTTP/1.1\r\nHost: other.example\r\n\r\n', 400, 'AEGIS_HOST_MISMATCH'],
    ['another port of the tool', get('api.stripe.test:8080', PATH), 403, 'AEGIS_UPSTREAM_HOST'],
    [
      'a tunnel',
      'CONNECT api.stripe.test:443 HTTP/1.1\r\nHost: api.stripe.test:443\r\n\r\n',
      405,
      'AEGIS_CONNECT_REFUSED',
    ],
    [
      'a web page',
      'GET / HTTP/1.1\r\nHost: api.stripe.test\r\nOrigin: https://evil.example\r\n\r\n',
      403,
      'AEGIS_CALLER_REFUSED',
    ],
    ['the path prefix', get('127.0.0.1', `/stripe-payments${PATH}`), 403, 'AEGIS_HOST_UNKNOWN'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 0, ''],
  ])('refused: %s', async (_, text, status, code) => {
    const asks = await open();
    const answer = await asks(text);
    if (status > 0) expect([answer.status, answer.text.includes(code)]).toEqual([status, true]);
    else expect(answer.status).not.toBe(200);
    expect(world?.seen).toHaveLength(0);
  });

  test('hosts of no tool pass where they may, and only these', async () => {
    outside = createServer((req, res) => res.end(`outside ${req.headers.host} ${req.url}`));
    await new Promise<void>((done) => outside?.listen(0, '127.0.0.1', done));
    const port = () => (outside?.address() as AddressInfo).port;
    const { asked, unknownHosts } = passingTo(port, ({ host }) => host === 'other.example');
    const asks = await open({ unknownHosts });
    const { text } = await asks('GET /a?b HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n');
    expect(text).toContain('outside other.example /a?b');
    expect((await asks(get('third.example', '/'))).status).toBe(403);
    expect((await asks(get('api.stripe.test', PATH))).status).toBe(201);
    expect((await asks(get('api.stripe.test', '/v1/refunds'))).status).toBe(403);
    expect(asked).toEqual(['other.example:80', 'third.example:80']);
    expect(world?.decisions).toHaveLength(2);
    (world as World).active = false;
    expect((await asks(get('other.example', '/'))).status).toBe(503);
  });

  (hasIpv6 ? test : test.skip)(
    'what was redirected by IPv6 arrives too, and nothing beyond loopback is open',
    async () => {
      const asks = await open();
      expect((await asks(get('api.stripe.test', PATH), '::1')).status).toBe(201);
      const beyond = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
      const port = world?.bound.http?.port as number;
      for (const { address, internal } of beyond) {
        if (internal || address.startsWith('fe80')) continue;
        const reached = await new Promise((done) => {
          const socket: Socket = connect({ host: address, port }, () => done(true));
          socket.on('error', () => done(false)).on('connect', () => socket.destroy());
        });
        expect(reached).toBe(false);
      }
    },
  );
});

describe('TLS', () => {
  let folder: string;
  let received: string[];

  /** A server outside, which only who really speaks TLS with it can read. */
  async function secureOutside(name: string): Promise<{ port: number; caFile: string }> {
    const files = new Map<string, string>();
    const authority = openCertificateAuthority({
      files: { read: (file) => files.get(file), write: (file, text) => files.set(file, text) },
      now: Date.now,
      randomBytes: (size) => randomBytes(size),
    });
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = authority.issueLeaf(name, publicKey, Date.now() + 3_600_000);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    outside = createTlsServer({ key, cert }, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes: Buffer) => {
        received.push(bytes.toString());
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\noutside');
      });
    });
    outside.on('tlsClientError', () => undefined);
    await new Promise<void>((done) => outside?.listen(0, '127.0.0.1', done));
    const caFile = join(folder, 'outside.pem');
    writeFileSync(caFile, authority.certificate);
    return { port: (outside.address() as AddressInfo).port, caFile };
  }

  beforeEach(() => {
    received = [];
    folder = mkdtempSync(join(tmpdir(), 'aegis-redirected-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const dial = (serverName: string, caFile: string, host = '127.0.0.1') =>
    handshake(connect(world?.bound.tls?.port as number, host), { serverName, caFile });

  test('a host that may pass is reached unread; tools stay tools; others get no handshake', async () => {
    const { port, caFile } = await secureOutside('other.example');
    const { asked, unknownHosts } = passingTo(
      () => port,
      ({ host }) => host !== 'third.example',
    );
    await open({ unknownHosts });
    const passed = await dial('Other.Example', caFile);
    expect((await ask(passed, get('whatever', '/x'))).text).toContain('outside');
    expect(received).toEqual([get('whatever', '/x')]);
    const tool = await dial('api.stripe.test', world?.caFile as string);
    expect((await ask(tool, get('api.stripe.test', PATH))).status).toBe(201);
    expect(asked).toEqual(['other.example:443']);
    await expect(dial('third.example', caFile)).rejects.toThrow();
    expect(world?.decisions).toHaveLength(1);
    (world as World).active = false;
    await expect(dial('other.example', caFile)).rejects.toThrow();
  });

  test('without a server name, or with an address for one, nothing passes', async () => {
    const { port, caFile } = await secureOutside('other.example');
    const { asked, unknownHosts } = passingTo(() => port);
    await open({ unknownHosts });
    await expect(dial('', caFile)).rejects.toThrow();
    // Node itself sends no address as server name; as raw bytes it is one all the same.
    const hello = await helloFor('abcdefgh');
    const forged = Buffer.from(hello.toString('latin1').replace('abcdefgh', '10.0.0.1'), 'latin1');
    const raw = connect(world?.bound.tls?.port as number, '127.0.0.1');
    raw.write(forged);
    await new Promise<void>((done) => raw.once('close', () => done()).resume());
    const plain = connect(world?.bound.tls?.port as number, '127.0.0.1');
    plain.write(get('other.example', '/'));
    await new Promise<void>((done) => plain.once('close', () => done()).resume());
    expect(asked).toEqual([]);
    expect(received).toEqual([]);
  });

  (hasIpv6 ? test : test.skip)('what was redirected by IPv6 arrives too', async () => {
    const { port, caFile } = await secureOutside('other.example');
    const { unknownHosts } = passingTo(() => port);
    await open({ unknownHosts });
    const tool = await dial('api.stripe.test', world?.caFile as string, '::1');
    expect((await ask(tool, get('api.stripe.test', PATH))).status).toBe(201);
    expect((await ask(await dial('other.example', caFile, '::1'), get('x', '/'))).text).toContain('outside');
  });

  test('the end of the gateway ends what it carries', async () => {
    const { port, caFile } = await secureOutside('other.example');
    await open({ unknownHosts: passingTo(() => port).unknownHosts });
    const socket = await dial('other.example', caFile);
    const ended = new Promise<void>((done) => socket.once('close', () => done()));
    await world?.gateway.drain(10);
    await ended;
  });

  test('one that does not begin in time is ended', async () => {
    await open({ unknownHosts: passingTo(() => 1).unknownHosts, limits: { handshakeTimeout: 50 } });
    const socket = connect(world?.bound.tls?.port as number, '127.0.0.1');
    await new Promise<void>((done) => socket.once('close', () => done()).resume());
  });
});

/** The first flight of a real client. */
async function helloFor(serverName: string): Promise<Buffer> {
  const sink = createNetServer();
  await new Promise<void>((done) => sink.listen(0, '127.0.0.1', done));
  const hello = new Promise<Buffer>((done) =>
    sink.once('connection', (socket) =>
      socket.once('data', (bytes: Buffer) => {
        socket.destroy();
        done(bytes);
      }),
    ),
  );
  connectTls({ host: '127.0.0.1', port: (sink.address() as AddressInfo).port, servername: serverName }).on(
    'error',
    () => undefined,
  );
  const bytes = await hello;
  sink.close();
  return bytes;
}

describe('addresses of hosts that pass', () => {
  const results = async (
    options: Parameters<typeof createUnknownHosts>[0],
    address: string,
    coming: 'proxy' | 'redirected',
  ) => {
    const hosts = createUnknownHosts({
      connectTimeout: 200,
      resolveName: (_, done) => done(null, [{ address, family: address.includes(':') ? 6 : 4 }]),
      ...options,
    });
    return hosts.connect({ host: 'h.example', port: 9 }, coming).then(
      (socket) => {
        socket.destroy();
        return 'tried';
      },
      (error: { code: string }) => (error.code === 'AEGIS_UPSTREAM_ADDRESS' ? 'refused' : 'tried'),
    );
  };
  const FAR = ['169.254.169.254', '100.100.100.200', 'fd00:ec2::254', '224.0.0.1', '0.0.0.0'];
  const OWN = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'fe80::1', '64:ff9b::7f00:1'];

  test('never: metadata and this machine, however allowed the host is', async () => {
    const allowed = { allowed: () => true, redirectedPrivate: true };
    for (const address of [...FAR, ...OWN]) {
      for (const coming of ['proxy', 'redirected'] as const) {
        expect([address, await results(allowed, address, coming)]).toEqual([address, 'refused']);
      }
    }
  });

  test('private ones: of allowed hosts, and for redirected clients where they may pass', async () => {
    const at = '198.18.0.1';
    expect(await results({ allowed: () => true, refuseOthers: true }, at, 'proxy')).toBe('tried');
    expect(await results({}, at, 'proxy')).toBe('refused');
    expect(await results({ redirectedPrivate: true }, at, 'proxy')).toBe('refused');
    expect(await results({ redirectedPrivate: true }, at, 'redirected')).toBe('tried');
    expect(await results({}, at, 'redirected')).toBe('refused');
    expect(await results({ allowPrivate: ['198.18.0.0/15'] }, at, 'proxy')).toBe('tried');
  });

  test('what was refused is told, with its name', () => {
    const told: string[] = [];
    const hosts = createUnknownHosts({
      refuseOthers: true,
      allowed: ({ host }) => host === 'a.example',
      refused: ({ host, port }) => told.push(`${host}:${port}`),
    });
    expect(hosts.admits({ host: 'a.example', port: 443 })).toBe(true);
    expect(hosts.admits({ host: 'b.example', port: 80 })).toBe(false);
    expect(told).toEqual(['b.example:80']);
  });
});
