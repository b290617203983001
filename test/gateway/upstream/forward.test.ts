import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { ForwardRequest, Upstreams } from '../../../gateway/upstream/types.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import { call } from '../listeners/http-client.ts';
import { closeServer, exchangeBytes, type Front, listenOn, startFront, targetOf, until } from './support/front.ts';

let tool: Server;
let handle: (req: IncomingMessage, res: ServerResponse) => void;
let upstreams: Upstreams;
let front: Front;
let extra: Partial<ForwardRequest>;
let sending: () => void | Promise<void>;

beforeAll(async () => {
  tool = createServer((req, res) => handle(req, res));
  const port = await listenOn(tool);
  upstreams = createUpstreams({ timeouts: { connect: 1000, headers: 1000, body: 1000 } });
  const target = targetOf(upstreams, { url: `http://127.0.0.1:${port}/base/` });
  front = await startFront({ upstreams, target: () => target, request: () => extra, sending: () => sending() });
});

beforeEach(() => {
  front.calls.length = 0;
  extra = {};
  sending = () => undefined;
});

afterAll(async () => {
  await upstreams.close();
  await front.close();
  await closeServer(tool);
});

const last = () => front.calls.at(-1) as Front['calls'][number];

function text(req: IncomingMessage): Promise<string> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    req
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => done(Buffer.concat(chunks).toString('latin1')));
  });
}

test('bytes go there and come back; base path, order of events, decision id', async () => {
  const seen: string[] = [];
  handle = async (req, res) => {
    seen.push(`${req.method} ${req.url} ${await text(req)} ${req.headers['content-length']} ${req.headers.host}`);
    res.writeHead(201, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Tool', 'yes']).end('made');
  };
  extra = { body: Buffer.from('amount=1') };
  const answer = await call(front.port, 'POST', '/v1/pay?x=%2F', ['Content-Type', 'text/plain'], 'ignored');
  expect(answer).toMatchObject({
    status: 201,
    body: 'made',
    headers: { 'set-cookie': ['a=1', 'b=2'], 'x-tool': 'yes' },
  });
  expect(answer.headers['aegis-decision-id']).toBe('d-1');
  await last().closed;
  expect(last().log).toEqual(['sending', 'responded', 'closed']);
  expect(last()).toMatchObject({ status: 201, end: { bytes: 4 } });
  expect(seen[0]).toMatch(/^POST \/base\/v1\/pay\?x=%2F amount=1 8 127\.0\.0\.1:\d+$/);
});

test.each([
  ['a declared length', ['Content-Length', '200000']],
  ['chunks', ['Transfer-Encoding', 'chunked']],
])('a streamed body keeps %s', async (_, headers) => {
  let seen: string[] = [];
  let length = 0;
  handle = (req, res) => {
    seen = [String(req.headers['content-length']), String(req.headers['transfer-encoding'])];
    req
      .on('data', (chunk: Buffer) => {
        length += chunk.length;
      })
      .on('end', () => res.end('ok'));
  };
  const status = await new Promise((done, failed) => {
    const req = request({
      port: front.port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/',
      headers: ['Host', 'x', ...headers],
    });
    req.on('response', (res) => res.resume().on('end', () => done(res.statusCode))).on('error', failed);
    req.write(Buffer.alloc(150_000));
    req.end(Buffer.alloc(50_000));
  });
  expect(status).toBe(200);
  expect(length).toBe(200_000);
  expect(seen).toEqual(headers[0] === 'Content-Length' ? ['200000', 'undefined'] : ['undefined', 'chunked']);
});

test('nothing is sent before sending has settled', async () => {
  let reached = 0;
  let settle: () => void = () => undefined;
  handle = (_, res) => {
    reached += 1;
    res.end('ok');
  };
  sending = () =>
    new Promise((done) => {
      settle = done;
    });
  const answer = call(front.port, 'GET', '/');
  await until(() => last()?.log.length === 1);
  await new Promise((done) => setTimeout(done, 30));
  expect(reached).toBe(0);
  settle();
  expect((await answer).status).toBe(200);
  expect(reached).toBe(1);
});

test.each(['rejects', 'throws'])('nothing is sent where sending %s', async (how) => {
  let reached = 0;
  handle = () => {
    reached += 1;
  };
  sending = () => {
    if (how === 'throws') throw new Error('store down');
    return Promise.reject(new Error('store down'));
  };
  expect(await call(front.port, 'GET', '/')).toMatchObject({ status: 503, body: 'AEGIS_INTERNAL' });
  expect(last()).toMatchObject({ sent: false, log: ['sending', 'failed', 'closed'] });
  expect(reached).toBe(0);
});

test('the agent going away while the limits settle: nothing is sent, and the caller is told', async () => {
  let reached = 0;
  let settle: () => void = () => undefined;
  handle = () => {
    reached += 1;
  };
  sending = () =>
    new Promise((done) => {
      settle = done;
    });
  const req = request({ port: front.port, host: '127.0.0.1', path: '/' }).on('error', () => undefined);
  req.end();
  await until(() => last()?.log.length === 1);
  req.destroy();
  await new Promise((done) => setTimeout(done, 30));
  settle();
  await last().closed;
  expect(last()).toMatchObject({ sent: false, failure: { code: 'AEGIS_CALLER_GONE' } });
  expect(reached).toBe(0);
});

test('the agent going away ends the call to the tool', async () => {
  let gone = false;
  let reached = false;
  handle = (req) => {
    reached = true;
    req.on('close', () => {
      gone = true;
    });
  };
  const req = request({ port: front.port, host: '127.0.0.1', path: '/' }).on('error', () => undefined);
  req.end();
  await until(() => reached);
  req.destroy();
  await last().closed;
  await until(() => gone);
  expect(last()).toMatchObject({ sent: true, failure: { code: 'AEGIS_CALLER_GONE' } });
});

test('a head without a body yet is passed on at once', async () => {
  let finish: () => void = () => undefined;
  handle = (_, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    finish = () => res.end('data: 1\n\n');
  };
  const seen = await new Promise<string>((done, failed) => {
    const req = request({ port: front.port, host: '127.0.0.1', path: '/' });
    req.on('error', failed).on('response', (res) => {
      finish();
      text(res).then(done);
    });
    req.end();
  });
  expect(seen).toBe('data: 1\n\n');
});

test('a huge response is held back as long as the agent does not read', async () => {
  let written = 0;
  const total = 256;
  handle = (_, res) => {
    const chunk = Buffer.alloc(1024 * 1024);
    const more = (): void => {
      while (written < total) {
        written += 1;
        if (!res.write(chunk)) {
          res.once('drain', more);
          return;
        }
      }
      res.end();
    };
    more();
  };
  let bytes = 0;
  await new Promise<void>((done, failed) => {
    const req = request({ port: front.port, host: '127.0.0.1', path: '/' });
    req.on('error', failed).on('response', (res) => {
      setTimeout(() => {
        expect(written).toBeLessThan(64);
        res
          .on('data', (chunk: Buffer) => {
            bytes += chunk.length;
          })
          .on('end', done);
      }, 200);
    });
    req.end();
  });
  expect(bytes).toBe(total * 1024 * 1024);
  expect(last().end).toEqual({ bytes });
});

test('a huge upload is held back as long as the tool does not read', async () => {
  let sent = 0;
  let release: () => void = () => undefined;
  let received = 0;
  handle = (req, res) => {
    release = () =>
      req
        .on('data', (chunk: Buffer) => {
          received += chunk.length;
        })
        .on('end', () => res.end('ok'));
  };
  const total = 128;
  const answer = new Promise<number>((done, failed) => {
    const req = request({ port: front.port, host: '127.0.0.1', method: 'PUT', path: '/' });
    req.on('error', failed).on('response', (res) => done(res.resume().statusCode ?? 0));
    const chunk = Buffer.alloc(1024 * 1024);
    const more = (): void => {
      while (sent < total) {
        sent += 1;
        if (!req.write(chunk)) {
          req.once('drain', more);
          return;
        }
      }
      req.end();
    };
    more();
  });
  await new Promise((done) => setTimeout(done, 300));
  expect(sent).toBeLessThan(64);
  release();
  expect(await answer).toBe(200);
  expect(received).toBe(total * 1024 * 1024);
});

test('an answer before the end of the upload reaches the agent, and its connection stays usable', async () => {
  handle = (_, res) => res.writeHead(413).end('too much');
  const head = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n';
  const next = 'GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const answers = await exchangeBytes(
    front.port,
    Buffer.concat([Buffer.from(head), Buffer.alloc(3_000_000), Buffer.from(next)]),
  );
  expect(answers.match(/HTTP\/1\.1 413/g)).toHaveLength(2);
});

