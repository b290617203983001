import fc from 'fast-check';
import {
  ADDRESS,
  DURATION,
  integer,
  LISTENER,
  mapOf,
  NAME,
  PAIRS,
  SIZE,
  url,
} from '../../../runtime/settings/value-types.ts';

test.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
  ['0', 0],
])('duration %s', (text, ms) => {
  expect(DURATION.fromText(text)).toBe(ms);
  expect(DURATION.fromText(DURATION.toText(ms))).toBe(ms);
});

test.each(['', '5', '-1s', '1.5s', '1 s', '01s', '1S', '9999999999999d', '1s '])('no duration: %j', (text) => {
  expect(DURATION.fromText(text)).toBeUndefined();
});

test('durations and sizes read back what they write', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (value) => {
      expect(DURATION.fromText(DURATION.toText(value))).toBe(value);
      expect(SIZE.fromText(SIZE.toText(value))).toBe(value);
    }),
  );
});

test('sizes are binary, with their unit', () => {
  expect(SIZE.fromText('64KiB')).toBe(65_536);
  expect(SIZE.toText(65_536)).toBe('64KiB');
  expect(SIZE.fromText('64KB')).toBeUndefined();
  expect(SIZE.fromValue(65_536)).toBeUndefined();
});

test('addresses', () => {
  expect(ADDRESS.fromText('[::1]:80')).toEqual({ host: '::1', port: 80 });
  expect(ADDRESS.toText({ host: '::1', port: 80 })).toBe('[::1]:80');
  expect(ADDRESS.fromText('localhost:0')).toEqual({ host: 'localhost', port: 0 });
  expect(LISTENER.fromText('off')).toBe('off');
  for (const text of ['', '80', ':80', 'a:', 'a:65536', 'http://a:80', '::1:80', 'a b:1']) {
    expect(ADDRESS.fromText(text)).toBeUndefined();
  }
});

test('URLs hold no credentials', () => {
  const type = url('https');
  expect(type.fromText('https://h/x')?.href).toBe('https://h/x');
  for (const text of ['http://h', 'https://u@h', 'https://u:p@h', 'h', 'https:', '']) {
    expect(type.fromText(text)).toBeUndefined();
  }
  expect(url('redis', 'unix').fromText('unix:///run/s?db=1')?.pathname).toBe('/run/s');
});

test('names, integers and maps', () => {
  expect(NAME.fromText('a.b-c')).toBe('a.b-c');
  for (const text of ['', 'A', '-a', 'a-', 'a_b', '__proto__']) expect(NAME.fromText(text)).toBeUndefined();
  const number = integer(1, 5);
  expect(['1', '5', '6', '0', '01', '1e0', ' 1', ''].map(number.fromText)).toEqual([1, 5, ...Array(6).fill(undefined)]);
  expect(number.fromValue('1')).toBeUndefined();
  const map = mapOf(number, 'tool');
  expect(map.fromText('a=1,a=2')).toBeUndefined();
  expect(map.fromText('a')).toBeUndefined();
  expect(map.fromValue(['a'])).toBeUndefined();
  expect(map.fromText('')).toEqual(new Map());
});

test('pairs have semicolons between them, and values with commas', () => {
  expect(PAIRS.fromText('cpu=10m; memory=64Mi;')).toEqual(new Map(Object.entries({ cpu: '10m', memory: '64Mi' })));
  expect(PAIRS.fromText('upstream.allowPrivate=10.0.0.0/8,fd00::/8')?.get('upstream.allowPrivate')).toContain(',');
  expect(PAIRS.fromText('url=http://h/?a=b')?.get('url')).toBe('http://h/?a=b');
  expect(PAIRS.fromText('')).toEqual(new Map());
  for (const text of ['a', '=b', 'a=', 'a=1; a=2', 'a b=1']) expect(PAIRS.fromText(text)).toBeUndefined();
  expect(PAIRS.fromValue({ a: 'b;c' })).toBeUndefined();
  expect(PAIRS.fromValue({ a: 1 })).toBeUndefined();
  const map = new Map(Object.entries({ a: '1,2', b: 'x' }));
  expect(PAIRS.fromText(PAIRS.toText(map))).toEqual(map);
});
