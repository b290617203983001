import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { type HttpsLimits, type HttpsServer, openHttps } from '../../../operator/certificates/https-server.ts';
import { FixedCertificate } from './fixed-certificate.ts';

let certificate: FixedCertificate;
let server: HttpsServer;
const agents: Agent[] = [];

async function open(handler: RequestListener = (_, res) => res.end('hello'), limits: HttpsLimits = {}): Promise<void> {
  certificate = new FixedCertificate();
  server = await openHttps({
    name: 'listen.test',
    address: { host: '127.0.0.1', port: 0 },
    certificate,
    handler,
    limits,
  });
}

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  await server.close();
});

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
}

async function get(agent?: Agent): Promise<{ body: string; serial: string; reused: boolean }> {
  const { port } = server.address;
  const ca = certificate.authority.certificate;
  const sent = request({ host: '127.0.0.1', port, ca, ...(agent ? { agent } : { agent: false }) });
  const answered = once(sent, 'response');
  sent.end();
  const [response] = (await answered) as [IncomingMessage];
  const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
  return { body: await text(response), serial: serialNumber, reused: sent.reusedSocket };
}

function tls(options: object = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const ca = certificate.authority.certificate;
    const socket = connect({ host: '127.0.0.1', port: server.address.port, ca, ...options }, () => resolve(socket));
    socket.once('error', reject);
  });
}

test('a new certificate is served to new connections, and open ones go on', async () => {
  await open();
  const agent = keepAlive();
  const first = await get(agent);
  certificate.replace();
  const same = await get(agent);
  expect(same).toEqual({ ...first, reused: true });
  const other = await get();
  expect(other.body).toBe('hello');
  expect(other.serial).not.toBe(first.serial);
});

test('a pair that does not fit changes nothing', async () => {
  await open();
  const { serial } = await get();
  certificate.replace({ key: new FixedCertificate().current().key });
  certificate.replace({ cert: 'x' });
  expect((await get()).serial).toBe(serial);
});

test('TLS 1.2 at least, also after a new certificate; HTTP/1.1 only', async () => {
  await open();
  certificate.replace();
  await expect(tls({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
  const socket = await tls({ maxVersion: 'TLSv1.2', ALPNProtocols: ['h2', 'http/1.1'] });
  expect([socket.getProtocol(), socket.alpnProtocol]).toEqual(['TLSv1.2', 'http/1.1']);
  socket.destroy();
});

test('an answer may come long after its request', async () => {
  // Longer than head and request may take, and than an idle connection is kept.
  await open((_, res) => setTimeout(() => res.end('late'), 900), { head: 200, request: 300, keepAlive: 200 });
  expect((await get()).body).toBe('late');
});

test.each([
  ['a head that does not end', 'GET / HTTP/1.1\r\nHost: a\r\n', '408 Request Timeout'],
  [
    'a head that is too long',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
  ],
  ['what is no HTTP', '\u0000\u0001\r\n\r\n', '400 Bad Request'],
])('%s is answered in one line', async (_name, sent, answer) => {
  await open(undefined, { head: 300, request: 400 });
  const socket = await tls();
  socket.write(sent);
  expect(await text(socket)).toBe(`HTTP/1.1 ${answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
});

test('plain HTTP on the port, and a handshake that does not end, are closed', async () => {
  await open(undefined, { handshake: 200 });
  const { Socket } = await import('node:net');
  for (const sent of ['GET / HTTP/1.1\r\n\r\n', '']) {
    const socket = new Socket().connect(server.address.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => {}).resume();
    if (sent !== '') socket.write(sent);
    await once(socket, 'close');
  }
  expect((await get()).body).toBe('hello');
});

test('more connections than may be are closed at once', async () => {
  await open(undefined, { connections: 2 });
  const sockets = await Promise.all([tls(), tls()]);
  await expect(tls()).rejects.toThrow();
  for (const socket of sockets) socket.destroy();
});

test('closing lets requests under way end, for a while', async () => {
  await open((_, res) => setTimeout(() => res.end('done'), 300), { drain: 2000 });
  const answer = get(keepAlive());
  await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  await server.close();
  // a connection that is kept for a next request holds nothing up
  expect(performance.now() - started).toBeLessThan(1500);
  expect((await answer).body).toBe('done');
  expect(certificate.listeners.size).toBe(0);

  await open(() => {}, { drain: 100 });
  const never = get();
  never.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  await server.close();
  await expect(never).rejects.toThrow();
});

test('an address that is taken is an error with the name of the listener', async () => {
  await open();
  const second = openHttps({ name: 'listen.other', address: server.address, certificate, handler: () => {} });
  await expect(second).rejects.toThrow(/^listen\.other: 127\.0\.0\.1:\d+ cannot be listened on/);
  expect(certificate.listeners.size).toBe(1);
});
