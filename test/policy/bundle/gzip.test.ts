import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { crc32, gunzip, gzip } from '../../../policy/bundle/gzip.ts';
import { DEFAULT_LIMITS } from '../../../policy/bundle/limits.ts';
import { codeOf } from './fixtures.ts';

const open = (bytes: Uint8Array, limits = DEFAULT_LIMITS) => gunzip(bytes, limits);
const plain = new TextEncoder().encode('a policy is a policy is a policy; '.repeat(200));

test('round trip, also through zlib', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      const packed = gzip(bytes);
      expect(open(packed)).toEqual(bytes);
      expect(new Uint8Array(gunzipSync(packed))).toEqual(bytes);
      expect(gzip(bytes)).toEqual(packed);
    }),
  );
});

test('opens what zlib deflates, at every level', () => {
  for (const level of [0, 1, 6, 9]) {
    const bytes = frame(deflateRawSync(plain, { level }), plain);
    expect(open(bytes)).toEqual(plain);
  }
});

test('refuses every header but the one that we write', () => {
  const packed = gzip(plain);
  for (let i = 0; i < 10; i++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Uint8Array.from(packed);
      changed[i] = (changed[i] as number) ^ (1 << bit);
      expect(codeOf(() => open(changed))).toBe('AEGIS_BUNDLE_CORRUPT');
    }
  }
  expect(codeOf(() => open(new Uint8Array(gzipSync(plain, { level: 9 }))))).toBe('AEGIS_BUNDLE_CORRUPT');
});

test('refuses truncation everywhere', () => {
  const packed = gzip(plain);
  for (let length = 0; length < packed.length; length++) {
    const code = codeOf(() => open(packed.subarray(0, length)));
    expect(['AEGIS_BUNDLE_TRUNCATED', 'AEGIS_BUNDLE_CORRUPT']).toContain(code);
  }
  expect(codeOf(() => open(new Uint8Array()))).toBe('AEGIS_BUNDLE_TRUNCATED');
  expect(codeOf(() => open(packed.subarray(0, 20)))).toBe('AEGIS_BUNDLE_TRUNCATED');
  expect(codeOf(() => open(packed.subarray(0, packed.length - 1)))).toBe('AEGIS_BUNDLE_TRUNCATED');
});

test('refuses a second member and anything behind the stream, even with a fitting trailer', () => {
  const packed = gzip(plain);
  expect(codeOf(() => open(Buffer.concat([packed, packed])))).toBe('AEGIS_BUNDLE_CORRUPT');
  expect(codeOf(() => open(Buffer.concat([packed, Buffer.from('x')])))).toBe('AEGIS_BUNDLE_CORRUPT');
  const body = packed.subarray(10, packed.length - 8);
  for (const extra of [Buffer.alloc(1), Buffer.from('hidden'), Buffer.alloc(20_000)]) {
    expect(codeOf(() => open(frame(Buffer.concat([body, extra]), plain)))).toBe('AEGIS_BUNDLE_CORRUPT');
  }
});

test('refuses set bits behind the last code', () => {
  // one fixed-Huffman block with no content takes 10 bits; the other 6 must be zero
  expect(open(frame(Buffer.from([0x03, 0x00]), new Uint8Array()))).toEqual(new Uint8Array());
  expect(codeOf(() => open(frame(Buffer.from([0x03, 0x80]), new Uint8Array())))).toBe('AEGIS_BUNDLE_CORRUPT');
});

test('refuses a wrong checksum or length', () => {
  const packed = gzip(plain);
  for (let i = packed.length - 8; i < packed.length; i++) {
    const changed = Uint8Array.from(packed);
    changed[i] = (changed[i] as number) ^ 1;
    expect(codeOf(() => open(changed))).toBe('AEGIS_BUNDLE_CORRUPT');
  }
});

test('stops a decompression bomb early', () => {
  const bomb = gzip(new Uint8Array(300 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(400_000);
  const before = process.memoryUsage().arrayBuffers;
  expect(codeOf(() => open(bomb, { ...DEFAULT_LIMITS, maxTotalBytes: 1024 * 1024 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  expect(codeOf(() => open(bomb))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  expect(codeOf(() => open(bomb, { ...DEFAULT_LIMITS, maxArchiveBytes: 1000 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
});

test('hostile streams end in an AegisError, never in another exception or a hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 400 }), (body) => {
      const code = codeOf(() => open(frame(body, new Uint8Array())));
      expect(['none', 'AEGIS_BUNDLE_CORRUPT', 'AEGIS_BUNDLE_TRUNCATED']).toContain(code);
    }),
    { numRuns: 3000 },
  );
});

test('crc32 of the check string', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});

/** A gzip member in our form around a deflate stream. */
function frame(body: Uint8Array, content: Uint8Array): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  return new Uint8Array(Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), body, trailer]));
}
