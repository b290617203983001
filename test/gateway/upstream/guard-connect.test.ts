import type { LookupAddress } from 'node:dns';
import { createServer, type Server } from 'node:http';
import { createUpstreams, type UpstreamsOptions } from '../../../gateway/upstream/upstreams.ts';
import { call } from '../listeners/http-client.ts';
import { closeServer, type Front, listenOn, startFront, targetOf } from './support/front.ts';

let tool: Server;
let port: number;
let reached: number;
let lookups: string[];
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  tool = createServer((_, res) => {
    reached += 1;
    res.end('reached');
  });
  port = await listenOn(tool);
});

beforeEach(() => {
  reached = 0;
  lookups = [];
});

afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
});

afterAll(() => closeServer(tool));

async function front(url: string, options: UpstreamsOptions = {}, answers: string[][] = []): Promise<Front> {
  const upstreams = createUpstreams({
    timeouts: { connect: 500 },
    resolveName: (name, done) => {
      lookups.push(name);
      const all = answers[Math.min(lookups.length, answers.length) - 1] ?? [];
      const addresses: LookupAddress[] = all.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      done(null, addresses);
    },
    ...options,
  });
  const made = await startFront({ upstreams, target: () => targetOf(upstreams, { url }) });
  cleanUp.push(
    () => upstreams.close(),
    () => made.close(),
  );
  return made;
}

const refused = { status: 502, body: 'AEGIS_UPSTREAM_ADDRESS' };

test.each([
  ['loopback', ['127.0.0.1']],
  ['IPv6 loopback', ['::1']],
  ['mapped loopback', ['::ffff:127.0.0.1']],
  ['private', ['10.0.0.1']],
  ['metadata', ['169.254.169.254']],
  ['a public address and a private one', ['8.8.8.8', '127.0.0.1']],
  ['a scoped link-local address', ['fe80::1%lo']],
])('a name that leads to %s is not connected to', async (_, addresses) => {
  const { port: at, calls } = await front(`http://tool.test:${port}`, {}, [addresses]);
  const answer = await call(at, 'POST', '/', [], 'x');
  expect(answer).toMatchObject(refused);
  expect(calls[0]).toMatchObject({ sent: false });
  expect(reached).toBe(0);
  expect(lookups).toEqual(['tool.test']);
});

test('the operator may allow a range', async () => {
  const { port: at } = await front(`http://tool.test:${port}`, { allowPrivate: ['127.0.0.0/8'] }, [['127.0.0.1']]);
  expect(await call(at, 'GET', '/')).toMatchObject({ status: 200, body: 'reached' });
});

test('what was checked is what is connected to: another answer of the DNS comes too late', async () => {
  const { port: at } = await front(`http://tool.test:${port}`, { allowPrivate: ['127.0.0.1/32'] }, [
    ['127.0.0.1'],
    ['169.254.169.254'],
  ]);
  expect((await call(at, 'GET', '/')).status).toBe(200);
  expect(lookups).toHaveLength(1);
  // The next connection asks again, and is refused.
  const first = call(at, 'GET', '/');
  const second = call(at, 'GET', '/');
  const statuses = [(await first).status, (await second).status].sort();
  expect(statuses).toEqual([200, 502]);
});

test('the first address that answers is taken', async () => {
  const options = { allowPrivate: ['127.0.0.0/8', '::1/128'] };
  const { port: at } = await front(`http://tool.test:${port}`, options, [['::1', '127.0.0.1']]);
  expect(await call(at, 'GET', '/')).toMatchObject({ status: 200 });
});

test('a literal address in the url of the tool is what the tool says; no DNS', async () => {
  for (const host of ['127.0.0.1', '0x7f.0.0.1', '2130706433', '[::ffff:127.0.0.1]']) {
    const { port: at } = await front(`http://${host}:${port}`);
    expect(await call(at, 'GET', '/')).toMatchObject({ status: 200 });
  }
  expect(lookups).toEqual([]);
});

test.each([
  '169.254.169.254',
  '[fd00:ec2::254]',
  '0.0.0.0',
  '[::]',
  '[::ffff:a9fe:a9fe]',
  '255.255.255.255',
  '2852039166',
])('not even for the url of the tool itself: %s', async (host) => {
  const { port: at } = await front(`http://${host}:${port}`, { allowPrivate: ['0.0.0.0/0', '::/0'] });
  expect(await call(at, 'GET', '/')).toMatchObject(refused);
  expect(reached).toBe(0);
});

test('a local stand-in may be a private address or a name of one, but no metadata address', async () => {
  const url = 'https://api.example.com';
  const standIn = (base: string) => ({ overrides: { payments: base } });
  const byAddress = await front(url, standIn(`http://127.0.0.1:${port}`));
  expect((await call(byAddress.port, 'GET', '/')).status).toBe(200);
  const byName = await front(url, standIn(`http://stand-in.test:${port}`), [['127.0.0.1']]);
  expect((await call(byName.port, 'GET', '/')).status).toBe(200);
  const metadata = await front(url, standIn(`http://169.254.169.254:${port}`));
  expect(await call(metadata.port, 'GET', '/')).toMatchObject(refused);
});

test('a name without an address, or without an answer', async () => {
  const none = await front(`http://tool.test:${port}`, {}, [[]]);
  expect(await call(none.port, 'GET', '/')).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_CONNECT' });
  const broken = await front(`http://tool.test:${port}`, {
    resolveName: (_, done) => done(Object.assign(new Error('down'), { code: 'EAI_AGAIN' }), []),
  });
  expect(await call(broken.port, 'GET', '/')).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_CONNECT' });
});

test('localhost of this machine, by the real resolver', async () => {
  const upstreams = createUpstreams();
  const made = await startFront({ upstreams, target: () => targetOf(upstreams, { url: `http://localhost:${port}` }) });
  cleanUp.push(
    () => upstreams.close(),
    () => made.close(),
  );
  expect(await call(made.port, 'GET', '/')).toMatchObject(refused);
});
