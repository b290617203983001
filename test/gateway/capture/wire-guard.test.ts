import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { WireGuard } from '../../../gateway/capture/http/wire-guard.ts';

const HEAD = 'POST /x HTTP/1.1\r\nHost: a\r\n';

function request(headers: Record<string, string>): IncomingMessage {
  return { method: 'POST', url: '/x', httpVersion: '1.1', headers } as unknown as IncomingMessage;
}

interface Message {
  wire: string;
  headers: Record<string, string>;
}

const body = fc.string({ unit: 'binary-ascii', maxLength: 40 });

const plain: fc.Arbitrary<Message> = fc.constant({ wire: `${HEAD}\r\n`, headers: {} });
const measured: fc.Arbitrary<Message> = body.map((text) => ({
  wire: `${HEAD}Content-Length: ${text.length}\r\n\r\n${text}`,
  headers: { 'content-length': String(text.length) },
}));
const chunked: fc.Arbitrary<Message> = fc.array(body.filter((text) => text.length > 0)).map((chunks) => ({
  wire: `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('')}0\r\n\r\n`,
  headers: { 'transfer-encoding': 'chunked' },
}));
const messages = fc.array(fc.oneof(plain, measured, chunked), { minLength: 1, maxLength: 4 });

/** Feeds the wire in pieces as a server would: the parser tells of a request once its head has come. */
function feed(all: readonly Message[], cuts: readonly number[]): string | undefined {
  const wire = all.map((message) => message.wire).join('');
  const heads: { end: number; message: Message }[] = [];
  let start = 0;
  for (const message of all) {
    heads.push({ end: start + message.wire.indexOf('\r\n\r\n') + 4, message });
    start += message.wire.length;
  }
  let told: string | undefined;
  const guard = new WireGuard((reason) => {
    told = reason;
  });
  const ends = [...new Set([...cuts.map((cut) => cut % (wire.length + 1)), wire.length])].sort((a, b) => a - b);
  let from = 0;
  for (const to of ends) {
    guard.push(Buffer.from(wire.slice(from, to), 'latin1'));
    from = to;
    while (heads[0] !== undefined && heads[0].end <= to) guard.begin(request(heads.shift()?.message.headers ?? {}));
  }
  expect(guard.violation).toBe(told);
  return guard.violation;
}

test('whatever is plainly framed passes, however it is cut into packets', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(), { maxLength: 12 }), (all, cuts) => {
      expect(feed(all, cuts)).toBeUndefined();
    }),
  );
});

test('one byte that does not belong into the framing of chunks is never missed, wherever packets end', () => {
  const wire = `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  const start = wire.indexOf('\r\n\r\n') + 4;
  // Size, its line end, the line end of the data, the last chunk.
  const places = [0, 1, 2, 6, 7, 8, 9, 10, 11, 12].map((offset) => start + offset);
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.integer({ min: 0, max: 255 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (place, byte, cuts) => {
        const letter = String.fromCharCode(byte);
        fc.pre(letter !== wire[place] && !/[0-9a-f]/i.test(letter));
        const broken = {
          wire: wire.slice(0, place) + letter + wire.slice(place + 1),
          headers: { 'transfer-encoding': 'chunked' },
        };
        expect(feed([broken], cuts)).toBeDefined();
      },
    ),
  );
});

test('a request that begins where the guard does not expect one is refused', () => {
  const told: string[] = [];
  const guard = new WireGuard((reason) => told.push(reason));
  guard.push(Buffer.from(`${HEAD}Content-Length: 10\r\n\r\nabc`));
  guard.begin(request({ 'content-length': '10' }));
  expect(guard.violation).toBeUndefined();
  guard.begin(request({}));
  expect(guard.violation).toMatch(/before the one ahead/);
  expect(told).toHaveLength(1);
});

test('after stop nothing is read', () => {
  const guard = new WireGuard(() => undefined);
  guard.stop();
  guard.push(Buffer.from('anything'));
  guard.begin(request({}));
  expect(guard.violation).toBeUndefined();
});
