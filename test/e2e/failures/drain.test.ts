import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, probe, until } from '../../support/gateway-view.ts';

/** SIGTERM: what is in flight ends well, nothing new begins, and it does not take for ever. */

let world: FailureWorld;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish();
});

beforeEach(() => world.tool.reset());

afterAll(() => world.close());

/** Whether somebody still listens there. */
function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

interface Stream {
  response: IncomingMessage;
  text(): string;
  /** Whether the stream ended as its sender meant it; undefined while it goes on. */
  complete(): boolean | undefined;
}

async function follow({ proxy }: GatewayProcess): Promise<Stream> {
  const [response] = (await once(get(`http://127.0.0.1:${proxy}/ledger/events`), 'response')) as [IncomingMessage];
  let text = '';
  let complete: boolean | undefined;
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    complete = response.complete;
  });
  return { response, text: () => text, complete: () => complete };
}

/** The actions of the decision log. */
function decided(gateway: GatewayProcess): unknown[] {
  const decisions = gateway.log().filter(({ kind }) => kind === 'decision');
  return decisions.map(({ action }) => action).sort();
}

/** A gateway with a call and a stream in flight, and the tool's ends of both. */
async function busy(grace: string) {
  const gateway = await world.start({ 'drain.grace': grace });
  const held: ServerResponse[] = [];
  world.tool.answer = (res, { url }) => {
    held.push(res);
    if (url !== '/events') return;
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('data: 1\n\n');
  };
  const stream = await follow(gateway);
  await until('the first event', () => stream.text() === 'data: 1\n\n');
  const call = world.write(gateway);
  await until('the call', () => held.length === 2);
  const [events, answer] = held as [ServerResponse, ServerResponse];
  // a connection that was used and is kept open
  world.tool.answer = (res) => res.writeHead(200).end('{}');
  expect((await world.read(gateway)).status).toBe(200);
  const ended = once(gateway.child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return { gateway, stream, call, events, answer, ended };
}

test('a call and a stream in flight end well, nothing new begins, the exit is clean', async () => {
  const { gateway, stream, call, events, answer, ended } = await busy('20s');
  expect((await health(gateway)).calls_in_flight).toBe(2);
  gateway.child.kill('SIGTERM');
  await until('not ready', async () => (await probe(gateway, 'ready')) === 503, { ms: 1000 });
  expect(await health(gateway)).toMatchObject({ live: true, ready: false, reason: 'draining', calls_in_flight: 2 });
  expect(await metric(gateway, 'aegis_gateway_ready')).toBe(0);
  expect(await probe(gateway, 'live')).toBe(200);
  expect([await connects(gateway.proxy), await connects(gateway.decisions)]).toEqual([false, false]);
  expect((await world.read(gateway)).status).toBe(0);

  events.write('data: 2\n\n');
  await until('an event of the stream', () => stream.text().endsWith('data: 2\n\n'));
  answer.writeHead(200, { 'Content-Type': 'application/json' }).end('{"done":true}');
  expect(await call).toMatchObject({ status: 200, problem: { done: true } });
  events.end('data: 3\n\n');
  await until('the end of the stream', () => stream.complete() === true);
  expect(stream.text()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
  const began = performance.now();
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - began).toBeLessThan(3000);
  expect(decided(gateway)).toEqual(['add_entry', 'follow', 'get_entry']);
});

test('what does not end within the grace is broken off, and is seen to be', async () => {
  const { gateway, stream, call, ended } = await busy('1s');
  const began = performance.now();
  gateway.child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(900);
  expect(took).toBeLessThan(4000);
  expect((await call).status).toBe(0);
  await until('the end of the stream', () => stream.complete() === false);
  expect(decided(gateway)).toEqual(['add_entry', 'follow', 'get_entry']);
});

test('a second signal ends it at once', async () => {
  const { gateway, stream, call, ended } = await busy('60s');
  gateway.child.kill('SIGTERM');
  await until('draining', async () => (await health(gateway)).reason === 'draining');
  const began = performance.now();
  gateway.child.kill('SIGTERM');
  expect(await ended).toEqual([1, null]);
  expect(performance.now() - began).toBeLessThan(1500);
  expect((await call).status).toBe(0);
  await until('the end of the stream', () => stream.complete() === false);
});
