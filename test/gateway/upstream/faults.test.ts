import { request } from 'node:http';
import type { Socket } from 'node:net';
import type { ForwardRequest, Upstreams, UpstreamTarget } from '../../../gateway/upstream/types.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import { call } from '../listeners/http-client.ts';
import {
  exchangeBytes,
  type Front,
  freePort,
  type RawTool,
  startFront,
  startRawTool,
  targetOf,
  until,
} from './support/front.ts';

let upstreams: Upstreams;
let front: Front;
let tool: RawTool;
let target: UpstreamTarget;
let extra: Partial<ForwardRequest>;
let answer: Parameters<typeof startRawTool>[0];

beforeEach(async () => {
  extra = {};
  tool = await startRawTool((...seen) => answer(...seen));
  upstreams = createUpstreams({ timeouts: { connect: 1000, headers: 300, body: 300 } });
  target = targetOf(upstreams, { url: `http://127.0.0.1:${tool.port}` });
  front = await startFront({ upstreams, target: () => target, request: () => extra });
});

afterEach(async () => {
  await upstreams.close();
  await front.close();
  await tool.close();
});

const last = () => front.calls.at(-1) as Front['calls'][number];
const get = () => call(front.port, 'GET', '/');
const post = () => call(front.port, 'POST', '/', [], 'body');
const raw = (headers = '') =>
  exchangeBytes(front.port, `GET / HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`);

/** Answers once per connection, when the head of a request is there. */
function say(text: string, then?: 'end' | 'reset'): typeof answer {
  const said = new Set<number>();
  return (socket, seen, connection) => {
    if (!seen.includes('\r\n\r\n') || said.has(connection)) return;
    said.add(connection);
    socket.write(text, 'latin1', () => {
      if (then === 'end') socket.end();
      if (then === 'reset') socket.resetAndDestroy();
    });
  };
}

