import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type Duplex, PassThrough, Transform } from 'node:stream';
import type { ResponseHead, ResponseSanitizing } from '../../../gateway/sanitize/response-sanitizer.ts';
import type { Upstreams } from '../../../gateway/upstream/types.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import { AegisError } from '../../../policy/errors.ts';
import { call } from '../listeners/http-client.ts';
import { closeServer, exchangeBytes, type Front, listenOn, startFront, targetOf, until } from './support/front.ts';

let tool: Server;
let handle: (req: IncomingMessage, res: ServerResponse) => void;
let upstreams: Upstreams;
let front: Front;
let start: (head: ResponseHead) => ResponseSanitizing;

beforeAll(async () => {
  tool = createServer((req, res) => handle(req, res));
  const port = await listenOn(tool);
  upstreams = createUpstreams({ timeouts: { body: 1000 } });
  front = await startFront({
    upstreams,
    target: () => targetOf(upstreams, { url: `http://127.0.0.1:${port}` }),
    request: () => ({ sanitizer: { start: (head) => start(head) } }),
  });
});

beforeEach(() => {
  front.calls.length = 0;
});

afterAll(async () => {
  await upstreams.close();
  await front.close();
  await closeServer(tool);
});

const last = () => front.calls.at(-1) as Front['calls'][number];
const stream = (through: Duplex, headers: Record<string, string> = {}): ResponseSanitizing => ({
  kind: 'stream',
  headers: { 'content-type': 'text/plain', ...headers },
  stream: through,
  trailers: () => ({ 'x-clean': 'yes' }),
});
const upper = () =>
  new Transform({ transform: (chunk: Buffer, _, done) => done(null, Buffer.from(chunk.toString().toUpperCase())) });

test('the tool is asked for what can be changed, and told the head', async () => {
  let head: ResponseHead | undefined;
  let asked: IncomingMessage['headers'] = {};
  start = (value) => {
    head = value;
    return { kind: 'unchanged' };
  };
  handle = (req, res) => {
    asked = req.headers;
    res.writeHead(201, { 'X-A': '1', 'Content-Length': 2 }).end('ok');
  };
  const headers = ['Accept-Encoding', 'br', 'Range', 'bytes=0-1', 'If-Range', '"a"', 'X-B', '2', 'Connection', 'close'];
  expect(await call(front.port, 'GET', '/', headers)).toMatchObject({
    status: 201,
    body: 'ok',
    headers: { 'x-a': '1' },
  });
  expect(asked).toMatchObject({ 'accept-encoding': 'identity', 'x-b': '2' });
  expect(asked).not.toHaveProperty('range');
  expect(asked).not.toHaveProperty('if-range');
  expect(head).toMatchObject({ method: 'GET', status: 201, headers: { 'x-a': '1', 'content-length': '2' } });
});

test('the body flows through the stream, under the head that it brings', async () => {
  start = () => stream(upper(), { connection: 'x-hop', 'x-hop': '1', 'aegis-decision-id': 'forged' });
  handle = (_, res) => {
    res.writeHead(200, { 'Content-Length': 6, ETag: '"1"' });
    res.write('abc');
    setImmediate(() => res.end('def'));
  };
  const seen = await exchangeBytes(
    front.port,
    'GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close\r\n\r\n',
  );
  expect(seen).toMatch(/ABC[\s\S]*DEF/);
  expect(seen).toMatch(/0\r\nx-clean: yes\r\n\r\n$/i);
  expect(seen).toMatch(/aegis-decision-id: d-1/i);
  expect(seen).not.toMatch(/etag|forged|x-hop|content-length/i);
  expect(last().log).toEqual(['sending', 'responded', 'closed']);
  expect(last().end).toEqual({ bytes: 6 });
});

test('a refused response reaches nobody, and the tool need not go on', async () => {
  start = () => ({ kind: 'refused', code: 'AEGIS_UPSTREAM_RESPONSE', detail: 'cannot be read' });
  let ended = false;
  handle = (_, res) => {
    res.on('close', () => {
      ended = true;
    });
    res.write('secret');
  };
  expect(await call(front.port, 'GET', '/')).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_RESPONSE' });
  expect(last()).toMatchObject({ sent: true, log: ['sending', 'responded', 'failed', 'closed'] });
  await until(() => ended);
});

