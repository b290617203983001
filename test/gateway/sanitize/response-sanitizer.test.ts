import { once } from 'node:events';
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import fc from 'fast-check';
import type { ResponseHead } from '../../../gateway/sanitize/response-sanitizer.ts';
import { createResponseSanitizer, WITHHELD_REQUEST_HEADERS } from '../../../gateway/sanitize/response-sanitizer.ts';
import type { RedactObligation } from '../../../policy/decision/types.ts';
import { detect, hash, sanitize, send, start } from './run-sanitizer.ts';
import { CARD, cut, pieceLengths } from './samples.ts';

const cards = detect('payment-card');
const json = 'application/json';

function headers(fields: ResponseHead['headers'], more: Partial<ResponseHead> = {}, redactions = cards) {
  const started = start(redactions, { headers: { 'content-type': json, ...fields }, ...more });
  return started.kind === 'stream' ? started.headers : started;
}

// --- which responses

test('without response changes nothing is touched', () => {
  expect(start([]).kind).toBe('unchanged');
  expect(start([{ param: 'memo', op: 'redact' }]).kind).toBe('unchanged');
});

test.each([
  [{ detector: 'payment-cards', op: 'redact' }],
  [{ pointer: 'a/b', op: 'drop' }],
  [{ pointer: '/a~2', op: 'drop' }],
] as [RedactObligation][])('what cannot be carried out is refused: %j', (change) => {
  expect(start([...cards, change], { headers: { 'content-type': json } })).toMatchObject({
    kind: 'refused',
    code: 'AEGIS_UNKNOWN_DETECTOR',
  });
});

test.each([
  'image/png',
  'application/octet-stream',
  'application/pdf',
  'multipart/mixed; boundary=x',
  'multipart/byteranges; boundary=x',
  'application/grpc',
  'application/vnd.ms-excel',
  'application/zip',
  'json',
  'text/plain; charset=utf-16',
  'text/html; charset=shift_jis',
  'application/json; charset=utf-7',
  'text/plain; charset=utf-8; charset=utf-16',
  '',
])('content of type %j is refused, and passes where there is none', (type) => {
  const more = { 'content-length': '5' };
  expect(start(cards, { headers: { 'content-type': type, ...more } })).toMatchObject({
    kind: 'refused',
    code: 'AEGIS_RESPONSE_TYPE',
  });
  expect(start(cards, { headers: { 'content-type': type, 'content-length': '0' } }).kind).toBe('stream');
  expect(start(cards, { method: 'HEAD', headers: { 'content-type': type, ...more } }).kind).toBe('stream');
  expect(start(cards, { status: 304, headers: { 'content-type': type } }).kind).toBe('stream');
  expect(start(cards, { status: 204, headers: {} }).kind).toBe('stream');
});

test('content without a type breaks off at its first byte; no content is fine', async () => {
  expect(await send(start(cards, { headers: {} }), [])).toEqual({ body: '' });
  expect(await send(start(cards, { headers: {} }), ['x'])).toEqual({ body: '', code: 'AEGIS_RESPONSE_TYPE' });
  expect(await send(start(cards, { status: 204 }), ['x'])).toEqual({ body: '', code: 'AEGIS_RESPONSE_TYPE' });
});

test.each([
  [206, { 'content-range': 'bytes 0-4/10' }],
  [206, {}],
  [200, { 'content-range': 'bytes 0-4/10' }],
  [226, { im: 'vcdiff' }],
  [101, {}],
])('a part is refused: %j %j', (status, fields) => {
  expect(start(cards, { status, headers: { 'content-type': json, ...fields } })).toMatchObject({
    kind: 'refused',
    code: 'AEGIS_RESPONSE_PARTIAL',
  });
});

test('a pointer cannot be followed in text', () => {
  const both: RedactObligation[] = [...cards, { pointer: '/a', op: 'redact' }];
  expect(start(both, { headers: { 'content-type': 'text/html' } })).toMatchObject({
    kind: 'refused',
    code: 'AEGIS_RESPONSE_TYPE',
  });
  expect(start(both, { headers: { 'content-type': 'application/problem+json' } }).kind).toBe('stream');
});

