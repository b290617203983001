import fc from 'fast-check';
import { LineSplitter } from '../../../operator/kube/line-splitter.ts';

function split(pieces: Buffer[], max = 1000): string[] {
  const splitter = new LineSplitter(max);
  const lines = pieces.flatMap((piece) => [...splitter.push(piece)]);
  if (splitter.pending > 0) lines.push(`pending ${splitter.pending}`);
  return lines;
}

test('the same lines wherever the stream is cut in two', () => {
  const text = Buffer.from('{"a":"ä€🙂"}\n\n{"b":2}\r\n{"c":"\\n"}\n', 'utf8');
  const whole = split([text]);
  expect(whole).toEqual(['{"a":"ä€🙂"}', '{"b":2}\r', '{"c":"\\n"}']);
  for (let at = 0; at <= text.length; at++) expect(split([text.subarray(0, at), text.subarray(at)])).toEqual(whole);
  expect(split([...text].map((byte) => Buffer.of(byte)))).toEqual(whole);
});

test('the same lines however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 20 }).map((line) => line.replaceAll('\n', ' '))),
      fc.array(fc.nat(200)),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8');
        const points = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        );
        const pieces = points.slice(1).map((end, index) => bytes.subarray(points[index], end));
        const expected = lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'utf8').toString('utf8'));
        expect(split(pieces)).toEqual(expected);
      },
    ),
  );
});

test('what has not ended is pending', () => {
  expect(split([Buffer.from('a\nbc')])).toEqual(['a', 'pending 2']);
});

test('a line has a greatest length, in one piece or in many', () => {
  expect(split([Buffer.from('abc\n')], 3)).toEqual(['abc']);
  expect(() => split([Buffer.from('abcd\n')], 3)).toThrow(RangeError);
  expect(() => split([Buffer.from('ab'), Buffer.from('cd')], 3)).toThrow(RangeError);
});

test('three megabytes in small pieces take no time', () => {
  const piece = Buffer.alloc(1024, 'x');
  const splitter = new LineSplitter(32 * 1024 * 1024);
  const began = performance.now();
  for (let i = 0; i < 30_000; i++) for (const _ of splitter.push(piece)) throw new Error('no line has ended');
  expect([...splitter.push(Buffer.from('\n'))][0]).toHaveLength(30_000 * 1024);
  expect(performance.now() - began).toBeLessThan(2_000);
});
