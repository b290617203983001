/** What passes to hosts of no tool is one request, whatever it is made of: a second one in it could be for a tool. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { exchangeRaw } from '../gateway/capture/hostile/raw-socket.ts';
import { type GatewayWorld, openGatewayWorld } from './gateway-world.ts';
import { PERMIT, REGISTRATION, sources, TOOL } from './local-world.ts';

let world: GatewayWorld;
let shared: Server;
let arrived = '';

beforeAll(async () => {
  shared = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      arrived += bytes.toString('latin1');
      if (arrived.includes('\r\n\r\n'))
        setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), 30);
    });
  });
  await new Promise<void>((resolve) => shared.listen(0, '127.0.0.1', resolve));
  world = await openGatewayWorld({
    sources: sources(REGISTRATION, TOOL, PERMIT),
    agent: 'ag',
    tool: 'bank',
    settings: { 'capture.unknownHosts': 'Record', 'upstream.allowPrivate': '127.0.0.0/8' },
  });
});

afterAll(async () => {
  await world?.close();
  await new Promise((resolve) => shared?.close(resolve));
});

test.each(['DELETE', 'OPTIONS', 'POST', 'PROPFIND'])('a chunked body of %s stays a body', async (method) => {
  arrived = '';
  const { port } = shared.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  const hidden = 'POST /pay HTTP/1.1\r\nHost: bank.example\r\nContent-Length: 0\r\n\r\n';
  const body = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
  const head = `${method} http://${host}/x HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  await exchangeRaw(world.gateway.proxy, [head + body]);
  expect(arrived).toContain(`${method} /x HTTP/1.1\r\n`);
  const [first = '', ...rest] = arrived.split('\r\n\r\n');
  expect(first.toLowerCase()).toContain('transfer-encoding: chunked');
  expect(rest.join('\r\n\r\n')).toMatch(/^[0-9a-f]+\r\n/);
});