test.each(['gzip, br', 'compress', 'aws-chunked', 'gzip;q=1', 'exi'])('Content-Encoding %j is refused', (encoding) => {
  expect(start(cards, { headers: { 'content-type': json, 'content-encoding': encoding } })).toMatchObject({
    kind: 'refused',
    code: 'AEGIS_RESPONSE_ENCODING',
  });
  const twice = { 'content-type': json, 'content-encoding': ['gzip', 'gzip'] };
  expect(start(cards, { headers: twice })).toMatchObject({ kind: 'refused', code: 'AEGIS_RESPONSE_ENCODING' });
});

// --- the head

test('fields that would be untrue are left out, and a tag is weak', () => {
  const digests = {
    digest: 'x',
    'content-digest': 'x',
    'repr-digest': 'x',
    'content-md5': 'x',
    signature: 'x',
    'signature-input': 'x',
    'x-amz-checksum-sha256': 'x',
    'x-goog-hash': 'x',
  };
  const sent = {
    'content-length': '10',
    'content-encoding': 'gzip',
    'accept-ranges': 'bytes',
    etag: '"abc"',
    ...digests,
  };
  const kept = {
    'last-modified': 'Sat, 22 Nov 2025 08:00:00 GMT',
    'x-request-id': 'req_1',
    date: 'Sat, 22 Nov 2025 08:00:00 GMT',
  };
  expect(headers({ ...sent, ...kept })).toEqual({ 'content-type': json, etag: 'W/"abc"', ...kept });
  expect(headers({ etag: 'W/"1"' })).toEqual({ 'content-type': json, etag: 'W/"1"' });
  expect(headers({ 'content-length': '10', 'content-range': 'bytes */10' }, { status: 416 })).toEqual({
    'content-type': json,
  });
  expect(headers({ 'content-length': '10', etag: '"a"' }, { method: 'HEAD' })).toEqual({
    'content-type': json,
    etag: 'W/"a"',
  });
});

test('data in fields are changed', () => {
  const all = detect('payment-card', 'email', 'secret', 'mrn');
  expect(
    headers(
      {
        location: 'https://example.com/?to=bob%40example.com&card=4242424242424242',
        link: '<https://example.com/u/bob@example.com>; rel="next"',
        'set-cookie': ['mail=bob@example.com; Path=/', 'a=b'],
        'content-disposition': 'attachment; filename="4242 4242 4242 4242.pdf"',
        'x-api-key': 'abcdefgh',
        'x-patient-mrn': '123456',
        etag: '"bob@example.com"',
      },
      { status: 302 },
      all,
    ),
  ).toEqual({
    'content-type': json,
    location: 'https://example.com/?to=%5BREDACTED%5D&card=%5BREDACTED%5D',
    link: '<https://example.com/u/%5BREDACTED%5D>; rel="next"',
    'set-cookie': ['mail=[REDACTED]; Path=/', 'a=b'],
    'content-disposition': 'attachment; filename="[REDACTED].pdf"',
    'x-api-key': '[REDACTED]',
    'x-patient-mrn': '[REDACTED]',
    etag: 'W/"[REDACTED]"',
  });
});

test('trailers are changed as well', () => {
  const started = start(cards, { headers: { 'content-type': json } });
  if (started.kind !== 'stream') throw new Error(started.kind);
  expect(started.trailers({ 'x-card': CARD, digest: 'x', 'server-timing': 'db;dur=1' })).toEqual({
    'x-card': '[REDACTED]',
    'server-timing': 'db;dur=1',
  });
});

test('what asks for a part or a coding is withheld from the tool', () => {
  for (const name of ['range', 'if-range', 'accept-encoding']) expect(WITHHELD_REQUEST_HEADERS.has(name)).toBe(true);
});

// --- formats

test.each([
  [json, `{"a":"${CARD}"}`, '{"a":"[REDACTED]"}'],
  ['application/fhir+json; charset=UTF-8', `[${CARD}]`, '["[REDACTED]"]'],
  ['application/x-ndjson', `{"a":"${CARD}"}\n{}\n`, '{"a":"[REDACTED]"}\n{}\n'],
  ['application/x-www-form-urlencoded', `a=${CARD}`, 'a=%5BREDACTED%5D'],
  ['text/event-stream', `data: ${CARD}\n\n`, 'data: [REDACTED]\n\n'],
  ['text/csv', `a,${CARD}\r\nb,2\r\n`, 'a,[REDACTED]\r\nb,2\r\n'],
  ['application/xml', `<c n="${CARD}"/>`, '<c n="[REDACTED]"/>'],
  ['image/svg+xml', `<text>${CARD}</text>`, '<text>[REDACTED]</text>'],
])('%s', async (type, body, expected) => {
  expect(await sanitize(cards, type, body)).toEqual({ body: expected });
});