test('an upload that breaks off never looks complete', async () => {
  let complete: boolean | undefined;
  let reached = false;
  handle = (req) => {
    reached = true;
    req
      .resume()
      .on('error', () => undefined)
      .on('close', () => {
        complete = req.complete;
      });
  };
  const req = request({ port: front.port, host: '127.0.0.1', method: 'POST', path: '/' }).on('error', () => undefined);
  req.write(Buffer.alloc(100_000));
  await until(() => reached);
  req.destroy();
  await until(() => complete !== undefined);
  expect(complete).toBe(false);
  await last().closed;
  expect(last().sent).toBe(true);
});

test.each([
  ['HEAD', 200, { 'Content-Length': '1000' }],
  ['GET', 304, { ETag: '"1"' }],
  ['DELETE', 204, {}],
])('%s %i has no body', async (method, status, headers) => {
  handle = (_, res) => res.writeHead(status, headers).end();
  const answer = await call(front.port, method, '/');
  expect(answer).toMatchObject({ status, body: '' });
  expect(answer.headers['content-length']).toBe(method === 'HEAD' ? '1000' : undefined);
});

test('trailers pass to an agent that takes them, and only those that may', async () => {
  handle = (_, res) => {
    res.writeHead(200, { Trailer: 'X-Sum' });
    res.write('body');
    res.addTrailers({ 'X-Sum': 'abc', 'Set-Cookie': 'a=1', 'Aegis-Decision-Id': 'forged' });
    res.end();
  };
  const ask = (te: string) => exchangeBytes(front.port, `GET / HTTP/1.1\r\nHost: x\r\n${te}Connection: close\r\n\r\n`);
  const with_ = await ask('TE: trailers\r\n');
  expect(with_).toMatch(/0\r\nx-sum: abc\r\n\r\n$/i);
  expect(with_).not.toMatch(/set-cookie|forged/i);
  expect(await ask('')).toMatch(/0\r\n\r\n$/);
});

test('interim responses are not the answer', async () => {
  handle = (_, res) => {
    res.writeEarlyHints({ link: '</a>; rel=preload' });
    res.writeProcessing();
    res.end('final');
  };
  expect(await call(front.port, 'GET', '/')).toMatchObject({ status: 200, body: 'final' });
  expect(last().log).toEqual(['sending', 'responded', 'closed']);
});

test("redirects are the agent's to follow", async () => {
  handle = (_, res) => res.writeHead(302, { Location: 'http://169.254.169.254/' }).end();
  expect((await call(front.port, 'GET', '/')).headers.location).toBe('http://169.254.169.254/');
});
