import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'undici';
import { result } from '../listeners/fake-activation.ts';
import { openWorld, until, type World } from './harness.ts';
import { ask, openTunnel } from './tls-client.ts';

/** WebSocket where action and verdict allow it; nothing else. */

let world: World;
let port: number;
let handshakes: string[];
const tunnels = new Set<Socket>();

/** Accepts every handshake and sends frames back as they came (RFC 6455). */
function echoTool(): Server {
  const server = createServer((_, res) => res.end('plain'));
  server.on('upgrade', (req, socket: Socket, head: Buffer) => {
    handshakes.push(req.url ?? '');
    tunnels.add(socket);
    const accept = createHash('sha1')
      .update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => undefined);
    let bytes = head;
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const size = (bytes[1] as number) & 0x7f;
      if (bytes.length < 6 + size) return;
      const mask = bytes.subarray(2, 6);
      const text = bytes.subarray(6, 6 + size).map((byte, index) => byte ^ (mask[index % 4] as number));
      socket.write(Buffer.concat([Buffer.from([0x81, size]), text]));
      bytes = bytes.subarray(6 + size);
    });
  });
  return server;
}

beforeAll(async () => {
  handshakes = [];
  world = await openWorld({ tool: echoTool() });
  port = world.bound.proxy?.port as number;
});

beforeEach(() => {
  handshakes.length = 0;
  world.reset();
});

afterAll(async () => {
  for (const socket of tunnels) socket.destroy();
  await world.close();
});

const handshake = (path: string, host = 'localhost', more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;
const asked = (text: string) => ask(connect(port, '127.0.0.1'), text);

test('an allowed WebSocket of a real client carries messages both ways', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/files/changes`);
  const messages: string[] = [];
  socket.addEventListener('message', (event) => messages.push(String(event.data)));
  await new Promise((done) => socket.addEventListener('open', done));
  socket.send('hello');
  await until('the echo', () => messages.includes('hello'));
  expect(handshakes).toEqual(['/changes']);
  expect(world.decisions).toMatchObject([{ taken: 'allow', action: 'follow' }]);
  socket.close();
  for (const tunnel of tunnels) tunnel.end();
  await until('the outcome', () => world.outcomes.length === 1);
  expect(world.outcomes[0]?.outcome).toMatchObject({ status: 101 });
});

test('through TLS inside CONNECT as well', async () => {
  const socket = await openTunnel(port, 'files.example.test:443', {
    serverName: 'files.example.test',
    caFile: world.caFile,
  });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write(handshake('/v2/changes', 'files.example.test'));
  await until('the switch', () => text.includes('101 Switching Protocols'));
  socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  await until('the echo', () => text.endsWith('hi'));
  expect(handshakes).toEqual(['/changes']);
  socket.destroy();
});

test('an action that allows none: refused, and looked up like any other denial', async () => {
  const { status, text } = await asked(handshake('/files/objects/a'));
  expect(status).toBe(403);
  expect(text).toContain('AEGIS_UPGRADE_REFUSED');
  expect(world.decisions).toMatchObject([
    { taken: 'deny', action: 'get_object', reasons: [{ code: 'AEGIS_UPGRADE_REFUSED' }] },
  ]);
  expect(world.outcomes).toHaveLength(1);
  expect(handshakes).toEqual([]);
});

test.each(['deny', 'approval_needed'] as const)('a verdict of %s: refused', async (verdict) => {
  world.evaluate = () => result(verdict);
  expect((await asked(handshake('/files/changes'))).status).toBe(403);
  expect(handshakes).toEqual([]);
});

test.each([
  ['an unknown tool', '/other/changes', '', 403],
  ['a foreign page', '/files/changes', 'Origin: https://evil.example\r\n', 403],
  ['a body', '/files/changes', 'Content-Length: 3\r\n', 400],
  ['two lengths', '/files/changes', 'Content-Length: 3\r\nContent-Length: 3\r\n', 400],
])('%s: refused', async (_, path, more, expected) => {
  const { status } = await asked(handshake(path, 'localhost', more));
  expect(status).toBe(expected);
  expect(handshakes).toEqual([]);
});

test('a handshake of another version is told which one', async () => {
  const { status, text } = await asked(handshake('/files/changes').replace('Version: 13', 'Version: 8'));
  expect(status).toBe(426);
  expect(text).toContain('Sec-WebSocket-Version: 13');
  expect(text).toContain('Upgrade: websocket');
});

test('an upgrade to HTTP/2 in clear is not taken up, and the request is answered as it is', async () => {
  const body = 'amount=1&currency=usd';
  const request = `POST /stripe-payments/v1/payment_intents HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect((await asked(request)).status).toBe(200);
});

test('a tool that is not there: refused on the socket', async () => {
  world.overrides.files = 'http://127.0.0.1:1';
  const { status, text } = await asked(handshake('/files/changes'));
  expect(status).toBe(502);
  expect(text).toContain('AEGIS_UPSTREAM_CONNECT');
});
