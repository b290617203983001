import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { RedactObligation } from '../../../policy/decision/types.ts';
import { openWorld, type World } from '../capture/harness.ts';
import { result } from '../listeners/fake-activation.ts';
import { CARD } from './samples.ts';

/** A gateway in front of a tool whose answers hold card numbers, over real sockets. */

const REDACT: RedactObligation[] = [
  { detector: 'payment-card', op: 'redact' },
  { detector: 'email', op: 'mask' },
];
const JSON_TYPE = { 'Content-Type': 'application/json' };
const body = JSON.stringify({
  id: 'pi_1',
  card: CARD,
  note: `paid with ${CARD.slice(0, 4)} ${CARD.slice(4, 8)} ${CARD.slice(8, 12)} ${CARD.slice(12)}`,
});
const clean = '{"id":"pi_1","card":"[REDACTED]","note":"paid with [REDACTED]"}';
const token = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** Each piece in a packet of its own. */
async function slowly(
  res: NodeJS.WritableStream & { flush?: unknown },
  pieces: Iterable<string>,
  flush?: () => Promise<void>,
): Promise<void> {
  for (const piece of pieces) {
    await new Promise((done) => res.write(piece, done));
    await (flush?.() ?? new Promise((done) => setImmediate(done)));
  }
  res.end();
}

type Play = (req: IncomingMessage, res: ServerResponse) => unknown;

const compressed =
  (encoding: 'gzip' | 'br'): Play =>
  (_, res) => {
    res.writeHead(200, { ...JSON_TYPE, 'Content-Encoding': encoding, ETag: '"v1"' });
    const encoder = encoding === 'gzip' ? createGzip() : createBrotliCompress();
    encoder.pipe(res);
    const kind = encoding === 'gzip' ? constants.Z_FULL_FLUSH : constants.BROTLI_OPERATION_FLUSH;
    return slowly(encoder, body, () => new Promise((done) => encoder.flush(kind, done)));
  };

const PLAYS: Record<string, Play> = {
  chunks: (_, res) => slowly(res.writeHead(200, JSON_TYPE), body),
  length: (_, res) =>
    res
      .writeHead(200, {
        ...JSON_TYPE,
        'Content-Length': body.length,
        ETag: '"v1"',
        Digest: 'x',
        'Accept-Ranges': 'bytes',
      })
      .end(body),
  gzip: compressed('gzip'),
  br: compressed('br'),
  tokens: (_, res) =>
    slowly(res.writeHead(200, { 'Content-Type': 'text/event-stream' }), [...`card ${CARD}, thanks`].map(token)),
  image: (_, res) => res.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': '4' }).end('\x89PNG'),
  part: (_, res) => res.writeHead(206, { ...JSON_TYPE, 'Content-Range': 'bytes 0-3/10' }).end('1234'),
  broken: (_, res) => slowly(res.writeHead(200, JSON_TYPE), ['[1,', `"${CARD}",`, `${'1,'.repeat(1000)}`, "'x']"]),
  cut: (_, res) => {
    res.writeHead(200, JSON_TYPE);
    res.write(`["a","${CARD.slice(0, 12)}`, () => setTimeout(() => res.destroy(), 20));
  },
  redirect: (_, res) =>
    res.writeHead(302, { Location: `https://pay.example.test/?card=${CARD}&to=bob%40example.com` }).end(),
  trailer: (_, res) => {
    res.writeHead(200, { ...JSON_TYPE, Trailer: 'X-Card' });
    res.write('[1]');
    res.addTrailers({ 'X-Card': CARD });
    res.end();
  },
  error: (_, res) =>
    res.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(`{"detail":"${CARD} was declined"}`),
};

let world: World;
const asked: IncomingMessage['headers'][] = [];

beforeAll(async () => {
  const tool = createServer((req, res) => {
    asked.push(req.headers);
    PLAYS[req.url?.split('/').at(-1) ?? '']?.(req, res);
  });
  world = await openWorld({ tool, ca: false, listeners: { proxy: { port: 0 } } });
});
beforeEach(() => {
  world.reset();
  asked.length = 0;
  world.evaluate = () => result('sanitize', { redact: REDACT });
});
afterAll(() => world.close());

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  trailers: NodeJS.Dict<string>;
  body: string;
  complete: boolean;
}

function ask(play: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = world.bound.proxy as { port: number };
    const request = get({ port, path: `/stripe-payments/v1/payment_intents/${play}`, headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (piece: string) => {
        text += piece;
      });
      res.on('error', () => undefined);
      res.on('close', () => {
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          trailers: res.trailers,
          body: text,
          complete: res.complete,
        });
      });
    });
    request.on('error', reject);
  });
}

test.each(['chunks', 'length', 'gzip', 'br'])('%s: no number reaches the agent, and all else does', async (play) => {
  const answer = await ask(play, { 'Accept-Encoding': 'gzip, br', Range: 'bytes=0-10', 'If-Range': '"v1"' });
  expect(answer).toMatchObject({ status: 200, body: clean, complete: true });
  for (const gone of ['content-length', 'content-encoding', 'digest', 'accept-ranges'])
    expect(answer.headers[gone]).toBeUndefined();
  if (play !== 'chunks') expect(answer.headers.etag).toBe('W/"v1"');
  expect(asked[0]).not.toHaveProperty('range');
  expect(asked[0]?.['accept-encoding']).toBe('identity');
});

test('a number that is spelled over events', async () => {
  const answer = await ask('tokens');
  const events = answer.body.split('\n\n').filter((event) => event !== '');
  const said = events.map((event) => JSON.parse(event.slice(6)).choices[0].delta.content).join('');
  expect(said).toBe('card [REDACTED], thanks');
  expect(answer.complete).toBe(true);
});

test.each(['image', 'part'])('%s: refused with a clean answer', async (play) => {
  const answer = await ask(play);
  expect(answer).toMatchObject({ status: 502, complete: true });
  expect(answer.body).not.toContain('PNG');
  expect(answer.body).not.toContain('1234');
});

test.each(['broken', 'cut'])('%s: breaks off, and looks so', async (play) => {
  const answer = await ask(play);
  expect(answer.complete && answer.status === 200).toBe(false);
  expect(answer.body).not.toContain(CARD.slice(0, 8));
});

test('redirects, trailers and errors are searched', async () => {
  expect((await ask('redirect')).headers.location).toMatch(/\?card=%5BREDACTED%5D&to=\*+\.com$/);
  expect(JSON.stringify((await ask('trailer')).trailers)).not.toContain(CARD);
  expect(await ask('error')).toMatchObject({ status: 400, body: '{"detail":"[REDACTED] was declined"}' });
});
