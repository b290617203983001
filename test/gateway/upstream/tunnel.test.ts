import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ForwardRequest, Upstreams } from '../../../gateway/upstream/types.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import { closeServer, exchangeBytes, type Front, listenOn, startFront, targetOf, until } from './support/front.ts';

let tool: Server;
let upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
let upstreams: Upstreams;
let front: Front;
let extra: Partial<ForwardRequest>;
let dir: string;

const HANDSHAKE =
  'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer mine\r\n\r\n';

function accept(req: IncomingMessage, socket: Duplex, more = ''): void {
  const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const token = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${token}\r\n${more}\r\n`,
  );
}

beforeEach(async () => {
  extra = {};
  dir = mkdtempSync(join(tmpdir(), 'aegis-upstream-'));
  mkdirSync(join(dir, 'payments/credential'), { recursive: true });
  writeFileSync(join(dir, 'payments/credential/token'), 'the-gateways-own');
  tool = createServer((_, res) => res.writeHead(426, { 'X-Tool': 'yes' }).end('upgrade first'));
  tool.on('upgrade', (req, socket, head) => upgrade(req, socket, head));
  const port = await listenOn(tool);
  upstreams = createUpstreams({ secretsDir: dir, timeouts: { headers: 500, connect: 500 } });
  const credential = { key: 'token', in: 'header', field: 'Authorization', prefix: 'Bearer ' } as const;
  const target = targetOf(upstreams, { url: `http://127.0.0.1:${port}`, credential });
  front = await startFront({ upstreams, target: () => target, request: () => extra });
});

afterEach(async () => {
  await upstreams.close();
  await front.close();
  await closeServer(tool);
  rmSync(dir, { recursive: true });
});

const last = () => front.calls.at(-1) as Front['calls'][number];

function client(first: string): { socket: Socket; text(): string } {
  let seen = '';
  const socket = connect(front.port, '127.0.0.1', () => socket.write(first));
  socket
    .on('data', (chunk) => {
      seen += chunk.toString('latin1');
    })
    .on('error', () => undefined);
  return { socket, text: () => seen };
}

test('both sides are joined; the handshake, early bytes and the credential arrive', async () => {
  let headers: IncomingMessage['headers'] = {};
  upgrade = (req, socket) => {
    headers = req.headers;
    accept(req, socket, 'Aegis-Decision-Id: forged\r\n');
    socket
      .on('data', (chunk) => socket.write(`echo ${chunk}`))
      .on('error', () => undefined)
      .on('end', () => socket.end());
  };
  const { socket, text } = client(`${HANDSHAKE}early`);
  await until(() => text().includes('echo early'));
  expect(text()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
  expect(text()).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  expect(text()).toMatch(/aegis-decision-id: d-1\r\n/i);
  expect(text()).not.toContain('forged');
  expect(headers).toMatchObject({
    upgrade: 'websocket',
    connection: 'upgrade',
    authorization: 'Bearer the-gateways-own',
  });
  socket.write('more');
  await until(() => text().includes('echo more'));
  expect(last().log).toEqual(['sending', 'responded']);
  socket.end();
  await last().closed;
  expect(last()).toMatchObject({ status: 101, end: { bytes: 'echo earlyecho more'.length } });
});

test('an end and a break of the tool reach the agent', async () => {
  upgrade = (req, socket) => {
    accept(req, socket);
    socket.end('bye');
  };
  const polite = client(HANDSHAKE);
  await new Promise((done) => polite.socket.on('end', done));
  expect(polite.text()).toMatch(/bye$/);
  await last().closed;
  upgrade = (req, socket) => {
    accept(req, socket);
    setImmediate(() => (socket as Socket).resetAndDestroy());
  };
  const rude = client(HANDSHAKE);
  await new Promise((done) => rude.socket.on('close', done));
  await last().closed;
});

test('a break of the agent reaches the tool', async () => {
  let gone = false;
  upgrade = (req, socket) => {
    accept(req, socket);
    socket
      .on('error', () => undefined)
      .on('end', () => {
        gone = true;
      })
      .resume();
  };
  const { socket, text } = client(HANDSHAKE);
  await until(() => text().includes('101'));
  socket.resetAndDestroy();
  await until(() => gone);
  await last().closed;
});

test('megabytes pass under backpressure', async () => {
  const total = 32 * 1024 * 1024;
  let written = 0;
  upgrade = (req, socket) => {
    accept(req, socket);
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const more = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!socket.write(chunk)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.end();
    };
    more();
  };
  const socket = connect(front.port, '127.0.0.1', () => socket.write(HANDSHAKE));
  socket.pause();
  await until(() => written > 0);
  await new Promise((done) => setTimeout(done, 200));
  expect(written).toBeLessThan(24 * 1024 * 1024);
  let bytes = 0;
  await new Promise((done) =>
    socket
      .on('data', (chunk) => {
        bytes += chunk.length;
      })
      .on('end', done)
      .resume(),
  );
  expect(bytes).toBeGreaterThan(total);
  await last().closed;
  expect(last().end).toEqual({ bytes: total });
});