test.each([
  ['Content-Length beside Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['Transfer-Encoding beside Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
  ['a length that is no number', 'Content-Length: 5x\r\n\r\nhello'],
  ['a negative length', 'Content-Length: -5\r\n\r\nhello'],
  ['a coding that was not asked for', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['another coding', 'Transfer-Encoding: identity\r\n\r\nhello'],
  ['a control character in a header', 'X-A: a\x01b\r\nContent-Length: 0\r\n\r\n'],
  ['NUL in a header', 'X-A: a\x00b\r\nContent-Length: 0\r\n\r\n'],
  ['CR in a header', 'X-A: a\rSet-Cookie: x=1\r\nContent-Length: 0\r\n\r\n'],
  ['a folded header', 'X-A: a\r\n Set-Cookie: x=1\r\nContent-Length: 0\r\n\r\n'],
  ['a space before the colon', 'X-A : a\r\nContent-Length: 0\r\n\r\n'],
  ['no colon', 'X-A\r\nContent-Length: 0\r\n\r\n'],
  ['too many headers', `${'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2000)}\r\n`],
])('a response with %s is not passed on', async (_, head) => {
  answer = say(`HTTP/1.1 200 OK\r\n${head}`);
  expect(await post()).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_RESPONSE' });
  expect(last()).toMatchObject({ sent: true });
  expect(tool.received).toHaveLength(1);
});

test.each([
  ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['another version', 'HTTP/3.0 200 OK\r\n\r\n'],
  ['a status that is none', 'HTTP/1.1 99 No\r\n\r\n'],
  ['100 Continue that was not asked for', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  [
    'a switch that was not asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n',
  ],
  ['endless interim responses', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20)],
])('%s is no answer', async (_, text) => {
  answer = say(text);
  expect(await post()).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_RESPONSE' });
  expect(tool.received).toHaveLength(1);
});

test('a response shorter than it says breaks off', async () => {
  answer = say('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart', 'end');
  const seen = await raw();
  expect(seen).toContain('part');
  await expect(get()).rejects.toThrow(/aborted/);
  await last().closed;
  expect(last().end).toEqual({ bytes: 4, error: 'AEGIS_UPSTREAM_FAILED' });
});

test('a chunked response without its end breaks off', async () => {
  answer = say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', 'end');
  await expect(get()).rejects.toThrow(/aborted/);
  answer = say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', 'reset');
  await expect(get()).rejects.toThrow(/aborted/);
  answer = say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nxyz\r\n');
  await expect(get()).rejects.toThrow(/aborted/);
});

test('a response until the end of the connection is whole when it ends, not when it is reset', async () => {
  answer = say('HTTP/1.1 200 OK\r\n\r\nall of it', 'end');
  expect(await get()).toMatchObject({ status: 200, body: 'all of it' });
  answer = say('HTTP/1.0 200 OK\r\n\r\nall of it', 'end');
  expect(await get()).toMatchObject({ status: 200, body: 'all of it' });
  answer = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\npart');
    void until(() => last()?.log.includes('responded') ?? false).then(() => socket.resetAndDestroy());
  };
  await expect(get()).rejects.toThrow(/aborted/);
});

test('bytes after a response are never the answer to the next call', async () => {
  answer = (socket, seen, connection) => {
    if (!seen.endsWith('\r\n\r\n')) return;
    const own = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nown';
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
    socket.write(`${own}${connection}${poison}`);
  };
  for (let round = 0; round < 5; round += 1) {
    const { status, body } = await get();
    expect([status, body.slice(0, 3)]).toEqual([200, 'own']);
  }
});

test('hop-by-hop headers end here, in both directions', async () => {
  answer = say(
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\n' +
      'Upgrade: h2c\r\nAlt-Svc: h3=":443"\r\nAegis-Decision-Id: forged\r\nX-Tool: caf\xe9\r\nContent-Length: 2\r\n\r\nok',
  );
  extra = { keptHeaders: new Set(['x-kept']) };
  const seen = await raw(
    'TE: trailers\r\nX-Mine: 1\r\nConnection: x-mine, x-kept, content-type\r\nX-Kept: 2\r\nContent-Type: text/plain\r\n' +
      'Proxy-Authorization: Basic eA==\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\nAegis-Agent: forged\r\n' +
      'Expect: 100-continue\r\nUpgrade: h2c\r\nX-Name: caf\xe9\r\n',
  );
  expect(seen).not.toMatch(/x-hop|timeout=9|basic|h2c|alt-svc|forged/i);
  expect(seen).toMatch(/x-tool: caf\xe9\r\n/i);
  const [there = ''] = tool.received;
  expect(there).not.toMatch(/te:|x-mine|basic|1\.2\.3\.4|forged|expect|upgrade/i);
  expect(there).toMatch(/x-kept: 2\r\n/i);
  expect(there).toMatch(/content-type: text\/plain\r\n/i);
  expect(there).toMatch(new RegExp(`host: 127.0.0.1:${tool.port}\r\n`));
});

test('a write on a connection that is lost is never sent again', async () => {
  answer = (socket) => socket.resetAndDestroy();
  expect(await post()).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_FAILED' });
  expect(last()).toMatchObject({ sent: true });
  expect(tool.received).toHaveLength(1);
});

test('a read is sent once more after a reset, not twice, and not where it is not known to only read', async () => {
  let resets = 1;
  answer = (socket) => {
    if (resets > 0) socket.resetAndDestroy();
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    resets -= 1;
  };
  expect(await get()).toMatchObject({ status: 200, body: 'ok' });
  expect(tool.received).toHaveLength(2);
  expect(last().log).toEqual(['sending', 'responded', 'closed']);
  resets = 9;
  expect((await get()).body).toBe('AEGIS_UPSTREAM_FAILED');
  expect(tool.received.length).toBeLessThanOrEqual(4);
  expect(last()).toMatchObject({ sent: true, log: ['sending', 'failed', 'closed'] });
  const before = tool.received.length;
  extra = { repeatable: false };
  expect((await get()).body).toBe('AEGIS_UPSTREAM_FAILED');
  expect(tool.received).toHaveLength(before + 1);
});

test('a kept-alive connection that the tool closed costs no call', async () => {
  answer = say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect((await post()).status).toBe(200);
  tool.sockets[0]?.end();
  await until(() => tool.sockets[0]?.destroyed ?? false);
  expect((await post()).status).toBe(200);
  tool.sockets[1]?.destroy();
  expect((await post()).status).toBe(200);
});

test('nothing listens: not sent, 502', async () => {
  await tool.close();
  expect(await post()).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_CONNECT' });
  expect(last()).toMatchObject({ sent: false, log: ['sending', 'failed', 'closed'] });
});

test('a refused connection is tried once more: a tool that restarts costs no call, and a streamed body stays whole', async () => {
  const port = await freePort();
  let lookups = 0;
  let restarted: RawTool | undefined;
  let whole = '';
  const own = createUpstreams({
    allowPrivate: ['127.0.0.0/8'],
    // The tool comes back between the two attempts.
    resolveName: (_, done) => {
      lookups += 1;
      const answered = (): void => done(null, [{ address: '127.0.0.1', family: 4 }]);
      if (lookups === 1) answered();
      else {
        const reply = (socket: Socket, text: string): void => {
          whole = text;
          if (text.endsWith('0\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        };
        void startRawTool(reply, port).then((tool) => {
          restarted = tool;
          answered();
        });
      }
    },
  });
  const to = targetOf(own, { url: `http://tool.test:${port}` });
  const front = await startFront({ upstreams: own, target: () => to });
  try {
    const body = 'x'.repeat(100_000);
    const answer = await call(front.port, 'POST', '/', ['Transfer-Encoding', 'chunked'], body);
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    expect(whole.replace(/[^x]/g, '').length).toBeGreaterThanOrEqual(100_000);
    expect(lookups).toBe(2);
    expect(front.calls[0]?.log).toEqual(['sending', 'responded', 'closed']);
    await restarted?.close();
  } finally {
    await own.close();
    await front.close();
  }
});

test('no answer in time: 504, and whether it was sent is not claimed', async () => {
  answer = () => undefined;
  expect(await post()).toMatchObject({ status: 504, body: 'AEGIS_UPSTREAM_TIMEOUT' });
  expect(last()).toMatchObject({ sent: true });
});

test('a body that stops in the middle ends the response without an end', async () => {
  answer = say('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
  await expect(get()).rejects.toThrow(/aborted/);
  await last().closed;
  expect(last().end).toEqual({ bytes: 4, error: 'AEGIS_UPSTREAM_TIMEOUT' });
});

test('the whole exchange has a bound where one is set', async () => {
  const bounded = createUpstreams({ timeouts: { total: 150, headers: 5000, body: 5000 } });
  const to = targetOf(bounded, { url: `http://127.0.0.1:${tool.port}` });
  const own = await startFront({ upstreams: bounded, target: () => to });
  try {
    answer = () => undefined;
    expect(await call(own.port, 'GET', '/')).toMatchObject({ status: 504, body: 'AEGIS_UPSTREAM_TIMEOUT' });
    answer = say('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    await expect(call(own.port, 'GET', '/')).rejects.toThrow(/aborted/);
  } finally {
    await bounded.close();
    await own.close();
  }
});

test('a connection that does not come about in time: 504, not sent', async () => {
  const slow = createUpstreams({
    timeouts: { connect: 200 },
    resolveName: () => undefined,
  });
  const to = targetOf(slow, { url: 'http://tool.test' });
  const own = await startFront({ upstreams: slow, target: () => to });
  try {
    expect(await call(own.port, 'GET', '/')).toMatchObject({ status: 504, body: 'AEGIS_UPSTREAM_CONNECT' });
    expect(own.calls[0]).toMatchObject({ sent: false });
  } finally {
    await slow.close();
    await own.close();
  }
});

test('connections are bounded, who waits too long or behind too many is told so, and nothing of it is sent later', async () => {
  const few = createUpstreams({ connections: 1, maxWaiting: 1, timeouts: { connect: 200, headers: 5000 } });
  const to = targetOf(few, { url: `http://127.0.0.1:${tool.port}` });
  const own = await startFront({ upstreams: few, target: () => to });
  let release: () => void = () => undefined;
  answer = (socket, seen) => {
    const requests = seen.split('\r\n\r\n').length - 1;
    if (requests === 1) release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  };
  try {
    const first = call(own.port, 'GET', '/first');
    await until(() => tool.received[0]?.includes('first') ?? false);
    const second = call(own.port, 'POST', '/second', [], 'b');
    await until(() => own.calls.length === 2);
    expect(await call(own.port, 'GET', '/third')).toMatchObject({ status: 503, body: 'AEGIS_UPSTREAM_BUSY' });
    expect(await second).toMatchObject({ status: 504, body: 'AEGIS_UPSTREAM_CONNECT' });
    expect(own.calls[1]).toMatchObject({ sent: false });
    release();
    expect(await first).toMatchObject({ status: 200 });
    expect(await call(own.port, 'GET', '/fourth')).toMatchObject({ status: 200 });
    expect(tool.received).toHaveLength(1);
    expect(tool.received[0]).not.toMatch(/second|third/);
  } finally {
    await few.close();
    await own.close();
  }
});

test('a tool that closes only its own side after the head of a long upload', async () => {
  answer = say('HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno', 'end');
  const status = await new Promise((done, failed) => {
    const req = request({ port: front.port, host: '127.0.0.1', method: 'POST', path: '/' });
    req.on('response', (res) => res.resume().on('end', () => done(res.statusCode))).on('error', failed);
    req.write(Buffer.alloc(100_000));
    void until(() => last()?.log.includes('closed') ?? false).then(() => req.end());
  });
  expect(status).toBe(400);
});

test('an upload of which nothing came yet was not sent when the agent goes away', async () => {
  answer = () => undefined;
  const req = request({ port: front.port, host: '127.0.0.1', method: 'POST', path: '/' }).on('error', () => undefined);
  req.setHeader('Content-Length', 10);
  req.flushHeaders();
  await until(() => tool.sockets.length === 1);
  req.destroy();
  await last().closed;
  expect(last()).toMatchObject({ sent: false, failure: { code: 'AEGIS_CALLER_GONE' } });
  expect(tool.received).toEqual(['']);
});
