import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { readServerName } from '../../../gateway/capture/ways/client-hello.ts';

/** What a real TLS client sends first. */
async function realHello(servername: string): Promise<Buffer> {
  return new Promise((done) => {
    const server = createServer((socket) => {
      socket.once('data', (bytes: Buffer) => {
        socket.destroy();
        server.close();
        done(bytes);
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      connectTls({ port, host: '127.0.0.1', servername }).on('error', () => undefined);
    });
  });
}

let hello: Buffer;

beforeAll(async () => {
  hello = await realHello('api.example.com');
});

test('the name of a real handshake', async () => {
  expect(readServerName(hello)).toEqual({ host: 'api.example.com' });
  expect(readServerName(await realHello(''))).toEqual({ host: undefined });
});

test('every beginning of it is incomplete, never another name', () => {
  for (let size = 0; size < hello.length; size++) expect(readServerName(hello.subarray(0, size))).toBe('incomplete');
});

test('split over several records it is the same', () => {
  const content = hello.subarray(5);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: content.length - 1 }), (cut) => {
      const record = (part: Uint8Array): Buffer =>
        Buffer.concat([Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part]);
      const split = Buffer.concat([record(content.subarray(0, cut)), record(content.subarray(cut))]);
      expect(readServerName(split)).toEqual({ host: 'api.example.com' });
    }),
  );
});

test('damaged bytes give some answer, and never throw', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      (changes) => {
        const damaged = Buffer.from(hello);
        for (const [at, byte] of changes) damaged[at] = byte;
        const answer = readServerName(damaged);
        expect(typeof answer === 'string' || answer.host === undefined || /^[\w.-]+$/.test(answer.host)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});

test('two names are malformed', () => {
  const name = Buffer.from([0, 0, 0, 6, 0, 4, 0, 0, 1, 0x61]);
  const content = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.from([0, 0, 2, 0x13, 1, 1, 0, 0, 20]),
    name,
    name,
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0, 0, content.length]), content]);
  expect(readServerName(Buffer.concat([Buffer.from([0x16, 3, 1, 0, handshake.length]), handshake]))).toBe('malformed');
});
