import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { result } from '../listeners/fake-activation.ts';
import { call } from '../listeners/http-client.ts';
import { openWorld, until, type World } from './harness.ts';
import { openTunnel } from './tls-client.ts';

/** Opening and ending. */

const PATH = '/stripe-payments/v1/payment_intents/x';
const REQUEST = `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

let world: World;
let release: (() => void)[];

/** Answers when it is told to; `stream` sends a part at once. */
function slowTool(): Server {
  return createServer((req, res) => {
    world.seen.push({ method: req.method ?? '', url: req.url ?? '', headers: [], body: '' });
    res.write('part ');
    release.push(() => res.end('whole'));
  });
}

beforeEach(async () => {
  release = [];
  world = await openWorld({ tool: slowTool() });
});
afterEach(() => world.close());

const proxyPort = (): number => world.bound.proxy?.port as number;

function open(text: string): { socket: Socket; text(): string; closed(): boolean } {
  const socket = connect(proxyPort(), '127.0.0.1');
  let answer = '';
  let closed = false;
  socket.write(text);
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  return { socket, text: () => answer, closed: () => closed };
}

test('draining takes nothing new, and lets a stream end', async () => {
  const running = open(REQUEST);
  await until('the call', () => running.text().includes('part'));
  const idle = open('');
  await until('the connection', () => idle.socket.readyState === 'open');
  const tunnel = await openTunnel(proxyPort(), 'api.stripe.test:443', {
    serverName: 'api.stripe.test',
    caFile: world.caFile,
  });
  let done = false;
  const drained = world.gateway.drain(10_000).then(() => {
    done = true;
  });
  await until('idle connections to close', () => idle.closed() && tunnel.destroyed);
  await expect(call(proxyPort(), 'GET', PATH)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
  expect(done).toBe(false);
  release[0]?.();
  await drained;
  expect(running.text()).toContain('whole');
  await until('the close', () => running.closed());
});

test('what comes on a busy connection while draining is answered with the end of the connection', async () => {
  const running = open(`${REQUEST}${REQUEST}`);
  await until('both calls', () => world.seen.length === 2);
  const drained = world.gateway.drain(10_000);
  for (const each of release) each();
  await drained;
  expect(running.text().match(/whole/g)).toHaveLength(2);
});

test('what does not end within the grace is cut', async () => {
  const running = open(REQUEST);
  await until('the call', () => running.text().includes('part'));
  const started = Date.now();
  await world.gateway.drain(100);
  expect(Date.now() - started).toBeLessThan(2000);
  await until('the close', () => running.closed());
  await until('the outcome', () => world.outcomes.length === 1);
  expect(world.outcomes[0]?.outcome.error).toBeDefined();
});

test('an address in use is an error with its listener, and nothing stays open', async () => {
  const taken = proxyPort();
  const other = openWorld({ listeners: { decisions: { port: 0 }, proxy: { port: taken } } });
  await expect(other).rejects.toThrow(/^proxy: 127\.0\.0\.1:[0-9]+ cannot be listened on \(EADDRINUSE\)/);
  release.push(() => undefined);
});

test('the decision API is one of the listeners', async () => {
  world.evaluate = () => result('deny');
  const body = JSON.stringify({ agent: 'finance-agent', tool: 'stripe-payments', action: 'get_payment', params: {} });
  const answer = await call(
    world.bound.decisions?.port as number,
    'POST',
    '/v1/decisions',
    ['Content-Type', 'application/json'],
    body,
  );
  expect(answer.json).toMatchObject({ enforced: { verdict: 'deny' } });
  expect(world.infos).toMatchObject([{ via: 'decisions' }]);
});