test('anything but 101 is an ordinary response', async () => {
  upgrade = (_, socket) => {
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nX-Tool: yes\r\nAegis-X: 1\r\n\r\nno');
  };
  const seen = await exchangeBytes(front.port, HANDSHAKE);
  expect(seen).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  expect(seen).toMatch(/x-tool: yes/i);
  expect(seen).toMatch(/aegis-decision-id: d-1/i);
  expect(seen).toMatch(/connection: close/i);
  expect(seen).not.toMatch(/aegis-x/i);
  expect(seen).toMatch(/\r\n\r\nno$/);
  await last().closed;
  expect(last()).toMatchObject({ status: 401, log: ['sending', 'responded', 'closed'] });
});

test.each([
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', 502],
  ['no HTTP', 'nonsense\r\n\r\n', 502],
])('%s is refused, and the socket is left to the caller', async (_, text, status) => {
  upgrade = (_, socket) => socket.write(text);
  const seen = await exchangeBytes(front.port, HANDSHAKE);
  expect(seen).toMatch(new RegExp(`^HTTP/1\\.1 ${status} Failed`));
  expect(last()).toMatchObject({ sent: true, failure: { code: 'AEGIS_UPSTREAM_RESPONSE' } });
});

test('no answer in time', async () => {
  upgrade = () => undefined;
  expect(await exchangeBytes(front.port, HANDSHAKE)).toMatch(/^HTTP\/1\.1 504/);
});

test('the agent going away before the answer ends the call', async () => {
  let reached = false;
  let gone = false;
  upgrade = (_, socket) => {
    reached = true;
    socket
      .on('error', () => undefined)
      .on('end', () => {
        gone = true;
      })
      .resume();
  };
  const { socket } = client(HANDSHAKE);
  await until(() => reached);
  socket.destroy();
  await until(() => gone);
  await last().closed;
  expect(last()).toMatchObject({ failure: { code: 'AEGIS_CALLER_GONE' } });
});

test('what cannot be redacted is not opened', async () => {
  let reached = false;
  upgrade = () => {
    reached = true;
  };
  extra = { sanitizer: { start: () => ({ kind: 'unchanged' }) } };
  expect(await exchangeBytes(front.port, HANDSHAKE)).toContain('AEGIS_UPSTREAM_UPGRADE');
  expect(await exchangeBytes(front.port, HANDSHAKE.replace('websocket', 'h2c'))).toContain('AEGIS_UPSTREAM_UPGRADE');
  expect(last()).toMatchObject({ sent: false, log: ['failed', 'closed'] });
  expect(reached).toBe(false);
});

test('closing ends the tunnels', async () => {
  upgrade = (req, socket) => {
    accept(req, socket);
    socket.on('error', () => undefined).resume();
  };
  const { socket, text } = client(HANDSHAKE);
  await until(() => text().includes('101'));
  await upstreams.close();
  await new Promise((done) => socket.on('close', done));
  await last().closed;
});
