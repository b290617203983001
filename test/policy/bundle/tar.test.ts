import fc from 'fast-check';
import { DEFAULT_LIMITS } from '../../../policy/bundle/limits.ts';
import { readTar, writeTar } from '../../../policy/bundle/tar.ts';
import { codeOf } from './fixtures.ts';

const read = (bytes: Uint8Array, limits = {}) => readTar(bytes, { ...DEFAULT_LIMITS, ...limits });
const files = new Map([
  ['a/data.json', Uint8Array.from({ length: 700 }, (_, i) => i)],
  ['.manifest', Uint8Array.of(1, 2, 3)],
  ['empty', new Uint8Array()],
]);
const tar = writeTar(files);

/** The first header with some bytes replaced and the checksum made right again. */
function forge(change: (header: Buffer) => void): Uint8Array {
  const bytes = Buffer.from(tar);
  const header = bytes.subarray(0, 512);
  change(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return new Uint8Array(bytes);
}

const renamed = (name: string) => forge((header) => header.fill(0, 0, 100).write(name, 0, 'latin1'));

test('round trip, sorted', () => {
  expect([...read(tar).keys()]).toEqual(['.manifest', 'a/data.json', 'empty']);
  expect(read(tar)).toEqual(files);
  expect(writeTar(new Map([...files].reverse()))).toEqual(tar);
  expect(tar.length % 512).toBe(0);
  expect(read(writeTar(new Map()))).toEqual(new Map());
});

test.each([
  '/etc/passwd',
  '../up',
  'a/../b',
  'a\\b',
  './.manifest',
  'a//b',
  'a/',
  'A/data.json',
  '.Manifest',
  'a/.',
  'C:x',
  'a b',
  'a\u00e9',
  '',
  '..',
  '.',
  'a/.hidden/../x',
])('refuses the name %j', (name) => {
  expect(codeOf(() => read(renamed(name)))).toBe('AEGIS_BUNDLE_PATH');
});

test('refuses what a C reader and a length-counting reader see as different names', () => {
  expect(codeOf(() => read(renamed('.manifest\0/evil')))).toBe('AEGIS_BUNDLE_CORRUPT');
});

test.each(['1', '2', '3', '4', '5', '6', '7', 'x', 'g', 'L', 'K', 'S', '\0', 'V'])('refuses the type %j', (type) => {
  expect(codeOf(() => read(forge((header) => header.write(type, 156, 'latin1'))))).toBe('AEGIS_BUNDLE_LINK');
});

test('refuses a prefix, other owners, times, modes, versions and sizes in other notations', () => {
  expect(codeOf(() => read(forge((header) => header.write('dir', 345))))).toBe('AEGIS_BUNDLE_PATH');
  const changes: ((header: Buffer) => void)[] = [
    (header) => header.write('0000777', 100),
    (header) => header.write('0000001', 108),
    (header) => header.write('00000000001', 136),
    (header) => header.write('ustar  \0', 257),
    (header) => header.write('root', 265),
    (header) => header.write('/etc/passwd', 157),
    (header) => header.write('         3 ', 124),
    (header) => header.write('\x80', 124, 'latin1'),
    (header) => header.write('x', 511),
  ];
  for (const change of changes) expect(codeOf(() => read(forge(change)))).toBe('AEGIS_BUNDLE_CORRUPT');
});

test('refuses duplicates and disorder', () => {
  const one = writeTar(new Map([['a', Uint8Array.of(1)]])).subarray(0, 1024);
  const two = writeTar(new Map([['b', Uint8Array.of(2)]])).subarray(0, 1024);
  const end = new Uint8Array(1024);
  const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  expect([...read(join(one, two, end)).keys()]).toEqual(['a', 'b']);
  expect(codeOf(() => read(join(one, one, end)))).toBe('AEGIS_BUNDLE_FILE_DUPLICATE');
  expect(codeOf(() => read(join(one, two, one, end)))).toBe('AEGIS_BUNDLE_FILE_DUPLICATE');
  expect(codeOf(() => read(join(two, one, end)))).toBe('AEGIS_BUNDLE_CORRUPT');
});

test('refuses a wrong checksum, hidden bytes and trailing garbage', () => {
  const flipped = Uint8Array.from(tar);
  flipped[0] = 0x61;
  expect(codeOf(() => read(flipped))).toBe('AEGIS_BUNDLE_CORRUPT');
  const padding = Uint8Array.from(tar);
  padding[512 + 10] = 1;
  expect(codeOf(() => read(padding))).toBe('AEGIS_BUNDLE_CORRUPT');
  for (const extra of [new Uint8Array(1), new Uint8Array(512), tar]) {
    expect(codeOf(() => read(new Uint8Array(Buffer.concat([tar, extra]))))).toBe('AEGIS_BUNDLE_CORRUPT');
  }
});

test('refuses truncation everywhere', () => {
  for (let length = 0; length < tar.length; length++) {
    expect(codeOf(() => read(tar.subarray(0, length)))).toBe('AEGIS_BUNDLE_TRUNCATED');
  }
});

test('keeps the limits', () => {
  expect(codeOf(() => read(tar, { maxFiles: 2 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  expect(codeOf(() => read(tar, { maxFileBytes: 699 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  expect(codeOf(() => read(tar, { maxTotalBytes: 702 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  const huge = forge((header) => header.write('77777777777', 124));
  expect(codeOf(() => read(huge))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  expect(codeOf(() => read(huge, { maxFileBytes: 1e12, maxTotalBytes: 1e12 }))).toBe('AEGIS_BUNDLE_TRUNCATED');
});

test('any other byte in the archive gives an error or other content, never the same', () => {
  fc.assert(
    fc.property(fc.nat(tar.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Uint8Array.from(tar);
      changed[at] = (changed[at] as number) ^ mask;
      if (codeOf(() => read(changed)) === 'none') expect(read(changed)).not.toEqual(files);
    }),
    { numRuns: 3000 },
  );
});
