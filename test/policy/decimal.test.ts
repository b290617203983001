import fc from 'fast-check';
import {
  addDecimal,
  compareDecimal,
  type Decimal,
  formatDecimal,
  isDecimalString,
  normalizeDecimal,
  parseDecimal,
  scaleDecimal,
  toJsonNumber,
} from '../../policy/decimal.ts';
import { NumberLiteral } from '../../policy/number-literal.ts';

const parsed = (value: unknown) => parseDecimal(value) as Decimal;

describe('parseDecimal', () => {
  test.each([
    [5000, '5000'],
    [-0, '0'],
    [0.1, '0.1'],
    [1e21, '1000000000000000000000'],
    [1e-7, '0.0000001'],
    ['-12.50', '-12.5'],
    ['007', '7'],
    ['0.000', '0'],
    ['9223372036854775807', '9223372036854775807'],
    [new NumberLiteral('1.50e3'), '1500'],
    [new NumberLiteral('-0.0'), '0'],
  ])('%p is %s', (value, text) => {
    expect(formatDecimal(parsed(value))).toBe(text);
  });

  test.each([
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [1e300],
    [5e-324],
    ['1e3'],
    ['.5'],
    ['1.'],
    ['+1'],
    [' 1'],
    ['1\n'],
    [''],
    ['1,000'],
    ['١'],
    ['9223372036854775808'],
    ['1234567890.123456789'],
    ['0'.repeat(65)],
    [new NumberLiteral('1e999999')],
    [new NumberLiteral('1e99')],
    [null],
    [undefined],
    [true],
    [[1]],
    [10n],
  ])('%p is no decimal', (value) => {
    expect(parseDecimal(value)).toBeUndefined();
  });
});

describe('compareDecimal', () => {
  test.each([
    ['0.1', '0.10', 0],
    [100, '100.00', 0],
    ['9007199254740993', '9007199254740992', 1],
    ['0.3', 0.1, 1],
    ['-1', '-0.5', -1],
    [new NumberLiteral('1e2'), 99.99, 1],
    ['abc', 1, Number.NaN],
  ])('%p and %p: %p', (left, right, expected) => {
    expect(compareDecimal(left, right)).toBe(expected);
  });

  test('orders integers as integers, at any scale', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.integer({ min: -9, max: 9 }), (a, b, power) => {
        const scale = (value: number) => scaleDecimal(parsed(value), power) as Decimal;
        expect(compareDecimal(scale(a), scale(b))).toBe(Math.sign(a - b));
      }),
    );
  });
});

describe('scaleDecimal and addDecimal', () => {
  test('turn minor units into units and back', () => {
    expect(formatDecimal(scaleDecimal(parsed(499_900), -2) as Decimal)).toBe('4999');
    expect(formatDecimal(scaleDecimal(parsed(1), -3) as Decimal)).toBe('0.001');
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 6 }), (minor, power) => {
        const units = scaleDecimal(parsed(minor), -power) as Decimal;
        expect(scaleDecimal(units, power)).toEqual(parsed(minor));
      }),
    );
  });

  test('say so when the result would not be exact', () => {
    expect(scaleDecimal(parsed(1), 31)).toBeUndefined();
    expect(scaleDecimal(parsed(0), 31)).toEqual(parsed(0));
    expect(scaleDecimal(parsed('9223372036854775807'), -1)).toBeUndefined();
    expect(addDecimal(parsed('0.1'), parsed('0.2'))).toEqual(parsed('0.3'));
    expect(addDecimal(parsed('999999999999999999'), parsed('0.1'))).toBeUndefined();
    expect(addDecimal(parsed('1'), parsed('-1'))).toEqual(parsed(0));
  });
});

test('decimal strings have at most 18 significant digits', () => {
  for (const text of ['0', '-1', '12.50', '123456789012345678', '0.000123', '1000000000000000000000']) {
    expect([text, isDecimalString(text)]).toEqual([text, true]);
  }
  for (const text of ['', '-', '1e3', '1234567890123456789', '1.', 'NaN', '0x1']) {
    expect([text, isDecimalString(text)]).toEqual([text, false]);
  }
});

test('one decimal has one text', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.nat(6), fc.nat(3), (n, point, zeros) => {
      const digits = String(Math.abs(n)).padStart(point + 1, '0');
      const cut = digits.length - point;
      const plain = `${n < 0 ? '-' : ''}${digits.slice(0, cut)}.${digits.slice(cut)}${'0'.repeat(zeros + 1)}`;
      const once = normalizeDecimal(plain);
      expect(normalizeDecimal(once)).toBe(once);
      expect(compareDecimal(once, plain)).toBe(0);
      expect(once).toMatch(/^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$/);
      const json = toJsonNumber(parsed(plain));
      expect(typeof json === 'number' ? String(json) : json.text).toBe(once);
    }),
  );
  expect(normalizeDecimal('abc')).toBe('abc');
});