test('characters of one byte pass as they are', async () => {
  const body = Buffer.from(`caf\xe9 ${CARD} \xa3\xff`, 'latin1');
  const answer = start(cards, { headers: { 'content-type': 'text/plain; charset=ISO-8859-1' } });
  if (answer.kind !== 'stream') throw new Error(answer.kind);
  const chunks: Buffer[] = [];
  for (const byte of body) answer.stream.write(Buffer.from([byte]));
  answer.stream.end();
  for await (const chunk of answer.stream) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString('latin1')).toBe('caf\xe9 [REDACTED] \xa3\xff');
});

test.each([
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['UTF-16', Buffer.from(`"${CARD}"`, 'utf16le')],
  ['half a character', Buffer.from([0x22, 0x22, 0x20, 0xe2, 0x82])],
])('%s stops', async (_, body) => {
  for (const type of [json, 'text/plain', 'text/event-stream']) {
    for (const lengths of [[100], [1]]) {
      const answer = await sanitize(cards, type, cut(body, lengths));
      expect(answer.code).toBe('AEGIS_RESPONSE_MALFORMED');
      expect(answer.body).not.toContain(CARD);
    }
  }
});

// --- transport

const ENCODERS: Record<string, (body: Buffer) => Buffer> = {
  gzip: (body) => gzipSync(body),
  'x-gzip': (body) => gzipSync(body, { level: 0 }),
  deflate: (body) => deflateSync(body),
  br: (body) => brotliCompressSync(body),
  zstd: (body) => zstdCompressSync(body),
};

function encoded(encoding: string, redactions = cards, type = json) {
  return start(redactions, { headers: { 'content-type': type, 'content-encoding': encoding } });
}

test.each(Object.keys(ENCODERS))('%s is undone, in whatever pieces it comes, and damage stops it', async (encoding) => {
  const plain = JSON.stringify(Array.from({ length: 50 }, (_, index) => ({ index, card: CARD, note: `€ ${index}` })));
  const expected = plain.replaceAll(CARD, '[REDACTED]');
  const body = (ENCODERS[encoding] as (body: Buffer) => Buffer)(Buffer.from(plain));
  for (const lengths of [[1], [7, 100], [1 << 20]])
    expect(await send(encoded(encoding), cut(body, lengths))).toEqual({ body: expected });
  for (let length = 1; length < body.length; length += Math.ceil(body.length / 40)) {
    const { body: sent, code } = await send(encoded(encoding), [body.subarray(0, length)]);
    expect(code).toBe('AEGIS_RESPONSE_ENCODING');
    expect(expected.startsWith(sent)).toBe(true);
    expect(sent).not.toContain(CARD);
  }
  expect((await send(encoded(encoding), [plain])).code).toBe('AEGIS_RESPONSE_ENCODING');
});

test('raw deflate is not what the name means', async () => {
  expect((await send(encoded('deflate'), [deflateRawSync(`["${CARD}"]`)])).code).toBe('AEGIS_RESPONSE_ENCODING');
});

test('a card number over two compression blocks', async () => {
  for (const flush of [constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH]) {
    for (let at = 0; at <= CARD.length; at += 1) {
      const blocks: Buffer[] = [];
      const gzip = createGzip({ flush });
      gzip.on('data', (block: Buffer) => blocks.push(block));
      for (const part of [`["card ${CARD.slice(0, at)}`, `${CARD.slice(at)} end"]`]) {
        await new Promise<void>((resolve) => gzip.write(part, () => gzip.flush(flush, resolve)));
      }
      gzip.end();
      await once(gzip, 'end');
      expect(await send(encoded('gzip'), blocks)).toEqual({ body: '["card [REDACTED] end"]' });
    }
  }
});

