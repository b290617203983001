import { connect, type Socket } from 'node:net';
import { result } from '../listeners/fake-activation.ts';
import { call } from '../listeners/http-client.ts';
import { openWorld, until, type World } from './harness.ts';
import { ask } from './tls-client.ts';

/** Bodies: read or streamed, waited for, late, cut off, too long, and what limits make of it all. */

const PAY = '/stripe-payments/v1/payment_intents';
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';
const BODY = 'amount=4999&currency=usd';
const OBJECT = '/files/objects/a';

let world: World;
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  world = await openWorld({
    maxBody: 10_000,
    limits: { headTimeout: 400, bodyTimeout: 400, bodyIdle: 400, keepAlive: 500, stall: 800 },
  });
  port = world.bound.proxy?.port as number;
});

beforeEach(() => world.reset());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => world.close());

interface Talk {
  socket: Socket;
  text(): string;
  closed: Promise<string>;
}

function talk(first: string): Talk {
  let text = '';
  const socket = connect(port, '127.0.0.1');
  socket.write(first);
  sockets.push(socket);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  return { socket, text: () => text, closed: new Promise((done) => socket.on('close', () => done(text))) };
}

const head = (method: string, path: string, headers: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

test('100 Continue comes once the head is accepted, and the body is asked for only then', async () => {
  const { socket, text } = talk(head('POST', PAY, `${FORM}Content-Length: ${BODY.length}\r\nExpect: 100-continue\r\n`));
  await until('100 Continue', () => text() === 'HTTP/1.1 100 Continue\r\n\r\n');
  expect(world.asked).toHaveLength(0);
  socket.write(BODY);
  await until('the answer', () => text().includes('HTTP/1.1 201'));
  expect(world.seen[0]?.body).toBe(BODY);
  expect(world.seen[0]?.headers.map((name) => name.toLowerCase())).not.toContain('expect');
});

test.each([
  ['no action', 'POST', '/stripe-payments/v1/refunds', `${FORM}Content-Length: 24\r\n`, 403],
  ['no tool', 'POST', '/other/v1', `${FORM}Content-Length: 24\r\n`, 403],
  ['another content type', 'POST', PAY, 'Content-Type: text/plain\r\nContent-Length: 24\r\n', 415],
  ['too long', 'POST', PAY, `${FORM}Content-Length: 10001\r\n`, 413],
  ['a foreign page', 'POST', PAY, `${FORM}Content-Length: 24\r\nOrigin: https://evil.example\r\n`, 403],
])('a head that is refused (%s) is refused before the body is sent', async (_, method, path, headers, status) => {
  const { text } = talk(head(method, path, `${headers}Expect: 100-continue\r\n`));
  await until('the refusal', () => text().endsWith('}'));
  expect(text().startsWith(`HTTP/1.1 ${status}`)).toBe(true);
  expect(text()).toContain('Connection: close');
  expect(world.asked).toHaveLength(0);
});

test('a streamed call that the policy refuses is refused before the upload', async () => {
  world.evaluate = () => result('deny');
  const { closed } = talk(
    head('PUT', OBJECT, 'Content-Type: image/png\r\nContent-Length: 99\r\nExpect: 100-continue\r\n'),
  );
  expect(await closed).toMatch(/^HTTP\/1.1 403 /);
  expect(world.seen).toHaveLength(0);
});

test('an upload is forwarded as it comes, however long', async () => {
  const size = 3_000_000;
  const { socket, text } = talk(
    head('PUT', OBJECT, `Content-Type: image/png\r\nContent-Length: ${size}\r\nExpect: 100-continue\r\n`),
  );
  await until('100 Continue', () => text().includes('100 Continue'));
  expect(world.decisions).toHaveLength(1);
  socket.write(Buffer.alloc(size, 'x'));
  await until('the answer', () => text().includes('HTTP/1.1 201'));
  expect(world.seen[0]?.body).toHaveLength(size);
  expect(world.seen[0]?.headers).toEqual(expect.arrayContaining(['content-length', String(size)]));
});

test('an upload in chunks is forwarded in chunks', async () => {
  const { socket, text } = talk(head('PUT', OBJECT, 'Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n'));
  for (const part of ['3\r\nabc\r\n', '2\r\nde\r\n', '0\r\n\r\n']) {
    socket.write(part);
    await new Promise((done) => setTimeout(done, 10));
  }
  await until('the answer', () => text().includes('HTTP/1.1 201'));
  expect(world.seen[0]).toMatchObject({ method: 'PUT', url: '/objects/a', body: 'abcde' });
});

test.each([
  ['a chunk extension', '3\r\nabc\r\n', '2;x=y\r\nde\r\n0\r\n\r\n'],
  ['trailers', '3\r\nabc\r\n', '0\r\nX: y\r\n\r\n'],
  ['a broken chunk', '3\r\nabc\r\n', 'zz\r\n'],
])('an upload that turns bad under way (%s) does not look complete to the tool', async (_, first, second) => {
  const { socket, closed } = talk(head('PUT', OBJECT, 'Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n'));
  socket.write(first);
  await until('the decision', () => world.decisions.length === 1);
  socket.write(second);
  expect(await closed).toMatch(/^HTTP\/1.1 400 /);
  await until('the outcome', () => world.outcomes.length === 1);
  expect(world.outcomes[0]?.outcome).toMatchObject({ status: 400 });
  expect(world.seen).toHaveLength(0);
});

test('an upload that is cut off does not look complete to the tool', async () => {
  const { socket } = talk(head('PUT', OBJECT, 'Content-Type: image/png\r\nContent-Length: 99\r\n'));
  socket.write('abc');
  await until('the decision', () => world.decisions.length === 1);
  socket.destroy();
  await until('the outcome', () => world.outcomes.length === 1);
  expect(world.outcomes[0]?.outcome.error).toBeDefined();
  expect(world.seen).toHaveLength(0);
});

test.each([
  ['a head', 'GET / HTTP/1.1\r\nHost: a\r\n', 408],
  ['a body that is read', head('POST', PAY, `${FORM}Content-Length: 99\r\n`), 408],
  ['a body that is streamed', head('PUT', OBJECT, 'Content-Type: image/png\r\nContent-Length: 99\r\n'), 408],
])('%s that stops coming ends the connection', async (_, text, status) => {
  const started = Date.now();
  const answer = await talk(text).closed;
  expect(answer.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
  expect(Date.now() - started).toBeLessThan(4000);
  expect(world.seen).toHaveLength(0);
});

test('a head that comes byte by byte is given its time, and no more', async () => {
  const { socket, closed } = talk('');
  const text = head('GET', `${PAY}/x`, `X: ${'a'.repeat(200)}\r\n`);
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++] ?? 'a'), 20);
  const answer = await closed;
  clearInterval(timer);
  expect(answer === '' || answer.startsWith('HTTP/1.1 408 ')).toBe(true);
  expect(world.seen).toHaveLength(0);
});

