import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import type { Upstreams } from '../../../gateway/upstream/types.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import type { UpstreamTls } from '../../../policy/mapping/contract.ts';
import { call } from '../listeners/http-client.ts';
import { type Authority, createAuthority } from './support/certificates.ts';
import { closeServer, type Front, listenOn, startFront, targetOf, until } from './support/front.ts';

let authority: Authority;
let other: Authority;
let dir: string;
let clock: number;
let upstreams: Upstreams;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  authority = createAuthority();
  other = createAuthority();
});

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aegis-upstream-'));
  mkdirSync(join(dir, 'payments/ca'), { recursive: true });
  trust(authority.ca);
  clock = 0;
  upstreams = createUpstreams({
    secretsDir: dir,
    allowPrivate: ['127.0.0.0/8', '::1/128'],
    resolveName: (_, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    timeouts: { connect: 1000 },
    now: () => clock,
  });
  cleanUp.push(() => upstreams.close());
});

afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
  rmSync(dir, { recursive: true });
});

const trust = (text: string) => writeFileSync(join(dir, 'payments/ca/ca.crt'), text);
const TLS: UpstreamTls = { caKey: 'ca.crt', minVersion: 'TLS1.2' };

async function startTool(host: string, bind = '127.0.0.1', maxVersion: SecureVersion = 'TLSv1.3') {
  const seen: string[] = [];
  const server = createServer({ ...authority.issue(host), maxVersion }, (req, res) => {
    const socket = req.socket as typeof req.socket & { servername?: string; alpnProtocol?: string };
    seen.push(`${req.headers.host} ${socket.servername} ${socket.alpnProtocol}`);
    if (req.url === '/slow') setTimeout(() => res.end('slow'), 300);
    else res.end('ok');
  });
  const port = await listenOn(server, bind);
  cleanUp.push(() => closeServer(server));
  return { port, seen };
}

async function front(url: string, tls?: UpstreamTls, from = upstreams): Promise<Front> {
  const made = await startFront({
    upstreams: from,
    target: () => targetOf(from, { url, ...(tls !== undefined && { tls }) }),
  });
  cleanUp.push(() => made.close());
  return made;
}

test('a tool with a certificate of its own CA, by name', async () => {
  const tool = await startTool('tool.test');
  const { port } = await front(`https://tool.test:${tool.port}`, TLS);
  expect(await call(port, 'GET', '/')).toMatchObject({ status: 200, body: 'ok' });
  expect(tool.seen).toEqual([`tool.test:${tool.port} tool.test http/1.1`]);
});

test('by address, IPv6 too', async () => {
  for (const [host, url] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ] as const) {
    const tool = await startTool(host, host);
    const { port } = await front(`https://${url}:${tool.port}`, TLS);
    expect(await call(port, 'GET', '/')).toMatchObject({ status: 200, body: 'ok' });
    expect(tool.seen[0]).toBe(`${url}:${tool.port} false http/1.1`);
  }
});

test.each([
  ['the system does not know the CA', 'tool.test', undefined],
  ['the certificate is for another name', 'other.test', TLS],
  ['another name is asked for than the certificate has', 'tool.test', { ...TLS, serverName: 'expected.test' }],
])('nothing is sent where %s', async (_, certified, tls) => {
  const tool = await startTool(certified);
  const { port, calls } = await front(`https://tool.test:${tool.port}`, tls);
  expect(await call(port, 'GET', '/')).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_TLS' });
  expect(calls[0]).toMatchObject({ sent: false, log: ['sending', 'failed', 'closed'] });
  expect(tool.seen).toEqual([]);
});

test('serverName is what is asked for and verified', async () => {
  const tool = await startTool('expected.test');
  const { port } = await front(`https://tool.test:${tool.port}`, { ...TLS, serverName: 'expected.test' });
  expect((await call(port, 'GET', '/')).status).toBe(200);
  expect(tool.seen[0]).toBe(`tool.test:${tool.port} expected.test http/1.1`);
});

test('the lowest version holds', async () => {
  const tool = await startTool('tool.test', '127.0.0.1', 'TLSv1.2');
  const url = `https://tool.test:${tool.port}`;
  expect((await call((await front(url, TLS)).port, 'GET', '/')).status).toBe(200);
  const strict = await front(url, { ...TLS, minVersion: 'TLS1.3' });
  expect(await call(strict.port, 'GET', '/')).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_TLS' });
});

test('no environment variable turns verification off', async () => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const tool = await startTool('tool.test');
    const { port } = await front(`https://tool.test:${tool.port}`);
    expect((await call(port, 'GET', '/')).body).toBe('AEGIS_UPSTREAM_TLS');
  } finally {
    warnings.mockRestore();
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  }
});

test('plain text on the port of a TLS tool', async () => {
  const { createServer: plain } = await import('node:http');
  const server = plain((_, res) => res.end('plain'));
  const tool = await listenOn(server);
  cleanUp.push(() => closeServer(server));
  const { port } = await front(`https://tool.test:${tool}`, TLS);
  expect((await call(port, 'GET', '/')).body).toBe('AEGIS_UPSTREAM_TLS');
});

test('a changed CA file counts for new connections, and calls in flight are not dropped', async () => {
  const tool = await startTool('tool.test');
  const { port } = await front(`https://tool.test:${tool.port}`, TLS);
  const slow = call(port, 'GET', '/slow');
  await until(() => tool.seen.length === 1);
  trust(other.ca);
  expect((await call(port, 'GET', '/')).status).toBe(200);
  clock += 1000;
  expect((await call(port, 'GET', '/')).body).toBe('AEGIS_UPSTREAM_TLS');
  expect(await slow).toMatchObject({ status: 200, body: 'slow' });
  trust(`${other.ca}\n${authority.ca}`);
  clock += 1000;
  expect((await call(port, 'GET', '/')).status).toBe(200);
});

test.each([
  ['missing', (file: string) => rmSync(file)],
  ['empty', (file: string) => writeFileSync(file, '')],
  ['garbage', (file: string) => writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')],
  ['too large', (file: string) => writeFileSync(file, 'x'.repeat(2_000_000))],
])('a CA file that is %s closes the tool, also on connections that are there', async (_, spoil) => {
  const tool = await startTool('tool.test');
  const { port, calls } = await front(`https://tool.test:${tool.port}`, TLS);
  expect((await call(port, 'GET', '/')).status).toBe(200);
  spoil(join(dir, 'payments/ca/ca.crt'));
  clock += 1000;
  expect(await call(port, 'GET', '/')).toMatchObject({ status: 503, body: 'AEGIS_UPSTREAM_TRUST' });
  expect(calls[1]).toMatchObject({ sent: false, log: ['failed', 'closed'] });
});

test('without a folder of secrets, or with a key that is a path, there is no CA', async () => {
  const bare = createUpstreams({ allowPrivate: ['127.0.0.0/8'] });
  cleanUp.push(() => bare.close());
  expect((await call((await front('https://127.0.0.1:1', TLS, bare)).port, 'GET', '/')).body).toBe(
    'AEGIS_UPSTREAM_TRUST',
  );
  for (const caKey of ['..', '../ca/ca.crt', 'a/b', '']) {
    const { port } = await front('https://127.0.0.1:1', { ...TLS, caKey });
    expect((await call(port, 'GET', '/')).body).toBe('AEGIS_UPSTREAM_TRUST');
  }
});