test('a sanitizer that throws is a refusal', async () => {
  start = () => {
    throw new Error('defect');
  };
  handle = (_, res) => res.end('secret');
  expect((await call(front.port, 'GET', '/')).status).toBe(502);
});

test('a stream that fails before its first output is a clean answer', async () => {
  start = () =>
    stream(new Transform({ transform: (_, __, done) => done(new AegisError('AEGIS_UPSTREAM_RESPONSE', 'no JSON')) }));
  handle = (_, res) => res.end('secret');
  expect(await call(front.port, 'GET', '/')).toMatchObject({ status: 502, body: 'AEGIS_UPSTREAM_RESPONSE' });
});

test.each([
  'in the middle',
  'in its flush',
  'by ending early',
])('a stream that fails %s breaks the response off', async (when) => {
  start = () => {
    let chunks = 0;
    const through: Transform = new Transform({
      transform(chunk, _, done) {
        chunks += 1;
        if (chunks === 1 || when === 'in its flush') done(null, chunk);
        else if (when === 'by ending early') through.destroy();
        else done(new AegisError('AEGIS_UPSTREAM_RESPONSE', 'cannot go on'));
      },
      flush(done) {
        done(when === 'in its flush' ? new AegisError('AEGIS_UPSTREAM_RESPONSE', 'cannot end') : null);
      },
    });
    return stream(through);
  };
  handle = (_, res) => {
    res.write('first');
    void until(() => last()?.log.includes('responded') ?? false).then(() => res.end('second'));
  };
  await expect(call(front.port, 'GET', '/')).rejects.toThrow(/aborted/);
  await last().closed;
  expect(last().log).toEqual(['sending', 'responded', 'closed']);
  expect(last().end?.error).toBe(when === 'by ending early' ? 'AEGIS_INTERNAL' : 'AEGIS_UPSTREAM_RESPONSE');
});

test('a tool that breaks off breaks the filtered response off', async () => {
  start = () => stream(upper());
  handle = (req, res) => {
    res.writeHead(200, { 'Content-Length': 100 });
    res.write('part', () => setImmediate(() => req.socket.destroy()));
  };
  await expect(call(front.port, 'GET', '/')).rejects.toThrow(/aborted/);
});

test('an event stream begins at once', async () => {
  start = () => stream(new PassThrough(), { 'content-type': 'text/event-stream' });
  let finish: () => void = () => undefined;
  handle = (_, res) => {
    res.writeHead(200).flushHeaders();
    finish = () => res.end('data: 1\n\n');
  };
  const body = await new Promise<string>((done, failed) => {
    const req = request({ port: front.port, host: '127.0.0.1', path: '/' }).on('error', failed);
    req.on('response', (res) => {
      finish();
      let text = '';
      res
        .on('data', (chunk) => {
          text += chunk;
        })
        .on('end', () => done(text));
    });
    req.end();
  });
  expect(body).toBe('data: 1\n\n');
});

test('a huge filtered response is held back as long as the agent does not read', async () => {
  start = () => stream(new PassThrough());
  let written = 0;
  handle = (_, res) => {
    const chunk = Buffer.alloc(1024 * 1024);
    const more = (): void => {
      while (written < 128) {
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
    const req = request({ port: front.port, host: '127.0.0.1', path: '/' }).on('error', failed);
    req.on('response', (res) => {
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
  expect(bytes).toBe(128 * 1024 * 1024);
});

test('the agent going away ends the stream and the call', async () => {
  const through = new PassThrough();
  start = () => stream(through);
  let ended = false;
  handle = (_, res) => {
    res.on('close', () => {
      ended = true;
    });
    res.write('first');
  };
  const req = request({ port: front.port, host: '127.0.0.1', path: '/' }).on('error', () => undefined);
  req.on('response', (res) => {
    res.on('error', () => undefined);
    req.destroy();
  });
  req.end();
  await until(() => ended && through.destroyed);
  await last().closed;
  expect(last().end?.error).toBe('AEGIS_CALLER_GONE');
});