test('an idle connection is closed', async () => {
  const { socket, text, closed } = talk(head('GET', `${PAY}/x`, ''));
  await until('the answer', () => text().includes('made'));
  await closed;
  expect(socket.destroyed).toBe(true);
});

test('a client that does not read its answer is cut', async () => {
  const { socket } = talk(head('GET', `${PAY}/flood`, ''));
  socket.pause();
  await until('the call', () => world.seen.length === 1);
  await until('the outcome', () => world.outcomes.length === 1);
  expect(world.outcomes[0]?.outcome).toMatchObject({ error: 'AEGIS_CALLER_GONE' });
});

test('a refusal can be read while the body is still being sent', async () => {
  const { socket, text } = talk(head('POST', PAY, `${FORM}Content-Length: 900000\r\n`));
  for (let i = 0; i < 9; i++) socket.write('a'.repeat(100_000));
  await until('the refusal', () => text().includes('AEGIS_MAPPING_TOO_LARGE'));
  expect(text()).toMatch(/^HTTP\/1.1 413 /);
});

test('an endless body behind a refusal is cut', async () => {
  const { socket, closed } = talk(head('POST', '/other/x', `${FORM}Transfer-Encoding: chunked\r\n`));
  const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`;
  const timer = setInterval(() => socket.write(chunk), 1);
  const answer = await closed;
  clearInterval(timer);
  expect(answer).toMatch(/^HTTP\/1.1 403 /);
});

test('pipelined calls are answered in order, each decided by itself', async () => {
  world.evaluate = ({ params }) => result(params.amount === 2 ? 'deny' : 'allow');
  const one = (cents: number): string => {
    const body = `amount=${cents}&currency=usd`;
    return `${head('POST', PAY, `${FORM}Content-Length: ${body.length}\r\n`)}${body}`;
  };
  const { text } = talk(one(100) + one(200) + one(300));
  await until('three answers', () => text().split('HTTP/1.1 ').length === 4);
  expect([...text().matchAll(/HTTP\/1.1 ([0-9]{3})/g)].map(([, status]) => status)).toEqual(['201', '403', '201']);
  expect(world.seen.map(({ body }) => body)).toEqual(['amount=100&currency=usd', 'amount=300&currency=usd']);
});

describe('limits', () => {
  const limited = (id: string) => () =>
    result('allow', { limits: [{ id, per: 'Agent' as const, window: '1m', max: 1 }] });
  const again = async (): Promise<number> => (await call(port, 'GET', `${PAY}/x`)).status;

  test('a client that goes away while its body comes costs nothing', async () => {
    world.evaluate = limited('early');
    const { socket } = talk(head('POST', PAY, `${FORM}Content-Length: 99\r\n`));
    await new Promise((done) => setTimeout(done, 30));
    socket.destroy();
    expect(await again()).toBe(201);
  });

  test('a broken body costs nothing', async () => {
    world.evaluate = limited('broken');
    await talk(`${head('POST', PAY, `${FORM}Transfer-Encoding: chunked\r\n`)}zz\r\n`).closed;
    expect(await again()).toBe(201);
  });

  test('a tool that is not there costs nothing, one that does not answer costs the call', async () => {
    world.evaluate = limited('away');
    world.overrides['stripe-payments'] = 'http://127.0.0.1:1';
    expect(await again()).toBe(502);
    world.overrides['stripe-payments'] = `http://127.0.0.1:${world.toolPort}`;
    expect((await call(port, 'GET', `${PAY}/hang`)).status).toBe(504);
    expect(await again()).toBe(429);
  });

  test('a client that goes away while the tool works has spent', async () => {
    world.evaluate = limited('late');
    const { socket } = talk(head('GET', `${PAY}/hang`, ''));
    await until('the call', () => world.seen.length === 1);
    socket.destroy();
    await until('the outcome', () => world.outcomes.length === 1);
    expect(world.outcomes[0]?.outcome).toMatchObject({ error: 'AEGIS_CALLER_GONE' });
    expect(await again()).toBe(429);
  });
});

test('what is asked on one connection after a refusal is decided by itself', async () => {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  expect((await ask(socket, head('GET', '/other/x', ''))).status).toBe(403);
  expect((await ask(socket, head('GET', `${PAY}/x`, ''))).status).toBe(201);
});

test('no defect was met', () => {
  const defects = world.errors.filter(
    (error) => !(error instanceof Error) || /Type|Reference|Range|Assertion/.test(error.name),
  );
  expect(defects).toEqual([]);
});