test('a bomb stops', async () => {
  const bomb = brotliCompressSync(Buffer.alloc(64 << 20, 0x20), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  const started = encoded('br', cards, 'text/plain');
  if (started.kind !== 'stream') throw new Error(started.kind);
  let size = 0;
  const code = await new Promise((resolve) => {
    started.stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    started.stream.on('error', (error: Error & { code?: string }) => resolve(error.code));
    started.stream.end(bomb);
  });
  expect(code).toBe('AEGIS_RESPONSE_ENCODING');
  expect(size).toBeLessThan(20 << 20);
});

test('what the reader does not take is not read on', async () => {
  for (const encoding of ['identity', 'gzip']) {
    const started = encoded(encoding, cards, 'text/plain');
    if (started.kind !== 'stream') throw new Error(started.kind);
    const block =
      encoding === 'gzip' ? gzipSync(Buffer.alloc(1 << 16, 'word '), { level: 0 }) : Buffer.alloc(1 << 16, 'word ');
    let taken = 0;
    while (taken < 1000 && started.stream.write(block)) taken += 1;
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBeLessThan(20);
    started.stream.destroy();
  }
});

// --- nothing leaves that must not

test('truncation at every byte never lets an unredacted value out, nor looks complete', async () => {
  const body = Buffer.from(`{"id":1,"card":"4242 4242 4242 4242","mail":"bob@example.com","list":[${CARD}]}`);
  const all = detect('payment-card', 'email');
  for (let length = 1; length < body.length; length += 1) {
    const { body: sent, code } = await sanitize(all, json, body.subarray(0, length));
    expect(code).toBe('AEGIS_RESPONSE_MALFORMED');
    expect(sent).not.toMatch(/4242 4242 4242 4242|4242424242424242|bob@/);
  }
});

const secrets = [
  '4242 4242 4242 4242',
  CARD,
  'bob@example.com',
  '219-09-9998',
  'DE89370400440532013000',
  'sk_live_abcdefghijklmnop1234',
];
const all = detect('payment-card', 'email', 'us-ssn', 'iban', 'secret');
const prose = fc
  .array(
    fc.oneof(
      fc.constantFrom(...secrets),
      fc.lorem({ maxCount: 3 }),
      fc.constantFrom(', ', '; ', '\n', ' € ', ' 😀 ', '"'),
    ),
  )
  .map((parts) => parts.join(' , '));

test.each([
  ['text/plain', (texts: string[]) => texts.join('\n')],
  [json, (texts: string[]) => JSON.stringify({ texts, nested: [{ texts }] })],
  ['application/x-ndjson', (texts: string[]) => texts.map((value) => `${JSON.stringify(value)}\n`).join('')],
  [
    'application/x-www-form-urlencoded',
    (texts: string[]) => new URLSearchParams(texts.map((value): [string, string] => ['t', value])).toString(),
  ],
  ['text/event-stream', (texts: string[]) => texts.map((value) => `data: ${JSON.stringify({ value })}\n\n`).join('')],
])('%s: planted data never leave, whatever the pieces and the encoding', async (type, write) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(prose, { maxLength: 4 }),
      pieceLengths,
      fc.constantFrom('identity', ...Object.keys(ENCODERS)),
      async (texts, lengths, encoding) => {
        const body = Buffer.from(write(texts));
        const sent = encoding === 'identity' ? body : (ENCODERS[encoding] as (body: Buffer) => Buffer)(body);
        const pieces =
          sent.length > 2000
            ? cut(
                sent,
                lengths.map((length) => length * 50),
              )
            : cut(sent, lengths);
        const answer = await send(encoded(encoding, all, type), pieces);
        expect(answer.code).toBeUndefined();
        const read = decodeURIComponent(answer.body.replaceAll('+', ' ').replaceAll(/%(?![0-9A-F]{2})/g, '%25'));
        for (const secret of secrets) expect(read).not.toContain(secret);
        expect(answer).toEqual(await sanitize(all, type, body));
      },
    ),
    { numRuns: 60 },
  );
});

// --- silence

test('an event stream that pauses holds nothing back for long, and never half a number', async () => {
  const started = start(cards, { headers: { 'content-type': 'text/event-stream' } });
  if (started.kind !== 'stream') throw new Error(started.kind);
  const { stream } = started;
  const next = (): Promise<string> =>
    new Promise((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  stream.write('data: {"result":"room 42"}\n\n');
  expect(await next()).toBe('data: {"result":"room 42"}\n\n');
  stream.write('data: {"result":"card 4242 4242 4242 42"}\n\n');
  expect(await next()).toBe('data: {"result":"card [REDACTED]"}\n\n');
  stream.destroy();
});

test('the op hash uses the digest of the host', async () => {
  expect(await sanitize([{ detector: 'email', op: 'hash' }], 'text/plain', 'to bob@example.com.')).toEqual({
    body: `to ${hash('bob@example.com')}.`,
  });
  expect(createResponseSanitizer([], { hash }).start({ method: 'GET', status: 200, headers: {} }).kind).toBe(
    'unchanged',
  );
});
