import { NumberLiteral } from './number-literal.ts';

/**
 * Exact decimal numbers, without floats. OPA compares numbers as floats with 64 bits of mantissa in Go and as decimals
 * in WebAssembly; up to 18 significant digits, and for all 64-bit integers, both give the exact answer.
 */

/** `coefficient × 10^exponent`; the coefficient has no trailing zeros, and zero has the exponent 0. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** What stands for a decimal, see `parseDecimal`. */
export type DecimalLike = Decimal | NumberLiteral | number | string;

export const MAX_SIGNIFICANT_DIGITS = 18;
/** A decimal has at most this many digits before the point, and as many after it. */
const MAX_MAGNITUDE = 30;
const MAX_TEXT = 64;
const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;
const NUMBER = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,6}))?$/;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

function normalized(coefficient: bigint, exponent: number): Decimal {
  if (coefficient === 0n) return { coefficient, exponent: 0 };
  const text = coefficient.toString();
  const significant = text.replace(/0+$/, '');
  if (significant.length === text.length) return { coefficient, exponent };
  return { coefficient: BigInt(significant), exponent: exponent + text.length - significant.length };
}

function digits({ coefficient }: Decimal): string {
  return (coefficient < 0n ? -coefficient : coefficient).toString();
}

/** The power of ten of the first digit: 0 for 7, 3 for 1234, -2 for 0.05. */
function magnitude(decimal: Decimal): number {
  return digits(decimal).length - 1 + decimal.exponent;
}

/** Within what both of OPA's engines compare exactly. */
function isBounded(decimal: Decimal): boolean {
  if (Math.abs(magnitude(decimal)) > MAX_MAGNITUDE) return false;
  if (digits(decimal).length <= MAX_SIGNIFICANT_DIGITS) return true;
  // More than 18 digits without trailing zeros: a 64-bit integer or nothing.
  return decimal.exponent === 0 && decimal.coefficient >= MIN_INT64 && decimal.coefficient <= MAX_INT64;
}

function fromText(text: string, grammar: RegExp): Decimal | undefined {
  const match = text.length <= MAX_TEXT ? grammar.exec(text) : null;
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const coefficient = BigInt(`${whole}${fraction}`);
  const decimal = normalized(sign === '' ? coefficient : -coefficient, Number(exponent) - fraction.length);
  return isBounded(decimal) ? decimal : undefined;
}

/**
 * The exact decimal that a value stands for: a number means its shortest decimal text, a string must be a plain
 * decimal (no exponent), a literal may be any JSON number.
 * @returns undefined for everything else, NaN and infinities included, and beyond 18 significant digits (int64 excepted).
 */
export function parseDecimal(value: unknown): Decimal | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? fromText(String(value), NUMBER) : undefined;
  if (typeof value === 'string') return fromText(value, DECIMAL);
  return value instanceof NumberLiteral ? fromText(value.text, NUMBER) : undefined;
}

/** Is the text a plain decimal (`-12.50`) of at most 18 significant digits? */
export function isDecimalString(text: string): boolean {
  const decimal = fromText(text, DECIMAL);
  return decimal !== undefined && digits(decimal).length <= MAX_SIGNIFICANT_DIGITS;
}

/** Both coefficients for the same exponent. */
function aligned(left: Decimal, right: Decimal): [left: bigint, right: bigint, exponent: number] {
  const exponent = Math.min(left.exponent, right.exponent);
  const shift = (value: Decimal) => value.coefficient * 10n ** BigInt(value.exponent - exponent);
  return [shift(left), shift(right), exponent];
}

function toDecimal(value: DecimalLike): Decimal | undefined {
  return typeof value === 'object' && 'coefficient' in value ? value : parseDecimal(value);
}

/**
 * -1, 0 or 1 as `left` is smaller than, equal to or larger than `right`; NaN, for which every comparison is false, when
 * one of them is no decimal.
 */
export function compareDecimal(left: DecimalLike, right: DecimalLike): number {
  const a = toDecimal(left);
  const b = toDecimal(right);
  if (a === undefined || b === undefined) return Number.NaN;
  const [x, y] = aligned(a, b);
  return x === y ? 0 : x < y ? -1 : 1;
}

/** `left + right`; undefined where the sum is no longer bounded. */
export function addDecimal(left: Decimal, right: Decimal): Decimal | undefined {
  const [a, b, exponent] = aligned(left, right);
  const sum = normalized(a + b, exponent);
  return isBounded(sum) ? sum : undefined;
}

/** `value × 10^power`: minor units to units with a negative power. Undefined where the result is no longer bounded. */
export function scaleDecimal(value: Decimal, power: number): Decimal | undefined {
  if (value.coefficient === 0n) return value;
  const scaled = { coefficient: value.coefficient, exponent: value.exponent + power };
  return Number.isSafeInteger(power) && isBounded(scaled) ? scaled : undefined;
}

/** The plain decimal text, without exponent, leading or trailing zeros: `5000`, `-0.05`. */
export function formatDecimal(value: Decimal): string {
  const sign = value.coefficient < 0n ? '-' : '';
  const text = digits(value);
  if (value.exponent >= 0) return `${sign}${text}${'0'.repeat(value.exponent)}`;
  const padded = text.padStart(1 - value.exponent, '0');
  return `${sign}${padded.slice(0, value.exponent)}.${padded.slice(value.exponent)}`;
}

/** The one text of all spellings of a decimal: `100`, `100.0` and `0100` are `100`. The text itself where it is none. */
export function normalizeDecimal(text: string): string {
  const decimal = fromText(text, DECIMAL);
  return decimal === undefined ? text : formatDecimal(decimal);
}

/** The value for JSON: a JS number where that is exact and printed plainly (15 digits), otherwise a literal. */
export function toJsonNumber(value: Decimal): number | NumberLiteral {
  const size = magnitude(value);
  const text = formatDecimal(value);
  return digits(value).length <= 15 && size >= -6 && size <= 20 ? Number(text) : new NumberLiteral(text);
}
