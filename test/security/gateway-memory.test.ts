/** What one agent can make the gateway hold is bounded, however many connections it opens and requests it sends. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchangeRaw } from '../gateway/capture/hostile/raw-socket.ts';
import { type GatewayWorld, openGatewayWorld } from './gateway-world.ts';
import { PERMIT, REGISTRATION, sources, TOOL } from './local-world.ts';

const HOST = 'Host: localhost\r\n';
const MEGABYTE = 1024 * 1024;

let world: GatewayWorld;
let open: Socket[] = [];

beforeEach(async () => {
  world = await openGatewayWorld({ sources: sources(REGISTRATION, TOOL, PERMIT), agent: 'ag', tool: 'bank' });
});

afterEach(async () => {
  for (const socket of open) socket.destroy();
  open = [];
  await world.close();
});

/** In MB. */
function memory(): number {
  const status = readFileSync(`/proc/${world.gateway.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function flood(connections: number, bytes: Buffer): Promise<string[]> {
  const answers = Array<string>(connections).fill('');
  for (let index = 0; index < connections; index++) {
    const socket = connect(world.gateway.proxy, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      answers[index] += chunk.toString('latin1');
    });
    socket.write(bytes);
    open.push(socket);
    if (index % 20 === 19) await sleep(40);
  }
  await sleep(1500);
  return answers;
}

test('bodies that do not end fill only so much', async () => {
  const head = `POST /bank/pay HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${MEGABYTE}\r\n\r\n`;
  const before = memory();
  const answers = await flood(200, Buffer.concat([Buffer.from(head), Buffer.alloc(MEGABYTE - 100, 0x20)]));
  expect(memory() - before).toBeLessThan(150);
  expect(answers.filter((text) => text.includes('503') && text.includes('AEGIS_HTTP_BUSY')).length).toBeGreaterThan(
    100,
  );
  for (const socket of open) socket.destroy();
  await sleep(300);
  const pay = `POST /bank/pay HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"amount":1}`;
  expect((await exchangeRaw(world.gateway.proxy, [pay])).statuses).toEqual([200]);
});

test('requests behind one that has no answer do not pile up', async () => {
  world.answer(() => undefined);
  const first = `GET /bank/read?user_id=1 HTTP/1.1\r\n${HOST}\r\n`;
  const rest = `GET /bank/x HTTP/1.1\r\n${HOST}\r\n`.repeat(20_000);
  await flood(60, Buffer.from(first + rest));
  // whoever sends more than a few is cut off, so that nothing of it is held
  const deadline = Date.now() + 15_000;
  while (open.some((socket) => !socket.destroyed) && Date.now() < deadline) await sleep(50);
  expect(open.filter((socket) => !socket.destroyed)).toHaveLength(0);
  expect(world.gateway.child.exitCode).toBeNull();
});
